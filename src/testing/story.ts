/** What happened in one history, line by line, for people. */
import { appendIn } from "../process/embedded/wire.ts";
import type { WireBatch } from "../store/protocol.ts";
import type { Call } from "./fakes.ts";

interface Line {
  readonly at: number;
  readonly text: string;
  readonly fault: boolean;
}

/** What is told of a record. */
interface Shown {
  readonly t: string;
  readonly n?: number;
  readonly id?: string;
  readonly status?: string;
  readonly q?: { readonly code: string };
}

const longest = 160;

export class Story {
  readonly #lines: Line[] = [];
  readonly #begin: number;
  readonly #now: () => number;
  /** Ids of steps by run and number. */
  readonly #steps = new Map<string, string>();

  constructor(begin: number, now: () => number) {
    this.#begin = begin;
    this.#now = now;
  }

  get length(): number {
    return this.#lines.length;
  }

  tell(text: string): void {
    this.#lines.push({ at: this.#now(), text, fault: false });
  }

  fault(text: string): void {
    this.#lines.push({ at: this.#now(), text, fault: true });
  }

  call(call: Call): void {
    const { operation, times, input, outcome, output, fault } = call;
    const name = `${operation} call ${times}`;
    if (outcome === "open") this.tell(`${name} ${brief(input)}`);
    else if (outcome === "fault") this.tell(`${name} answers with the fault ${fault?.name ?? ""}`);
    else if (outcome === "failed") this.tell(`${name} fails`);
    else if (outcome === "lost") this.tell(`${name} acts, and nobody hears the answer`);
    else this.tell(`${name} ${call.acted ? "acts" : "answers"} ${brief(output)}`);
  }

  commit(number: number, group: readonly WireBatch[]): void {
    const parts: string[] = [];
    for (const batch of group) {
      for (let at = 1; at < batch.length; at += 2) {
        const name = batch[at] as string;
        const parameters = batch[at + 1] as { readonly event?: string } | null;
        const append = appendIn(name, parameters);
        if (append !== undefined) parts.push(...this.#records(append.run, append.body));
        else if (name === "process.due") parts.push("timers that are due");
        else
          parts.push(
            `${name.replace(/^process\./, "")}${parameters?.event === undefined ? "" : ` ${parameters.event}`}`,
          );
      }
    }
    this.tell(`commit ${number}: ${parts.length === 0 ? "the state" : parts.join(", ")}`);
  }

  #records(run: string, body: string): string[] {
    const batch = JSON.parse(body) as readonly Shown[] | { readonly records: readonly Shown[] };
    // With values that stand beside the history it names them.
    return ("records" in batch ? batch.records : batch).map((record) => {
      const step = `${run} ${record.n}`;
      if (record.t === "ask") {
        this.#steps.set(step, record.id ?? "");
        return `asks ${record.id}`;
      }
      const name = this.#steps.get(step) ?? "";
      if (record.t === "got") return `has ${name}`;
      if (record.t === "try") return `a failed attempt of ${name}`;
      if (record.t === "park") return `parks (${record.q?.code ?? ""})`;
      if (record.t === "undoing") return "begins to undo";
      if (record.t === "end") return `ends as ${record.status ?? ""}`;
      if (record.t === "op") return "an operator's act";
      return record.t;
    });
  }

  /** The lines with their times; the faults are marked. */
  text(): string {
    let before = "";
    return this.#lines
      .map(({ at, text, fault }) => {
        const time = elapsed(at - this.#begin);
        const shown = time === before ? "" : time;
        before = time;
        return `  ${shown.padStart(12)} ${fault ? ">>" : "  "} ${text}`;
      })
      .join("\n");
  }
}

function brief(value: unknown): string {
  const text = JSON.stringify(value) ?? "";
  return text.length <= longest ? text : `${text.slice(0, longest)}...`;
}

function elapsed(ms: number): string {
  const units = [
    ["d", 86_400_000],
    ["h", 3_600_000],
    ["m", 60_000],
    ["s", 1000],
    ["ms", 1],
  ] as const;
  let rest = ms;
  const parts: string[] = [];
  for (const [unit, size] of units) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(`${count}${unit}`);
  }
  return `+${parts.slice(0, 2).join(" ") || "0s"}`;
}
