/** Where code leaves the history: both sides in the same form, and a sentence that says what differs (P4). */
import type { Json } from "../../../operation.ts";
import type { Cue } from "../history/script.ts";

export interface Divergence {
  /** The step where they part: of the history, else of the code. */
  readonly step: string;
  readonly message: string;
  readonly recorded: Json;
  readonly asked: Json;
}

/** One side, as it is shown: a verb with what it was given, a result, `nothing` or `the end`. */
type Side = Readonly<Record<string, Json>>;

/** Places that are named at most. */
const mostPlaces = 5;

/** `nameOf`: the step of an ask number. */
export function divergenceOf(recorded: Cue, asked: Json, nameOf: (n: number) => string): Divergence {
  const was = sideOf(recorded, nameOf);
  const is = asked as Side;
  const step = String(was.id ?? was.result ?? is.id ?? was.asked);
  return { step, message: sentence(was, is), recorded: was, asked };
}

function sentence(was: Side, is: Side): string {
  const same = was.asked === is.asked && was.id === is.id;
  if (was.id !== undefined && same) {
    const differs = ["operation", "process", "event", "key", "until", "wait"].filter((name) => was[name] !== is[name]);
    if (differs.length > 0) return `${was.id} is asked again, with another ${differs.join(" and ")}.`;
    const places = differences(was.input, is.input);
    const where = places.length === 0 ? "in the order of its members" : `at ${places.join(", ")}`;
    return `${was.id} is asked again, with another input: it differs ${where}.`;
  }
  const history = was.result === undefined ? `asks for ${named(was)} next` : `gives the result of ${was.result} next`;
  if (is.asked === "nothing") return `The history ${history}, and the code asks for nothing more.`;
  if (is.asked === "the end") return `The history ${history}, and the code has ended.`;
  return `The history ${history}, and the code asks for ${named(is)}.`;
}

/** `call warehouse.reserveStock` */
function named({ asked, id }: Side): string {
  return id === undefined ? `the ${String(asked)}` : `${String(asked)} ${String(id)}`;
}

function sideOf(cue: Cue, nameOf: (n: number) => string): Side {
  if (cue.t === "pivot") return { asked: "pivot" };
  if (cue.t === "release") return { asked: "race", released: cue.ns.map(nameOf) };
  if (cue.t === "got") return { result: nameOf(cue.n) };
  if (cue.t === "item") return { result: `${nameOf(cue.m)}[${cue.i}]` };
  const { v, id, op, child, ev, key, due, in: input } = cue;
  // A wait `within` a time has its moment from the clock; one `until` a moment was asked for that.
  const until = v === "sleep" && due !== undefined ? { until: new Date(due).toISOString() } : {};
  return {
    asked: v,
    id,
    ...(op === undefined ? {} : { operation: op }),
    ...(child === undefined ? {} : childSide(child.process, child.wait !== false)),
    ...(ev === undefined ? {} : { event: ev }),
    ...(key === undefined ? {} : { key }),
    ...until,
    ...(input === undefined ? {} : { input }),
  } as Side;
}

/** What is shown of a child beside its input. */
export function childSide(process: string, wait: boolean): Readonly<Record<string, Json>> {
  return wait ? { process } : { process, wait };
}

/** Where two values differ, as JSON Pointers (RFC 6901). Values do not stand in them. */
export function differences(one: Json | undefined, other: Json | undefined): string[] {
  const found: string[] = [];
  const open: { at: string; a: Json | undefined; b: Json | undefined }[] = [{ at: "", a: one, b: other }];
  for (let next = open.pop(); next !== undefined && found.length < mostPlaces; next = open.pop()) {
    const { at, a, b } = next;
    if (a === b) continue;
    if (
      typeof a !== "object" ||
      typeof b !== "object" ||
      a === null ||
      b === null ||
      Array.isArray(a) !== Array.isArray(b)
    ) {
      found.push(at === "" ? "the whole of it" : at);
      continue;
    }
    const [left, right] = [a as Readonly<Record<string, Json>>, b as Readonly<Record<string, Json>>];
    for (const name of [...new Set([...Object.keys(left), ...Object.keys(right)])].reverse()) {
      const part = name.replaceAll("~", "~0").replaceAll("/", "~1");
      open.push({ at: `${at}/${part}`, a: left[name], b: right[name] });
    }
  }
  return found;
}
