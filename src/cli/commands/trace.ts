/** `mortise trace <key>`: did it post twice? Asks the running server, and shows the chain from the request to each call downstream. */
import type {
  Chain,
  KeyKind,
  StraightCall,
  TraceAnswer,
  TracedCall,
  TracedRequest,
  TracedRun,
} from "../../server/tracing/answer.ts";
import { adminClient } from "../admin-client.ts";
import type { Context } from "../context.ts";
import { exit } from "../exit.ts";
import { count, printable, type Style, time } from "../terminal.ts";
import { numberOption } from "../values.ts";
import { paragraphs } from "../wrap.ts";

interface Options {
  readonly consumer?: string;
  readonly api?: string;
  readonly process?: string;
  readonly limit: string;
}

const called: Readonly<Record<KeyKind, string>> = {
  "idempotency-key": "Idempotency-Key",
  "business-key": "business key",
  run: "run",
  "effect-key": "effect key",
};

const styles: Readonly<Record<TracedCall["verdict"]["kind"] | Chain["verdict"]["kind"], Style>> = {
  read: "dim",
  once: "green",
  "counted-once": "green",
  probed: "yellow",
  "by-word": "yellow",
  refused: "green",
  "not-sent": "dim",
  "no-effect": "green",
  "under-way": "cyan",
  "not-known": "red",
  "taken-back": "green",
  "may-be-twice": "red",
  twice: "red",
  no: "green",
  "no-by-key": "green",
  "no-by-probe": "yellow",
  "no-by-word": "yellow",
  "nothing-sent": "green",
  "not-on-record": "yellow",
};

export async function trace(
  context: Context,
  [key]: readonly string[],
  { consumer, api, process, limit }: Options,
): Promise<number> {
  const { terminal } = context;
  const client = await adminClient(context);
  const query = { key, consumer, api, process, limit: numberOption("--limit", limit, 500) };
  const answer: TraceAnswer = await client.get("/trace", query);
  terminal.result(answer, () => {
    const show = new Chains(context);
    for (const [at, chain] of answer.chains.entries()) {
      if (at > 0) terminal.line();
      show.chain(answer.key, chain);
    }
    if (answer.chains.length > 1 || answer.more) {
      const more = answer.more ? ", and there are more" : "";
      terminal.line();
      show.text(
        0,
        `${answer.chains.length} chains fit this key${more}. One of them: --consumer, --api, --process.`,
        "dim",
      );
    }
  });
  return exit.done;
}

class Chains {
  readonly #terminal: Context["terminal"];
  readonly #wrap: ReturnType<typeof paragraphs>;
  /** The call before had more to tell: it stands apart. */
  #apart = false;

  constructor({ terminal, io }: Context) {
    this.#terminal = terminal;
    this.#wrap = paragraphs(io.stdout);
  }

  /** A paragraph, folded to the terminal. */
  text(indent: number, text: string, style?: Style): void {
    for (const line of this.#wrap(printable(text), indent)) {
      const words = line.trimStart();
      const shown = style === undefined ? words : this.#terminal.paint(style, words);
      this.#terminal.line(`${" ".repeat(line.length - words.length)}${shown}`);
    }
  }

  #head(indent: number, name: string, rest: string): void {
    const text = `${name}  ${rest}`.trimEnd();
    const [first = "", ...more] = this.#wrap(printable(text), indent, indent + 2);
    const shown = printable(name);
    this.#terminal.line(first.replace(shown, () => this.#terminal.paint("bold", shown)));
    for (const line of more) this.#terminal.line(line);
  }

  chain(key: string, chain: Chain): void {
    const { matched, verdict, requests, requestsComplete, ancestors, runs, runsLeftOff, straight } = chain;
    this.#head(0, key, matched.map((kind) => called[kind]).join(", "));
    const asked = runs.flatMap(({ calls }) => calls.filter((call) => call.asked === true));
    for (const call of asked) this.text(0, `${call.step}: ${localTimes(call.verdict.text)}`, styles[call.verdict.kind]);
    const all = asked.length > 0 ? "All of its run: " : "";
    this.text(0, `${all}${verdict.text}`, styles[verdict.kind]);
    for (const request of requests) this.#request(request);
    if (!requestsComplete) this.text(0, "There was no time to look for all requests that joined.", "dim");
    for (const { run, process, key: above, status } of ancestors.toReversed()) {
      this.#terminal.line();
      this.#head(0, `${process} ${above}`, `${status}, started the run below as its child`);
      this.text(2, `run ${run}`, "dim");
    }
    for (const run of runs) this.#run(run);
    if (runsLeftOff > 0) {
      this.#terminal.line();
      this.text(0, `${count(runsLeftOff, "child run")} more; ask for one by its key.`, "dim");
    }
    if (straight !== undefined) this.#straight(straight);
  }

  #request(request: TracedRequest): void {
    const { consumer, api, version, operation, key, at, state, status, problem, did, run, expiresAt } = request;
    this.#terminal.line();
    const who = consumer === undefined ? "a request" : consumer === "" ? "(public)" : consumer;
    const through = api === undefined ? "" : `${api} ${version} ${operation}`;
    this.#head(0, who, [through, at === undefined ? "" : time(at)].filter((part) => part !== "").join("  "));
    if (key !== undefined) this.text(2, `Idempotency-Key  ${key}`);
    const states: Readonly<Record<TracedRequest["state"], string>> = {
      answered: `answered ${status}${problem === undefined ? "" : ` (${problem})`}`,
      open: "not answered: nobody is at work on it",
      "under-way": "being worked on",
      none: "it had no Idempotency-Key, or its record has expired",
    };
    const until = expiresAt === undefined ? "" : `, kept until ${time(expiresAt)}`;
    this.text(2, `${states[state]}${until}`);
    const again = repeatsIn(request);
    if (again !== "") this.text(2, again);
    if (run !== undefined) this.text(2, `${did === "joined" ? "joined" : "started"} run ${run}`);
  }

  #run(run: TracedRun): void {
    this.#terminal.line();
    this.#head(0, `${run.process} ${run.key}`, run.status);
    this.text(2, `run ${run.run}, since ${time(run.createdAt)} by ${run.origin}`, "dim");
    if (run.parent !== undefined) this.text(2, `child of ${run.parent}`, "dim");
    if (run.restartOf !== undefined) this.text(2, `restart of ${run.restartOf}`, "dim");
    if (run.restartedAs !== undefined) this.text(2, `restarted as ${run.restartedAs}`, "dim");
    for (const what of run.missing) this.text(2, `not on record any more: ${what}`, "yellow");
    this.#apart = true;
    for (const call of run.calls) this.#call(call);
    if (run.callsLeftOff > 0) this.text(2, `${count(run.callsLeftOff, "call")} more: --limit`, "dim");
    if (run.status === "parked") this.text(2, `mortise runs show ${run.run}`, "cyan");
  }

  #call(call: TracedCall): void {
    const { step, effect, at, endedAt, keys, verdict, superseded, asked, kind, operation } = call;
    const other = operation === undefined || step.includes(operation) ? "" : operation;
    const attempts = keys.reduce((sum, key) => sum + key.attempts, 0);
    const facts = [
      kind === "step" ? "step" : other,
      effect,
      clock(at),
      endedAt === undefined ? "" : took(endedAt - at),
      attempts > 1 ? count(attempts, "attempt") : "",
      superseded === true ? "superseded" : "",
      asked === true ? "the key that was asked for" : "",
    ];
    const plain = keys.every(({ failed, said, cut }) => failed.length + said.length + cut.length === 0);
    if (!plain || this.#apart) this.#terminal.line();
    this.#apart = !plain;
    this.#head(2, step, facts.filter((fact) => fact !== "").join(", "));
    if (effect === "read") return;
    this.text(4, localTimes(verdict.text), styles[verdict.kind]);
    for (const key of keys) {
      this.text(4, `key ${key.key}`, "dim");
      const told = [
        ...key.failed.map((one) => ({ at: one.at, text: attemptIn(one) })),
        ...key.said.map((one) => ({ at: one.at, text: saidIn(one) })),
      ];
      for (const line of told.sort((a, b) => a.at - b.at)) this.text(6, `${clock(line.at)}  ${line.text}`, "dim");
    }
  }

  #straight({ operation, effect, key, verdict }: StraightCall): void {
    this.#terminal.line();
    this.#head(0, operation ?? "a system, straight away", effect ?? "");
    this.text(2, verdict.text, styles[verdict.kind]);
    this.text(2, `key ${key}`, "dim");
  }
}

function repeatsIn({ replayed, refusedInFlight, refusedReused, lastRepeatAt }: TracedRequest): string {
  const parts = [
    replayed === 0 ? "" : `${replayed} answered from the record`,
    refusedInFlight === 0 ? "" : `${refusedInFlight} refused while the first was under way`,
    refusedReused === 0 ? "" : `${refusedReused} refused as another request`,
  ].filter((part) => part !== "");
  if (parts.length === 0) return "";
  const often = count(replayed + refusedInFlight + refusedReused, "more time");
  const last = lastRepeatAt === undefined ? "" : `, last ${time(lastRepeatAt)}`;
  return `came ${often}: ${parts.join(", ")}${last}`;
}

function attemptIn({ number, failure, afterLost }: TracedCall["keys"][number]["failed"][number]): string {
  const may = failure.outcome === "unknown" || afterLost === true ? "it may have happened" : "no effect";
  return `attempt ${number}, ${may}: ${failure.message} (${failure.code})`;
}

function saidIn(said: TracedCall["keys"][number]["said"][number]): string {
  switch (said.what) {
    case "probe-found":
      return "its probe found that it had happened";
    case "probe-nothing":
      return "its probe found nothing";
    case "probe-failed":
      return said.message;
    case "happened":
      return `${said.by} said that it happened: ${said.reason}`;
    case "repeat":
      return `${said.by} said that it did not happen, and to repeat it: ${said.reason}`;
    case "retry":
      return `${said.by} wanted another attempt: ${said.reason}`;
    case "edit":
      return `${said.by} gave another input, under a new key: ${said.reason}`;
  }
}

/** Of today or any day: the day stands with the run. */
function clock(ms: number): string {
  return time(ms).slice(11);
}

function localTimes(text: string): string {
  return text.replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, (at) => time(Date.parse(at)));
}

function took(ms: number): string {
  if (ms < 1000) return `${ms} ms`;
  if (ms < 120_000) return `${(ms / 1000).toFixed(1)} s`;
  return ms < 7_200_000 ? `${Math.round(ms / 60_000)} min` : `${(ms / 3_600_000).toFixed(1)} h`;
}
