/**
 * Findings of the comparer, judged by what a project uses: a finding touches the lines that call the operation, read the field or
 * write it, or it touches nothing. What is not used never blocks.
 */
import { type Finding, type FindingPlace, toldPlaces, type Verdict, worse } from "../../contract/compare/finding.ts";
import type { OverriddenComparison, OverriddenFinding } from "../../contract/compare/overrides.ts";
import type { ContractModel, OperationModel } from "../../contract/model.ts";
import type { Node } from "./compiler.ts";
import type { ContractBook, Place, Target } from "./contract-book.ts";
import type { Marks, Use } from "./marks.ts";

/** A line of the project that a finding is about. */
export interface Touch {
  readonly file: string;
  /** Absent: known by file only, since the types could not be asked. */
  readonly line?: number;
  /** `createSalesOrder`, `createSalesOrder.output.number`. */
  readonly what: string;
  readonly how: Use["how"];
  readonly why?: string;
  /** Files of processes, APIs, schedules and systems that lead there. */
  readonly by: readonly string[];
}

export type JudgedFinding = OverriddenFinding & {
  readonly touches: readonly Touch[];
  /** Nothing in the project uses it: it does not block. */
  readonly unused: boolean;
};

export interface Impact {
  /** The worst of what is used. */
  readonly verdict: Verdict;
  /** The worst of all. */
  readonly contractVerdict: Verdict;
  readonly findings: readonly JudgedFinding[];
  readonly unusedOverrides: OverriddenComparison["unused"];
  /** Operations and events that findings which are not safe are about. */
  readonly members: {
    /** Where the project uses what they are about. */
    readonly used: readonly string[];
    readonly all: readonly string[];
  };
}

/** What a place of a finding touches. */
export type Asked = (place: FindingPlace, finding: Finding) => readonly Touch[];

/** `old`: what the findings are about. */
export function judge(comparison: OverriddenComparison, asked: Asked): Impact {
  const findings = comparison.findings.map((finding): JudgedFinding => {
    const touches = new Map<string, Touch>();
    const used: FindingPlace[] = [];
    for (const place of finding.places) {
      const found = asked(place, finding);
      // What is about the contract as a whole is about everybody.
      if (found.length > 0 || place.member === "") used.push(place);
      for (const touch of found) touches.set(`${touch.file}:${touch.line}:${touch.what}`, touch);
    }
    return {
      ...ledBy(finding, used[0]),
      touches: [...touches.values()].sort(inOrder),
      unused: used.length === 0,
    };
  });
  const used = findings.filter(({ unused }) => !unused);
  const telling = findings.filter(({ verdict }) => verdict !== "safe");
  const sorted = (names: readonly string[]) => [...new Set(names)].filter((name) => name !== "").sort();
  return {
    verdict: used.reduce<Verdict>((worst, { verdict }) => worse(worst, verdict), "safe"),
    contractVerdict: comparison.verdict,
    findings,
    unusedOverrides: comparison.unused,
    members: {
      used: sorted(telling.flatMap(({ touches }) => touches.map(({ what }) => what.split(".")[0]!))),
      all: sorted(telling.flatMap(({ places }) => places.map(({ member }) => member))),
    },
  };
}

/** The place that is used stands first. */
function ledBy(finding: OverriddenFinding, first: FindingPlace | undefined): OverriddenFinding {
  if (first === undefined || first === finding.places[0]) return finding;
  const places = [first, ...finding.places.filter((place) => place !== first)];
  return { ...finding, ...toldPlaces(places), places };
}

function inOrder(a: Touch, b: Touch): number {
  return a.file < b.file ? -1 : a.file > b.file ? 1 : (a.line ?? 0) - (b.line ?? 0);
}

/** By the types: operation, field, file and line. */
export function askedByTypes(
  model: ContractModel,
  book: ContractBook,
  marks: Marks,
  files: ReadonlyMap<string, readonly string[]>,
): Asked {
  const whole = wholeUses(book, marks, marks.places("whole"));
  const schemas = new Set(book.names("schemas").map((name) => book.member("schemas", name)!.property));
  // What the project itself checks values against: an input of a process, say. It counts whoever calls what.
  const checked = wholeUses(
    book,
    marks,
    marks.places("whole").filter((place) => schemas.has(place)),
  );
  return (place, finding) => {
    const { member } = place;
    const section = Object.hasOwn(model.operations, member) ? "operations" : "events";
    const here = book.member(section, member);
    if (here === undefined) return [];
    const told = (uses: readonly Use[], what: string): Touch[] =>
      uses.map((use) => ({ ...use, what: use.how === "calls" ? member : what, by: files.get(use.file) ?? [] }));
    // What a connection says of an operation names it, too.
    const named = ["operation-removed", "operation-renamed"].includes(finding.rule)
      ? (["writes", "reads"] as const)
      : [];
    const called = marks.of(here.property, "calls", "whole", ...named);
    const spot = spotOf(model, book, place, finding);
    const steps = place.path;
    if (spot === undefined || (spot.steps.length + steps.length === 0 && place.about === undefined))
      return told(called, member);
    const ends = (place.about ?? [undefined]).map((name) => (name === undefined ? [] : [name]));
    return ends.flatMap((end) => {
      const container = book.follow(spot.type, [...spot.steps, ...steps]);
      const target = end.length === 0 ? container : book.follow(spot.type, [...spot.steps, ...steps, ...end]);
      const what = [member, spot.part, ...spot.steps, ...steps, ...end].join(".");
      const on = [...target.properties, ...target.types];
      if (called.length === 0) return told(distinct(on.flatMap((at) => checked.get(at) ?? [])), what);
      const passing = distinct(on.flatMap((at) => whole.get(at) ?? []));
      return told(distinct([...fieldUses(book, marks, finding, container, target, called), ...passing]), what);
    });
  };
}

function fieldUses(
  book: ContractBook,
  marks: Marks,
  { side, rule }: Finding,
  container: Target,
  target: Target,
  called: readonly Use[],
): readonly Use[] {
  if (side === "request") {
    const must = rule === "required-property" || rule === "dependent-properties" || rule === "parameter-required";
    if (target.known && !must) return lastOf(target, (place) => marks.of(place, "writes", "whole"), called);
    // What has to be there now is missing wherever the object is made.
    const writers = book.propertiesOf(container.end).flatMap(({ property }) => marks.of(property, "writes", "whole"));
    return container.properties.length === 0 ? called : distinct(writers);
  }
  // A field that is new is read by nobody yet.
  if (!target.known) return [];
  return lastOf(target, (place) => marks.of(place, "reads", "whole"), called);
}

/** Uses of the property at the end; of the member as a whole where no property is on the way. */
function lastOf(target: Target, uses: (place: Place) => readonly Use[], called: readonly Use[]): readonly Use[] {
  const last = target.properties.at(-1);
  return last === undefined ? called : uses(last);
}

/** Everything that lies in what is handed on as a whole, to where that is done. */
function wholeUses(book: ContractBook, marks: Marks, roots: readonly Place[]): ReadonlyMap<Place, readonly Use[]> {
  const found = new Map<Place, Use[]>();
  for (const root of roots) {
    const uses = marks.of(root, "whole");
    for (const place of book.below(root)) found.set(place, [...(found.get(place) ?? []), ...uses]);
  }
  return found;
}

interface Spot {
  readonly type: Node | undefined;
  /** `input`, `output`, `payload`, the name of a fault. */
  readonly part: string;
  /** From there to where the finding's path begins. */
  readonly steps: readonly string[];
}

/** Where in the types the place of a finding is; `undefined`: it is about the member as a whole. */
function spotOf(
  model: ContractModel,
  book: ContractBook,
  { member, place }: FindingPlace,
  { side }: Finding,
): Spot | undefined {
  if (!Object.hasOwn(model.operations, member))
    return place === "payload" ? { type: book.member("events", member)?.type, part: "payload", steps: [] } : undefined;
  const operation = model.operations[member]!;
  const input = (...steps: string[]): Spot => ({ type: book.part(member, ["input"]), part: "input", steps });
  const output: Spot = { type: book.part(member, ["output"]), part: "output", steps: [] };
  const fault = (name: string | undefined): Spot | undefined =>
    name === undefined ? undefined : { type: book.part(member, ["faults", name]), part: name, steps: [] };
  if (place === "input") return input();
  if (place === "output") return output;
  if (place.startsWith("fault ")) return fault(place.slice("fault ".length));
  const { binding } = operation;
  if (binding.protocol !== "rest") return undefined;
  const [word = "", name = ""] = place.split(" ");
  if (word === "request") return binding.body?.from.kind === "property" ? input(binding.body.from.name) : input();
  if (word === "answer") return side === "fault" ? fault(faultOf(binding.faults, name)) : output;
  const parameter = binding.parameters.find((each) => `${each.in} ${each.name}` === place);
  return parameter === undefined ? undefined : input(parameter.property);
}

function faultOf(faults: (OperationModel["binding"] & { protocol: "rest" })["faults"], status: string) {
  return faults.find((each) => each.status === status)?.fault;
}

function distinct(uses: readonly Use[]): readonly Use[] {
  return [...new Map(uses.map((use) => [`${use.file}\n${use.line}`, use])).values()];
}

/** Without the types: the files that name the operation, and every field of it counts as used. */
export function askedByNames(system: string, byFile: ReadonlyMap<string, ReadonlySet<string>>): Asked {
  return ({ member }) =>
    [...byFile].flatMap(([file, names]): Touch[] =>
      names.has(`${system}.${member}`) ||
      (names.has(system) && ![...names].some((name) => name.startsWith(`${system}.`)))
        ? [{ file, what: member, how: "whole", why: "leads to it; its fields could not be followed", by: [file] }]
        : [],
    );
}
