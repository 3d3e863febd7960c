/** What the walk finds (walk.ts), and how pairs of named schemas in it are read. */
import type { Json, JsonSchema } from "../../../operation.ts";

/** Something that the giver may give and the taker refuses, or may refuse. */
export interface Issue {
  readonly rule: string;
  /** As a subject in the plural. */
  readonly what: string;
  /** Steps from the value that was asked about: names of members, `*` for items and for members of any name. */
  readonly path: readonly string[];
  /** The named schema that it lies in, and where in it: the same change is seen from many places. */
  readonly named: string | undefined;
  /** Values at the place, the best ones first. */
  readonly candidates: () => readonly Json[];
  /** A value at the place as part of the whole value. */
  readonly wrap: (value: Json) => Json;
  /** The nearest named schemas around it, the steps from there, and a value at the place as part of theirs. */
  readonly inner?: {
    readonly giver: JsonSchema;
    readonly taker: JsonSchema;
    readonly path: readonly string[];
    readonly wrap: (value: Json) => Json;
  };
  /** The candidates are all values there are: if each of them is taken, there is no issue. */
  readonly finite?: boolean;
  /** Properties of the object at the path that it is about; absent: what stands at the path itself. */
  readonly about?: readonly string[];
  /** Decided without a value. Absent: breaking if a value proves it, else for review. */
  readonly verdict?: "safe" | "review" | "breaking";
  /** No issue of its own: all those of a pair of named schemas that stands here. */
  readonly pair?: NamedPair;
}

/** Two named schemas. Each pair is looked at once, however many places it stands at. */
export interface NamedPair {
  readonly giver: JsonSchema;
  readonly taker: JsonSchema;
  /** Its own issues, with pairs for the schemas that it refers to; looked for when they are asked for first. Absent while they are. */
  issues(): readonly Issue[] | undefined;
  /** Whether something does not fit, or may not, in it or in what it refers to. */
  tells?: boolean;
}

/** Those that say that something does not fit, or may not. */
export function telling(issues: readonly Issue[]): readonly Issue[] {
  return issues.filter(({ verdict, pair }) => (pair === undefined ? verdict !== "safe" : tells(pair)));
}

/** One that is being looked at is taken as fitting: what does not fit is found where it stands. */
function tells(pair: NamedPair): boolean {
  const seen = new Set([pair]);
  let unsure = false;
  for (const each of seen) {
    const issues = each.issues();
    if (issues === undefined) unsure = true;
    for (const { verdict, pair: inner } of issues ?? []) {
      if (inner === undefined ? verdict !== "safe" : inner.tells === true) {
        pair.tells = true;
        return true;
      }
      if (inner !== undefined && inner.tells === undefined) seen.add(inner);
    }
  }
  if (!unsure) for (const each of seen) each.tells = false;
  return false;
}

/** In place of each pair its issues: once, at the place that is the fewest named schemas away. */
export function spread(issues: readonly Issue[]): readonly Issue[] {
  const found: Issue[] = [];
  const seen = new Set<NamedPair>();
  for (let level = issues; level.length > 0; ) {
    const next: Issue[] = [];
    for (const issue of level) {
      const { pair } = issue;
      if (pair === undefined) found.push(issue);
      else if (!seen.has(pair)) {
        seen.add(pair);
        for (const inner of pair.issues() ?? []) next.push(within(issue, pair, inner));
      }
    }
    level = next;
  }
  return found;
}

function within({ path, wrap }: Issue, { giver, taker }: NamedPair, inner: Issue): Issue {
  return {
    ...inner,
    path: [...path, ...inner.path],
    wrap: (value) => wrap(inner.wrap(value)),
    inner: { giver, taker, path: inner.path, wrap: inner.wrap },
  };
}
