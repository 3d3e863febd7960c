/** What is printed: one line for each order that has ended, and the sum of them. Colour only on a terminal. */
import type { Line } from "../simulators/ledger.ts";

interface Seen {
  readonly placedAt: number;
  readonly amount: string;
  status?: { readonly reason?: string; readonly salesOrder?: string; readonly tracking?: string };
  /** Placed after this start. */
  readonly ours: boolean;
}

const words: Readonly<Record<string, string>> = {
  completed: "paid",
  rejected: "refused",
  undone: "undone",
  cancelled: "cancelled",
  terminated: "ended",
};

export class Screen {
  readonly #orders = new Map<string, Seen>();
  readonly #counts = new Map<string, number>();
  readonly #durations: number[] = [];
  readonly #since: string;
  readonly #colour: boolean;
  readonly #write: (line: string) => void;
  #ended = 0;
  #resumed = 0;
  #open = 0;

  /** `since`: ends before this ISO time are not printed. */
  constructor(since: string, colour: boolean, write: (line: string) => void) {
    this.#since = since;
    this.#colour = colour;
    this.#write = write;
  }

  /** Orders that have ended since the start, and those that have not. */
  get ended(): number {
    return this.#ended;
  }
  get open(): number {
    return this.#open;
  }

  heading(): void {
    this.#write(this.#dim("time      order                 amount  outcome       took  what"));
  }

  /** Takes a line of the shop's ledger. */
  take(line: Line): void {
    if (line.kind === "order") {
      const order = line.order as { id: string; total: string; currency: string };
      const amount = `${grouped(order.total)} ${order.currency}`;
      this.#orders.set(order.id, { placedAt: Date.parse(line.at), amount, ours: line.at >= this.#since });
      this.#open += 1;
      return;
    }
    const id = String(line.id ?? line.key);
    const seen = this.#orders.get(id);
    if (seen === undefined) return;
    if (line.kind === "applied" && line.operation === "setOrderStatus") seen.status = line.state as Seen["status"];
    if (line.kind !== "ended" && line.kind !== "refused") return;
    this.#orders.delete(id);
    this.#open -= 1;
    if (line.at < this.#since) return;
    const outcome = line.kind === "refused" ? "not taken" : (words[String(line.state)] ?? String(line.state));
    this.#print(line, id, seen, outcome);
  }

  #print(line: Line, id: string, seen: Seen, outcome: string): void {
    const took = Date.parse(line.at) - seen.placedAt;
    this.#ended += 1;
    if (seen.ours) this.#durations.push(took);
    else this.#resumed += 1;
    const { reason, salesOrder, tracking } = seen.status ?? {};
    const paid = outcome === "paid";
    const what = paid ? `${salesOrder ?? ""}  ${tracking ?? ""}` : (reason ?? `status ${String(line.status ?? "")}`);
    const counted = paid || reason === undefined ? outcome : `${outcome}: ${reason}`;
    this.#counts.set(counted, (this.#counts.get(counted) ?? 0) + 1);
    const time = new Date(line.at).toLocaleTimeString("en-GB");
    const painted = this.#paint(outcome.padEnd(9), paid ? 32 : outcome === "refused" ? 33 : 31);
    const text = `${time}  ${id.padEnd(10)}${seen.amount.padStart(17)}  ${painted}  ${seconds(took).padStart(7)}  ${what}`;
    this.#write(seen.ours ? text : `${text}${this.#dim("  (from before)")}`);
  }

  /** The sum, as lines. */
  summary(): readonly string[] {
    const sorted = [...this.#durations].sort((a, b) => a - b);
    const at = (share: number) => seconds(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
    const lines = [
      `${count(this.#ended, "order")} ended${this.#resumed > 0 ? `, ${this.#resumed} of them from before this start` : ""}`,
    ];
    for (const [outcome, count] of [...this.#counts].sort((a, b) => b[1] - a[1])) {
      lines.push(`${String(count).padStart(6)}  ${outcome}`);
    }
    if (sorted.length > 0) lines.push(`half of them within ${at(0.5)}, 95 of 100 within ${at(0.95)}`);
    if (this.#open > 0) lines.push(`${count(this.#open, "order")} under way; the next start goes on from there`);
    return lines;
  }

  #paint(text: string, code: number): string {
    return this.#colour ? `\x1b[${code}m${text}\x1b[0m` : text;
  }
  #dim(text: string): string {
    return this.#paint(text, 2);
  }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

function grouped(amount: string): string {
  return amount.replace(/\B(?=(\d{3})+\.)/g, ",");
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}
