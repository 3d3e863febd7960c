/**
 * Two joined ports inside one thread, in the shape of a `MessageChannel`: messages are copied, come first in, first out, and never
 * while the sender runs. When they come, `schedule` says; so a test holds the order of everything in its hand.
 */
import type { MessagePort } from "node:worker_threads";

/** Calls `act` later. Acts of one `lane` are called in order; the order between lanes is free. */
export type Schedule = (lane: string, act: () => void) => void;

type Listener = (message: unknown) => void;

/** The part of a `MessagePort` that the store and the engine use, and a look at what waits. */
export class LocalPort {
  readonly #schedule: Schedule;
  readonly #lane: string;
  readonly #queue: unknown[] = [];
  readonly #listeners: Listener[] = [];
  readonly #closeListeners: (() => void)[] = [];
  #other: LocalPort | undefined;
  #closed = false;

  private constructor(schedule: Schedule, lane: string) {
    this.#schedule = schedule;
    this.#lane = lane;
  }

  static pair(
    schedule: Schedule,
    lanes: readonly [string, string],
  ): { readonly port1: LocalPort; readonly port2: LocalPort } {
    const port1 = new LocalPort(schedule, lanes[0]);
    const port2 = new LocalPort(schedule, lanes[1]);
    port1.#other = port2;
    port2.#other = port1;
    return { port1, port2 };
  }

  postMessage(message: unknown): void {
    if (this.#closed) return;
    const other = this.#other as LocalPort;
    other.#queue.push(structuredClone(message));
    other.#deliverSoon();
  }

  on(event: "message" | "close", listener: Listener): this {
    if (event === "close") this.#closeListeners.push(() => listener(undefined));
    else {
      this.#listeners.push(listener);
      for (let waiting = this.#queue.length; waiting > 0; waiting--) this.#deliverSoon();
    }
    return this;
  }

  /** The next message that waits, now: as `receiveMessageOnPort`. */
  take(): unknown {
    return this.#closed ? undefined : this.#queue.shift();
  }

  close(): void {
    for (const port of [this, this.#other as LocalPort]) {
      if (port.#closed) continue;
      port.#closed = true;
      port.#schedule(port.#lane, () => {
        for (const listener of port.#closeListeners) listener();
      });
    }
  }

  #deliverSoon(): void {
    if (this.#listeners.length === 0) return;
    this.#schedule(this.#lane, () => {
      if (this.#closed || this.#queue.length === 0) return;
      const message = this.#queue.shift();
      for (const listener of this.#listeners) listener(message);
    });
  }
}

/** For those who take a `MessagePort`: of it they use what is here. */
export function asMessagePort(port: LocalPort): MessagePort {
  return port as unknown as MessagePort;
}
