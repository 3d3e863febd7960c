/**
 * A stream of server-sent events (WHATWG HTML, section 9.2) about one thing, as it is now. Each event holds the whole state, so the newest one says all: a client that
 * reads slowly gets fewer events and never old ones, and what is kept for it has a bound.
 *
 *  - unnamed events are states; `id` names the state, and the same state has the same id;
 *  - `problem`: something is wrong at the moment, as problem details (RFC 9457); the stream goes on unless `end` follows;
 *  - `end`: the last one, and there is no use in coming again. A stream that ends without it may be opened again after `retry`.
 */
import { hash } from "node:crypto";
import { Readable } from "node:stream";
import type { HttpResponse } from "../http.ts";

/** Why it ended for good: `final`, the thing has reached its end; `refused`, the caller may not see it any more. */
export type EndReason = "final" | "refused";

const headers: Readonly<Record<string, string>> = Object.freeze({
  "content-type": "text/event-stream",
  "cache-control": "no-store",
  // Proxies that collect answers before they pass them on (nginx and others) leave this one alone.
  "x-accel-buffering": "no",
});

/** What is due goes out when the client has room; `highWaterMark`: nothing but the one that is going out is kept. */
export class EventStream extends Readable {
  #state: string | undefined;
  #problem: string | undefined;
  #last: string | undefined;
  #note = "";
  #wanted = false;
  #finished = false;

  /** `retryMs`: after how long a client that lost it should come again. */
  constructor(retryMs: number) {
    super({ highWaterMark: 1 });
    this.#note = `retry: ${Math.ceil(retryMs)}\n\n`;
  }

  /** In place of what was not sent yet. `id`, `data`: one line each. Nothing, once the stream is to end. */
  state(id: string, data: string): void {
    if (this.#last !== undefined) return;
    this.#state = `id: ${id}\ndata: ${data}\n\n`;
    this.#problem = undefined;
    this.#flush();
  }

  /** `data`: one line. */
  problem(data: string): void {
    if (this.#last !== undefined) return;
    this.#problem = `event: problem\ndata: ${data}\n\n`;
    this.#flush();
  }

  /** A comment, which keeps the way open and finds out whether anybody is there. */
  beat(): void {
    if (this.#note === "") this.#note = ":\n\n";
    this.#flush();
  }

  /** The caller may not listen any more: of what was not sent yet nothing is sent. */
  withhold(): void {
    this.#state = undefined;
  }

  /** What is due, then the end. */
  finish(reason: EndReason): void {
    if (reason === "refused") this.withhold();
    this.#close(`event: end\ndata: {"reason":"${reason}"}\n\n`);
  }

  /** What is due, then nothing: the client is to come again after so long. */
  leave(retryMs: number): void {
    this.#close(`retry: ${Math.ceil(retryMs)}\n\n`);
  }

  override _read(): void {
    this.#wanted = true;
    this.#flush();
  }

  #close(last: string): void {
    this.#last ??= last;
    this.#flush();
  }

  #flush(): void {
    if (!this.#wanted || this.#finished || this.destroyed) return;
    const text = this.#note + (this.#state ?? "") + (this.#problem ?? "") + (this.#last ?? "");
    if (text === "") return;
    this.#note = "";
    this.#state = this.#problem = undefined;
    this.#wanted = false;
    this.#finished = this.#last !== undefined;
    this.push(text);
    if (this.#finished) this.push(null);
  }
}

export function eventResponse(stream: EventStream): HttpResponse {
  return { status: 200, headers, stream };
}

/** The name of a state: the same for the same text, whoever asks and after a restart too. */
export function eventId(text: string): string {
  return hash("sha256", text, "base64url").slice(0, 22);
}
