/**
 * Whether every value that one schema (the giver's) allows is allowed by another (the taker's): JSON Schema 2020-12, by kind of
 * value, through references and rings. What does not fit is found as issues, each with values that may show it; whoever
 * asked proves them with validators. Nothing that can't be decided is passed over: it is an issue too.
 *
 * One convention: a member that the giver's schema does not name is not expected under a name that only the taker's names.
 * By the letter an open object might have had it, of any kind; but then no version could ever name a new member.
 */
import type { Json, JsonSchema } from "../../../operation.ts";
import { referencesOf } from "../../references.ts";
import { type Definitions, type Flat, flatten, type Kind } from "./flat.ts";
import { itemIssues, memberIssues } from "./inside.ts";
import { type Issue, type NamedPair, spread } from "./issue.ts";
import type { SchemaRule } from "./rule.ts";
import { schemaRules } from "./rules/index.ts";
import { meaningOf, unchangedNames } from "./same.ts";
import { unionIssues } from "./unions.ts";
import { flatValues } from "./values.ts";

/** What a comparison has done, and may do. */
export interface Work {
  /** Pairs of schemas looked at. */
  steps: number;
  /** Values given to validators. */
  tries: number;
}

/** Where the walk is. */
export interface Spot {
  readonly path: readonly string[];
  readonly named: string | undefined;
  /** Steps below the named schema. */
  readonly below: readonly string[];
  readonly wrap: (value: Json) => Json;
}

/** Pairs of schemas looked at in one question, and in all. Beyond, what is left is for review. */
const mostSteps = 20_000;
const mostStepsInAll = 1_000_000;
/** Issues of one pair of schemas. Beyond, what is left is for review. */
const mostIssues = 1000;
const deepest = 100;

export class Walk {
  readonly giver: Definitions;
  readonly taker: Definitions;
  /** Members that the taker does not know any more are worth a review: requests only. */
  readonly forgetful: boolean;
  readonly #unchanged: ReadonlySet<string>;
  readonly #memo = new Map<string, readonly Issue[]>();
  readonly #pairs = new Map<string, NamedPair>();
  /** Shared with the walks that it asks the other way round. */
  readonly #budget: { steps: number };
  readonly #work: Work;
  readonly #isRoot: boolean;
  #depth = 0;
  #reversed: Walk | undefined;

  constructor(
    giver: Definitions,
    taker: Definitions,
    {
      forgetful = false,
      unchanged,
      budget,
      work = { steps: 0, tries: 0 },
      back,
    }: {
      readonly forgetful?: boolean;
      readonly unchanged?: ReadonlySet<string>;
      readonly budget?: { steps: number };
      readonly work?: Work;
      readonly back?: Walk | undefined;
    } = {},
  ) {
    this.#isRoot = budget === undefined;
    this.#budget = budget ?? { steps: 0 };
    this.#work = work;
    this.#reversed = back;
    this.giver = giver;
    this.taker = taker;
    this.forgetful = forgetful;
    this.#unchanged = unchanged ?? unchangedNames(giver, taker);
  }

  /** The issues of a whole schema. What one question has found of named schemas, the next one knows. */
  ask(giver: JsonSchema, taker: JsonSchema): readonly Issue[] {
    if (this.#isRoot) this.#budget.steps = 0;
    const depth = this.#depth;
    this.#depth = 0;
    const found = spread(this.fits(giver, taker, { path: [], named: undefined, below: [], wrap: (value) => value }));
    this.#depth = depth;
    return found;
  }

  /** The other way round: what the taker allows and the giver does not. */
  reversed(): Walk {
    this.#reversed ??= new Walk(this.taker, this.giver, {
      unchanged: this.#unchanged,
      budget: this.#budget,
      work: this.#work,
      back: this.forgetful ? undefined : this,
    });
    return this.#reversed;
  }

  /** Whether both say the same, all that they refer to included. */
  same(giver: JsonSchema, taker: JsonSchema): boolean {
    return meaningOf(giver) === meaningOf(taker) && referencesOf(giver).every((name) => this.#unchanged.has(name));
  }

  fits(giver: JsonSchema, taker: JsonSchema, spot: Spot): readonly Issue[] {
    if (taker === true || giver === false || this.same(giver, taker)) return [];
    const from = onlyReference(giver);
    const to = onlyReference(taker);
    const flats = [flatten(giver, this.giver), flatten(taker, this.taker)] as const;
    if (from === undefined || to === undefined)
      return this.fitsFlat(...flats, to === undefined ? spot : { ...spot, named: to, below: [] });
    const pair = this.#pair(`${from}\n${to}`, giver, taker, () =>
      distinct(this.fitsFlat(...flats, { path: [], named: to, below: [], wrap: (value) => value })),
    );
    return [{ ...this.issue("", "", spot, () => []), pair }];
  }

  #pair(key: string, giver: JsonSchema, taker: JsonSchema, look: () => readonly Issue[]): NamedPair {
    const known = this.#pairs.get(key);
    if (known !== undefined) return known;
    let begun = false;
    let found: readonly Issue[] | undefined;
    const issues = (): readonly Issue[] | undefined => {
      if (begun) return found;
      begun = true;
      found = look();
      return found;
    };
    const pair: NamedPair = { giver, taker, issues };
    this.#pairs.set(key, pair);
    return pair;
  }

  fitsFlat(giver: Flat, taker: Flat, spot: Spot): readonly Issue[] {
    if (giver.kinds.size === 0 || giver.values?.length === 0) return [];
    if (isSimple(giver) && isSimple(taker)) return this.#fitsFlat(giver, taker, spot);
    const key = `${idOf(giver)} ${idOf(taker)} ${spot.named ?? ""}/${spot.below.join("/")}`;
    let known = this.#memo.get(key);
    if (known === undefined) {
      if (++this.#budget.steps > mostSteps || ++this.#work.steps > mostStepsInAll || this.#depth > deepest)
        return [this.issue("too-large", "values that were too many to look at", spot, () => [], "review")];
      // Inside itself it is taken as fitting: what does not fit is found where it stands.
      this.#memo.set(key, []);
      this.#depth++;
      known = distinct(this.#fitsFlat(giver, taker, { ...spot, path: [], wrap: (value) => value }));
      this.#depth--;
      this.#memo.set(key, known);
    }
    return known.map((issue) => ({
      ...issue,
      path: [...spot.path, ...issue.path],
      wrap: (value) => spot.wrap(issue.wrap(value)),
    }));
  }

  #fitsFlat(giver: Flat, taker: Flat, spot: Spot): readonly Issue[] {
    if (taker.kinds.size === 0)
      return [this.issue("not-allowed", "values of any kind", spot, () => flatValues(giver, this.giver, 0))];
    if (giver.unions.length > 0 || taker.unions.length > 0) {
      const found = unionIssues(this, giver, taker, spot);
      if (found !== undefined) return found;
    }
    const issues: Issue[] = [];
    for (const rule of schemaRules) {
      if (!concerns(rule, giver, taker)) continue;
      const offence = rule.check(giver, taker, this);
      if (offence !== undefined)
        issues.push({
          ...this.issue(rule.id, offence.what, spot, offence.candidates, offence.verdict),
          ...(offence.about === undefined ? {} : { about: offence.about }),
        });
    }
    // A closed list can be tried out to the last value.
    if (giver.values !== undefined) {
      const { values } = giver;
      return issues.map((issue) => ({ ...issue, candidates: () => values, finite: true }));
    }
    if (giver.kinds.has("object") && taker.kinds.has("object")) issues.push(...memberIssues(this, giver, taker, spot));
    if (giver.kinds.has("array") && taker.kinds.has("array")) issues.push(...itemIssues(this, giver, taker, spot));
    return issues;
  }

  issue(rule: string, what: string, spot: Spot, candidates: () => readonly Json[], verdict?: Issue["verdict"]): Issue {
    const named = spot.named === undefined ? undefined : [spot.named, ...spot.below].join("/");
    return {
      rule,
      what,
      path: spot.path,
      named,
      candidates,
      wrap: spot.wrap,
      ...(verdict === undefined ? {} : { verdict }),
    };
  }

  /** A member that only one of them names: nothing fails. */
  told(rule: "property-added" | "property-removed", name: string, spot: Spot): Issue {
    return this.issue(rule, `the property ${JSON.stringify(name)}`, spot, () => [], "safe");
  }

  /** One step further inside. */
  inside(spot: Spot, step: string, wrap: (value: Json) => Json): Spot {
    return {
      path: [...spot.path, step],
      named: spot.named,
      below: [...spot.below, step],
      wrap: (value) => spot.wrap(wrap(value)),
    };
  }
}

/** Nothing lies inside. */
function isSimple({ objects, lists, unions, conditions, required }: Flat): boolean {
  return objects.length + lists.length + unions.length + conditions.length + required.size === 0;
}

const ids = new Map<string, number>();

/** The same for flats that say the same. */
function idOf({ sources, kinds, unions, partial, excluded, values }: Flat): string {
  const id = (schema: JsonSchema): number => {
    const text = meaningOf(schema);
    const known = ids.get(text) ?? ids.size;
    ids.set(text, known);
    return known;
  };
  const left = unions.map(({ options }) => options.map(id).join("+")).join(";");
  return [
    sources.map(id).join(),
    [...kinds].join(),
    left,
    partial ? "p" : "",
    excluded.map(id).join(),
    values?.length ?? "",
  ].join("|");
}

/** The same change of a named schema once, however many ways lead to it. */
function distinct(issues: readonly Issue[]): readonly Issue[] {
  const seen = new Set<string>();
  const pairs = new Set<NamedPair>();
  const kept = issues.filter(({ rule, what, named, path, pair }) => {
    if (pair !== undefined) return !pairs.has(pair) && pairs.add(pair);
    const key = `${rule}\n${what}\n${named ?? ` ${path.join("/")}`}`;
    return !seen.has(key) && seen.add(key);
  });
  if (kept.length - pairs.size <= mostIssues) return kept;
  const own = kept.filter(({ pair }) => pair === undefined);
  const tooMany = {
    ...own[mostIssues]!,
    rule: "too-large",
    what: "values that were too many to look at",
    candidates: () => [],
  };
  return [
    ...own.slice(0, mostIssues),
    { ...tooMany, verdict: "review" },
    ...kept.filter(({ pair }) => pair !== undefined),
  ];
}

function concerns({ kinds }: SchemaRule, giver: Flat, taker: Flat): boolean {
  return kinds === undefined || kinds.some((kind: Kind) => giver.kinds.has(kind) && taker.kinds.has(kind));
}

/** The name, where the schema is nothing but a reference. */
function onlyReference(schema: JsonSchema): string | undefined {
  if (typeof schema === "boolean" || typeof schema.$ref !== "string") return undefined;
  const others = Object.keys(schema).filter(
    (keyword) => !["$ref", "description", "title", "deprecated"].includes(keyword),
  );
  return others.length === 0 ? schema.$ref.slice("#/$defs/".length) : undefined;
}
