/** Writes what came for a step into the history, as the step's result. */
import type { Json } from "../../../operation.ts";
import { effectKey } from "../history/records.ts";
import { places } from "../history/vault.ts";
import { recordLateNews, recordNews } from "./children.ts";
import type { Running } from "./host.ts";
import type { Mail, Step } from "./steps.ts";
import { undoWithOutput } from "./undo-with-output.ts";

/**
 * The step that now has its result; `undefined` if it had one, or there is none. `held`: the code is given nothing now, and gets it
 * later; it is a `held` mail then.
 */
export function recordResult(execution: Running, mail: Mail, held?: true): Step | undefined {
  const { journal, steps, host } = execution;
  const step = steps.get(mail.n);
  // The release gave it back, or took it away: its row is no longer this run's.
  if (step?.got?.released === true) return undefined;
  // What can't be read stays in the inbox.
  const came = mail.kind === "inbox" && step?.got === undefined ? textOf(execution, mail, step) : "";
  if (mail.kind === "inbox") journal.consume(mail.id);
  if (mail.kind === "item") return undefined;
  if (mail.kind === "mapped") {
    const mapping = step?.live?.kind === "wait" ? step.live.mapping : undefined;
    if (step === undefined || mapping === undefined || step.got !== undefined) return undefined;
    const fault = mapping.failure();
    const given = { t: "got" as const, n: mail.n, at: host.now() };
    step.got = fault === undefined ? { ...given, ok: null } : { ...given, fault };
    journal.got(step.got, fault === undefined ? "null" : undefined, undefined);
    return step;
  }
  if (mail.kind === "held") {
    if (step?.got === undefined) return undefined;
    const at = host.now();
    journal.record({ t: "give", n: mail.n, at });
    step.got = { ...step.got, at };
    return step;
  }
  if (step === undefined && mail.kind === "inbox" && mail.what === "child")
    recordLateNews(execution, mail.n, mail.body);
  if (step === undefined || step.got !== undefined) return undefined;
  const { n } = mail;
  const at = host.now();
  step.question = undefined;
  if (mail.kind === "inbox") {
    if (mail.what === "child") return recordNews(execution, step, mail.body);
    if (mail.what !== "timer") {
      step.got = { t: "got", n, at, ok: JSON.parse(came) as Json };
      journal.got(step.got, came, undefined);
    } else if (step.ask.v === "sleep") {
      step.got = { t: "got", n, at, ok: null };
      journal.got(step.got, "null", undefined);
    } else {
      step.got = { t: "got", n, at, timeout: true };
      journal.got(step.got, undefined, undefined);
    }
    return step;
  }
  const { result, text, attempts, by } = mail;
  const a = attempts > 1 ? attempts : undefined;
  const h = step.ask.v === "undo" ? undefined : held;
  if (result.ok) {
    const undo = undoWithOutput(execution, step, result.output);
    journal.got({ t: "got", n, at, a, by, h }, text, undo);
    step.got = {
      t: "got",
      n,
      at,
      a,
      by,
      h,
      ok: result.output,
      undo: undo === undefined ? undefined : (JSON.parse(undo) as Json),
    };
  } else {
    step.got = { t: "got", n, at, a, by, h, fault: result.fault };
    journal.got(step.got, undefined, undefined);
  }
  return step;
}

/** What came for a step, opened. */
function textOf({ host, identity }: Running, mail: Mail & { readonly kind: "inbox" }, step: Step | undefined): string {
  if (step === undefined || mail.what === "timer") return "";
  // It holds no value.
  if (mail.what === "child") return mail.body;
  const { ev, key } = step.ask;
  const place =
    mail.what === "signal" ? places.signal(String(ev), String(key)) : places.answer(effectKey(identity.id, mail.n));
  return host.vault.open(mail.body, place);
}
