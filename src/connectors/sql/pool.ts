/**
 * Connections of one system in one thread: opened when they are needed, at most as many as calls may be in flight, given back after each
 * call, and closed when nobody has wanted them for a while. Who waits, waits in line until the deadline.
 */
import { failure } from "../../errors.ts";
import type { SqlSession } from "./session.ts";

const idleMs = 30_000;

export interface Lease {
  readonly session: SqlSession;
  /** It was used before, so that it may have died unnoticed. */
  readonly used: boolean;
}

interface Waiter {
  readonly go: () => void;
}

export class SqlPool {
  readonly #system: string;
  readonly #most: number;
  readonly #connect: (deadline: number) => Promise<SqlSession>;
  readonly #idle: { readonly session: SqlSession; readonly since: number }[] = [];
  readonly #waiting: Waiter[] = [];
  #open = 0;
  #closed = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(system: string, most: number, connect: (deadline: number) => Promise<SqlSession>) {
    this.#system = system;
    this.#most = most;
    this.#connect = connect;
  }

  /** `fresh`: not one that was used before. Rejects with `outbound-busy`, `outbound-closed`, `outbound-aborted`, or as the driver does. */
  async take(deadline: number, signal: AbortSignal, fresh = false): Promise<Lease> {
    for (;;) {
      if (this.#closed) throw failure("outbound-closed", { host: this.#system });
      if (signal.aborted) throw failure("outbound-aborted", { host: this.#system });
      const kept = fresh ? undefined : this.#idle.pop();
      if (kept !== undefined) {
        if (kept.session.usable) return { session: kept.session, used: true };
        this.#gone(kept.session);
        continue;
      }
      if (this.#open < this.#most) break;
      const oldest = fresh ? this.#idle.shift() : undefined;
      if (oldest !== undefined) this.#gone(oldest.session);
      else await this.#turn(deadline, signal);
    }
    this.#open += 1;
    try {
      const session = await this.#connect(deadline);
      if (!this.#closed) return { session, used: false };
      session.destroy();
      throw failure("outbound-closed", { host: this.#system });
    } catch (error) {
      this.#open -= 1;
      this.#next();
      throw error;
    }
  }

  give(session: SqlSession): void {
    if (this.#closed || !session.usable) this.#gone(session);
    else {
      this.#idle.push({ session, since: Date.now() });
      this.#timer ??= setInterval(() => this.#tidy(), idleMs / 2).unref();
    }
    this.#next();
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    for (const waiter of this.#waiting.splice(0)) waiter.go();
    await Promise.all(this.#idle.splice(0).map(({ session }) => session.close()));
  }

  #tidy(): void {
    const until = Date.now() - idleMs;
    while (this.#idle[0] !== undefined && this.#idle[0].since <= until) this.#gone(this.#idle.shift()!.session);
    if (this.#idle.length > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #gone(session: SqlSession): void {
    this.#open -= 1;
    if (session.usable) void session.close().catch(() => {});
    else session.destroy();
  }

  #next(): void {
    this.#waiting.shift()?.go();
  }

  #turn(deadline: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", aborted);
        const at = this.#waiting.indexOf(waiter);
        if (at !== -1) this.#waiting.splice(at, 1);
      };
      const waiter: Waiter = {
        go() {
          leave();
          resolve();
        },
      };
      const aborted = () => {
        leave();
        reject(failure("outbound-aborted", { host: this.#system }));
      };
      const timer = setTimeout(
        () => {
          leave();
          reject(failure("outbound-busy", { system: this.#system, limit: this.#most }));
        },
        Math.max(0, deadline - Date.now()),
      );
      signal.addEventListener("abort", aborted);
      this.#waiting.push(waiter);
    });
  }
}
