/**
 * Webhooks signed per Standard Webhooks 1.0.0 (symmetric, `v1`), retried until the receiver says 2xx, through restarts of the
 * simulator, and now and then delivered twice on purpose.
 */
import { createHmac } from "node:crypto";
import type { Ledger, Line } from "./ledger.ts";
import { pauseBefore, send } from "./send.ts";

/** The `webhook-signature` of a delivery. `secret` is `whsec_` and base64; `timestamp` counts seconds. */
export function signature(secret: string, id: string, timestamp: number, body: string): string {
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  return `v1,${createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64")}`;
}

interface Delivery {
  readonly id: string;
  readonly body: string;
}

/** Ledger lines: `webhook-due` {id, body} before the first try, `webhook-delivered` {id, status, again?} after each success. */
export class Webhooks {
  readonly #secret: string;
  readonly #due = new Map<string, Delivery>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #ledger: Ledger | undefined;
  /** Where to deliver; nothing is sent while it is undefined. */
  url: string | undefined;
  /** Share of deliveries that are made a second time although the first succeeded. */
  duplicates = 0;

  constructor(secret: string) {
    this.#secret = secret;
  }

  /** Takes a ledger line in at replay. */
  replay(line: Line): void {
    if (line.kind === "webhook-due") this.#due.set(String(line.id), { id: String(line.id), body: String(line.body) });
    if (line.kind === "webhook-delivered") this.#due.delete(String(line.id));
  }

  /** Goes on with what was due before the restart. */
  start(ledger: Ledger): void {
    this.#ledger = ledger;
    for (const delivery of this.#due.values()) this.#later(0, () => this.#deliver(delivery, 1));
  }

  /** A new webhook, sent after `delayMs`. */
  add(id: string, payload: object, delayMs: number): void {
    if (this.#due.has(id)) return;
    const delivery = { id, body: JSON.stringify(payload) };
    this.#due.set(id, delivery);
    this.#ledger?.append({ kind: "webhook-due", ...delivery });
    this.#later(delayMs, () => this.#deliver(delivery, 1));
  }

  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    this.#ledger = undefined;
  }

  #later(ms: number, run: () => Promise<void>): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      void run();
    }, ms);
    this.#timers.add(timer);
  }

  async #deliver(delivery: Delivery, attempt: number): Promise<void> {
    const status = await this.#try(delivery);
    if (this.#ledger === undefined) return;
    if (status < 200 || status > 299) {
      this.#later(pauseBefore(attempt), () => this.#deliver(delivery, attempt + 1));
      return;
    }
    this.#due.delete(delivery.id);
    this.#ledger.append({ kind: "webhook-delivered", id: delivery.id, status });
    if (Math.random() >= this.duplicates) return;
    this.#later(50, async () => {
      const again = await this.#try(delivery);
      this.#ledger?.append({ kind: "webhook-delivered", id: delivery.id, status: again, again: true });
    });
  }

  async #try(delivery: Delivery): Promise<number> {
    if (this.url === undefined) return 0;
    const timestamp = Math.floor(Date.now() / 1000);
    try {
      const answer = await send(this.url, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          "webhook-id": delivery.id,
          "webhook-timestamp": String(timestamp),
          "webhook-signature": signature(this.#secret, delivery.id, timestamp, delivery.body),
        },
        body: delivery.body,
      });
      return answer.status;
    } catch {
      return 0; // not reachable now: tried again
    }
  }
}
