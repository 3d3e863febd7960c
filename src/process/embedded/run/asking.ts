/** Puts what a verb asked into records, and compares it with what was recorded (P4). */
import type { Json } from "../../../operation.ts";
import { asText, sameInput, type ValueLimits } from "../history/json-text.ts";
import { namedIn } from "../history/named.ts";
import { type AskRecord, type ChildAsk, effectKey, type UndoData } from "../history/records.ts";
import type { Vault } from "../history/vault.ts";
import { placeChild } from "./children.ts";
import { childSide } from "./divergence.ts";
import type { Identity } from "./host.ts";
import type { Journal } from "./journal.ts";
import { nameOf } from "./operation-names.ts";
import type { Draft } from "./verbs.ts";

/** A draft with its place in the run and its input as text. */
export interface Asked {
  readonly draft: Draft;
  readonly n: number;
  /** Name and occurrence. */
  readonly id: string;
  readonly operation: string | undefined;
  readonly input: string | undefined;
}

export function askedOf(draft: Draft, n: number, occurrence: number, limits: ValueLimits): Asked {
  const id = occurrence === 1 ? draft.name : `${draft.name}#${occurrence}`;
  return {
    draft,
    n,
    id,
    operation: draft.operation && nameOf(draft.operation),
    input:
      draft.input === undefined && draft.kind !== "call" && draft.kind !== "child"
        ? undefined
        : asText(draft.input, id, limits),
  };
}

/** Whether the code asks what the history holds. */
export function matches(cue: AskRecord, { draft, id, operation, input }: Asked): boolean {
  return (
    cue.v === draft.kind &&
    cue.id === id &&
    cue.op === operation &&
    cue.ev === draft.event?.name &&
    cue.key === draft.event?.key &&
    (draft.due === undefined || cue.due === draft.due) &&
    sameChild(cue.child, draft.child) &&
    hasInput(cue, input)
  );
}

function sameChild(recorded: ChildAsk | undefined, asked: Draft["child"]): boolean {
  if (recorded === undefined || asked === undefined) return recorded === asked;
  return recorded.process === asked.process.name && (recorded.wait !== false) === asked.wait;
}

function hasInput(cue: AskRecord, input: string | undefined): boolean {
  const name = namedIn(cue, "in");
  const same = (text: string | undefined): boolean =>
    name === undefined ? sameInput(cue.in, text) : text !== undefined && name.same(text);
  // What is recorded was read back once. A raw number (1.50) and an order of a proxy's own are not in it any more.
  return same(input) || (input !== undefined && same(JSON.stringify(JSON.parse(input))));
}

/** What was asked, for the question that shows both sides. */
export function askedAsJson({ draft, id, operation, input }: Asked): Json {
  return {
    asked: draft.kind,
    id,
    ...(operation === undefined ? {} : { operation }),
    ...(draft.child === undefined ? {} : childSide(draft.child.process.name, draft.child.wait)),
    ...(draft.event === undefined ? {} : { event: draft.event.name, key: draft.event.key }),
    ...(draft.due === undefined ? {} : { until: new Date(draft.due).toISOString() }),
    ...(input === undefined ? {} : { input: JSON.parse(input) as Json }),
  } as Json;
}

/** Writes the ask and the rows beside it; gives it back as it will be read. */
export function recordAsk(
  journal: Journal,
  identity: Identity,
  asked: Asked,
  at: number,
  child: ChildAsk | undefined,
  vault: Vault,
): AskRecord {
  const { draft, n, id, operation, input } = asked;
  const { scope } = draft;
  const key = effectKey(identity.id, n);
  const due = draft.within === undefined ? draft.due : at + draft.within;
  const undo = draft.undo && undoText(draft.undo, key);
  const ask: AskRecord = {
    t: "ask",
    n,
    id,
    v: draft.kind,
    at,
    op: operation,
    e: draft.effect,
    // What is sent is what was recorded, whatever the code does with its object afterwards.
    in: input === undefined ? undefined : (JSON.parse(input) as Json),
    due,
    ev: draft.event?.name,
    key: draft.event?.key,
    late: draft.event?.late === "drop" ? "drop" : undefined,
    child,
    s: scope && [scope.m, scope.i],
    undo: undo === undefined ? undefined : (JSON.parse(undo) as UndoData),
  };
  journal.ask(ask, input, undo);
  if (child !== undefined) placeChild({ journal, vault }, ask, at);
  else recordWait(journal, identity, asked, due);
  return ask;
}

function recordWait(journal: Journal, identity: Identity, { draft, n, input }: Asked, due: number | undefined): void {
  if (draft.kind === "sleep") journal.timer(n, due as number);
  else if (draft.event !== undefined) {
    const { name: event, key } = draft.event;
    journal.wait({
      n,
      event,
      key,
      ...(due === undefined ? {} : { due }),
      ...(draft.event.late === "drop" ? { drops: true as const } : {}),
    });
  } else if (draft.task !== undefined) {
    const { definition, assign } = draft.task;
    journal.task({
      n,
      id: effectKey(identity.id, n),
      process: identity.process,
      runKey: identity.key,
      name: definition.name,
      title: definition.title,
      assign,
      input: input ?? "null",
      form: JSON.stringify(definition.answer.json),
      ...(due === undefined ? {} : { due }),
    });
  }
}

/** The undo of a step before its output is known. What throws here needs the output, and is computed with it. */
function undoText(undo: NonNullable<Draft["undo"]>, key: string): string {
  const { operation } = undo;
  const head = JSON.stringify({ op: nameOf(operation), e: operation.effect }).slice(0, -1);
  let input: string | undefined;
  try {
    input = asText(undo.with({ output: undefined as never, key }), "an undo");
  } catch {
    input = undefined;
  }
  return `${head}${input === undefined ? "" : `,"in":${input}`}}`;
}
