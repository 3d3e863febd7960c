/**
 * Whether a call took effect once, twice or not at all, in words: what follows from the facts of a trace and from promise P3. `least` and `most` say how
 * often its effect can be in place, what was taken back not counted. Nothing is said that the records do not carry.
 */
import type { CallTrace, KeyTrace, SaidOfAttempts } from "./trace.ts";

export const verdictKinds = [
  /** It changes nothing. */
  "read",
  /** Sent once, or again only after attempts without effect. */
  "once",
  /** It may have been sent more than once, and a repeat is harmless. */
  "counted-once",
  /** It was repeated, each time after its probe had found nothing. */
  "probed",
  /** A person said what happened, and nothing else tells. */
  "by-word",
  /** Answered with a declared fault. */
  "refused",
  "not-sent",
  "no-effect",
  "under-way",
  "not-known",
  "taken-back",
  "may-be-twice",
  "twice",
] as const;
export type VerdictKind = (typeof verdictKinds)[number];

export interface Verdict {
  readonly kind: VerdictKind;
  readonly text: string;
  readonly least: number;
  readonly most: number;
}

/** What the contract and the system's definition say of an operation now. */
export interface OperationFacts {
  /** Whether the effect key is sent in a place of the contract. */
  readonly takesKey: boolean;
  /** Name of its probe: `warehouse.findHold`. */
  readonly probe?: string;
}

/** What is around a call. */
export interface Around {
  readonly facts: OperationFacts | undefined;
  /** The run is final: nothing more comes. */
  readonly final: boolean;
  /** Calls that take it back. */
  readonly undos: readonly CallTrace[];
}

export function verdictOf(call: CallTrace, around: Around): Verdict {
  if (call.effect === "read") return { kind: "read", text: "It only reads.", least: 0, most: 0 };
  const verdicts = call.keys.map((key) => takenBack(call, key, ofKey(call, key, around), around.undos));
  const last = verdicts.at(-1) as Verdict;
  const end = call.superseded === true ? " A rewind superseded it, and it was asked anew under another key." : "";
  if (verdicts.length === 1) return { ...last, text: last.text + end };
  const least = verdicts.reduce((sum, one) => sum + one.least, 0);
  const most = verdicts.reduce((sum, one) => sum + one.most, 0);
  const before = verdicts.slice(0, -1).map((one, at) => ` Before that, under ${call.keys[at]?.key}: ${one.text}`);
  return { kind: manyKind(last.kind, least, most), text: `${last.text}${before.join("")}${end}`, least, most };
}

function manyKind(kind: VerdictKind, least: number, most: number): VerdictKind {
  if (least > 1) return "twice";
  return most > 1 ? "may-be-twice" : kind;
}

/** `once`, `twice`, `3 times`. */
export function times(number: number): string {
  return ["never", "once", "twice"][number] ?? `${number} times`;
}

/** Who a call goes to, in a sentence. */
function whom({ operation }: CallTrace): string {
  return operation === undefined ? "the step's own code" : (operation.split(".", 1)[0] as string);
}

/** Why a repeat is harmless. */
function harmless(call: CallTrace, facts: OperationFacts | undefined): string {
  if (call.operation === undefined) return "its code says that a repeat under the same key is harmless";
  if (facts?.takesKey === false) return `a repeat of ${call.operation} is harmless by its definition`;
  return `${whom(call)} takes the key and counts it once`;
}

/** How many attempts under the key may have reached the system, the one that was answered included. */
function arrived({ failed, cut, state, running }: KeyTrace): number {
  const unknown = failed.filter(({ failure }) => failure.outcome === "unknown").length;
  const lost = failed.filter(({ afterLost }) => afterLost === true).length;
  const answered = state === "answered" || state === "fault" || running ? 1 : 0;
  return unknown + Math.max(lost, cut.length) + answered;
}

function ofKey(call: CallTrace, key: KeyTrace, around: Around): Verdict {
  const { cleared, state } = key;
  const verdict = ((): Verdict => {
    switch (state) {
      case "answered":
        return answered(call, key, around);
      case "found":
        return found(call, key, around);
      case "given":
        return given(key);
      case "fault":
        return refused(call, key, around);
      case "absent":
        return none("no-effect", "Its probe found nothing: it did not happen.");
      default:
        return open(call, key, around);
    }
  })();
  // What a person took for not having happened may have all the same.
  const most = verdict.most + cleared.person;
  return { ...verdict, most, kind: most > 1 ? "may-be-twice" : verdict.kind };
}

const none = (kind: VerdictKind, text: string): Verdict => ({ kind, text, least: 0, most: 0 });
const maybe = (kind: VerdictKind, text: string): Verdict => ({ kind, text, least: 0, most: 1 });
const one = (kind: VerdictKind, text: string): Verdict => ({ kind, text, least: 1, most: 1 });

function answered(call: CallTrace, key: KeyTrace, { facts }: Around): Verdict {
  const sent = arrived(key);
  const folded = key.attempts > key.failed.length + 1;
  if (sent === 1 && !folded) {
    const before = key.failed.length;
    const more = before === 0 ? "" : ` ${before === 1 ? "An attempt" : `${before} attempts`} before it had no effect.`;
    return one("once", `Sent once, and answered.${more}`);
  }
  const often = folded ? `up to ${times(key.attempts)}` : times(sent);
  if (call.effect === "idempotent")
    return one(
      "counted-once",
      `May have been sent ${often}, always under this key: ${harmless(call, facts)}.${cutOff(key)}`,
    );
  return one("probed", `May have been sent ${often}: ${noKey(call)}. ${whyRepeated(key, facts)}`);
}

function noKey(call: CallTrace): string {
  return call.operation === undefined ? "its code takes no key" : `${whom(call)} takes no key`;
}

/** Of attempts that a record does not tell of. */
function cutOff({ cut }: KeyTrace): string {
  if (cut.length === 0) return "";
  const at = cut.map((time) => new Date(time).toISOString()).slice(0, 3);
  return ` A server began at ${at.join(", ")}, and what was under way before was cut off.`;
}

function whyRepeated({ said, cleared }: KeyTrace, facts: OperationFacts | undefined): string {
  const person = said.findLast(({ what }) => what === "repeat");
  const probe = `its probe${named(facts)} found that nothing had happened`;
  if (cleared.person > 0 && person !== undefined) {
    const also = cleared.probe > 0 ? ` Another time ${probe}.` : "";
    return `${wordOf(person)} that it had not happened.${also}`;
  }
  if (cleared.probe > 0) return `Before ${cleared.probe === 1 ? "the repeat" : "each repeat"} ${probe}.`;
  return "It is repeated only after its probe found nothing, or by the word of a person; those records are folded.";
}

function named(facts: OperationFacts | undefined): string {
  return facts?.probe === undefined ? "" : ` ${facts.probe}`;
}

function wordOf(said: SaidOfAttempts): string {
  if (!("by" in said)) return "It was said";
  return `${said.by} said (“${said.reason}”)`;
}

function found(call: CallTrace, key: KeyTrace, { facts }: Around): Verdict {
  const sent = arrived(key);
  const text = `The answer was lost, and its probe${named(facts)} found that it had happened.`;
  if (sent <= 1 || call.effect === "idempotent") return one("once", `Sent once. ${text}`);
  return one("probed", `May have been sent ${times(sent)}: ${noKey(call)}. ${whyRepeated(key, facts)} ${text}`);
}

function given(key: KeyTrace): Verdict {
  const said = key.said.findLast(({ what }) => what === "happened");
  const known = key.maybe
    ? "An attempt may have happened; nothing else tells."
    : "No attempt of Mortise had an effect, as far as is known.";
  return one(
    "by-word",
    `${said === undefined ? "A person said" : wordOf(said)} that it happened, and gave the result. ${known}`,
  );
}

function refused(call: CallTrace, key: KeyTrace, { facts }: Around): Verdict {
  const said = `${whom(call)} answered with the fault ${call.fault?.name ?? "(unknown)"}`;
  if (!key.maybe) return none("refused", `Refused: ${said}, so it did not happen.`);
  // A system that takes the key answers for the key, whichever attempt came through.
  if (call.operation !== undefined && facts?.takesKey === true)
    return none(
      "refused",
      `Refused: ${said}. It may have been sent ${times(arrived(key))}, but its answer is for the key, so none of them happened.`,
    );
  return maybe(
    "not-known",
    `Not known: ${said}, but an attempt before it may have happened. At most once: ${harmless(call, facts)}.`,
  );
}

/** Without an end of its own. */
function open(call: CallTrace, key: KeyTrace, { facts, final }: Around): Verdict {
  const { state, failed, running } = key;
  const why = failed.at(-1)?.failure.message.replace(/\.?$/, ".") ?? "";
  const may = key.maybe || running;
  const repeated = call.effect === "idempotent" && arrived(key) > 1;
  const often = repeated ? ` It may have been sent ${times(arrived(key))}: ${harmless(call, facts)}.` : "";
  const look = ` Look in ${whom(call)} for this key.`;
  if (state === "asks" && key.unrecorded === true)
    return unrecorded(
      call,
      key,
      `It happened, and its result can't be recorded. ${why} The run is parked, and asks a person.`,
    );
  if (state === "replaced") {
    const edit = key.said.findLast(({ what }) => what === "edit");
    const then = edit === undefined ? "" : ` ${wordOf(edit)} to call with another input, under a new key.`;
    return may
      ? maybe("not-known", `It may have happened under this key. ${why}${then}${often}${look}`)
      : none("no-effect", `No attempt under this key had an effect. ${why}${then}`);
  }
  if (state === "left" || final) {
    const when = final ? "the run ended" : "the run began to undo";
    if (may) return maybe("not-known", `Not known: ${when} before there was an answer. ${why}${often}${look}`.trim());
    if (failed.length === 0) return none("not-sent", `Never sent: ${when} before.`);
    return none("no-effect", `No attempt had an effect. ${why}`);
  }
  if (state === "asks") {
    const asks = " The run is parked, and asks a person.";
    if (may) return maybe("not-known", `Not known whether it happened. ${why}${asks}${often}`);
    if (call.fault !== undefined)
      return none("refused", `Refused: ${whom(call)} answered with the fault ${call.fault.name}.${asks}`);
    return failed.length === 0
      ? none("not-sent", `Not sent.${asks}`)
      : none("no-effect", `No attempt had an effect. ${why}${asks}`);
  }
  if (state === "held") {
    const text = "It was held back: its system was away, or the server was being stopped.";
    return may ? maybe("under-way", text) : none("not-sent", `Not sent yet. ${text}`);
  }
  if (state === "pausing" && key.nextAt !== undefined) {
    const next = `The next attempt is due at ${new Date(key.nextAt).toISOString()}, under the same key.`;
    return may
      ? maybe("under-way", `It may have happened. ${why} ${next}${often}`)
      : none("under-way", `No attempt had an effect so far. ${why} ${next}`);
  }
  if (!running && key.maybe && facts?.probe !== undefined)
    return maybe("under-way", `It may have happened. ${why} Its probe ${facts.probe} is being asked.`);
  return maybe("under-way", `Under way: there is no answer yet.${often}`);
}

function unrecorded(call: CallTrace, key: KeyTrace, text: string): Verdict {
  const sent = arrived(key);
  if (sent <= 1) return one("once", `Sent once. ${text}`);
  return one(call.effect === "idempotent" ? "counted-once" : "probed", `May have been sent ${times(sent)}. ${text}`);
}

/** What an undo says of what it takes back. */
function takenBack(call: CallTrace, key: KeyTrace, verdict: Verdict, undos: readonly CallTrace[]): Verdict {
  const last = key === call.keys.at(-1);
  const undo = undos.find(({ of }) => (of?.generation === undefined ? last : of.generation === key.generation));
  const state = undo?.keys.at(-1)?.state;
  if (undo === undefined || state === undefined) return verdict;
  const { text } = verdict;
  const back = undo.operation ?? undo.step;
  if (state === "answered" || state === "found" || state === "given") {
    const who = state === "given" ? "Taken back by hand, as a person said" : `Taken back by ${back}`;
    const left = Math.max(0, verdict.most - 1);
    return { kind: left > 0 ? verdict.kind : "taken-back", text: `${text} ${who}.`, least: 0, most: left };
  }
  if (state === "fault") {
    // Of a step with a result a person is asked instead; see the undo's own verdict.
    if (verdict.least > 0) return { ...verdict, text: `${text} ${back}, which takes it back, was refused.` };
    const fault = undo.fault?.name ?? "a fault";
    return none("taken-back", `${text} ${back} answered with ${fault}: there was nothing to take back.`);
  }
  if (state === "asks") return { ...verdict, text: `${text} Its undo by ${back} can't be done, and asks a person.` };
  return { ...verdict, least: 0, text: `${text} ${back} is taking it back.` };
}
