/** A client's end of a port to the writer: batches of one tick travel as one message. */
import type { MessagePort } from "node:worker_threads";
import { realClock } from "../clock.ts";
import { failure } from "../errors.ts";
import { Slots } from "../slots.ts";
import { done, type ToClient, type WireBatch } from "./protocol.ts";
import type { BatchAnswer, Command, WriterClient } from "./store.ts";

/** When to try again where the disk is full. */
const fullRetryMs = 10_000;

interface Waiting {
  readonly done: (answer: BatchAnswer) => void;
  readonly failed: (error: Error) => void;
}

export interface PortClient extends WriterClient {
  /** As `submit`, with callbacks: the hot path of a worker makes no promises. */
  send(commands: readonly Command[], done: (answer: BatchAnswer) => void, failed: (error: Error) => void): void;
  /** Sends what was collected now instead of at the end of the tick. */
  flush(): void;
  /** Resolves once every batch has its answer. */
  idle(): Promise<void>;
  /** From here the end of the port is no failure. */
  expectEnd(): void;
  close(): void;
}

/** `onPost` gets what command handlers post to this port; `onFailed` is called once when the store stopped; `soon` is the end of a tick. */
export function portClient(
  port: MessagePort,
  onPost: (messages: readonly unknown[]) => void,
  onFailed: (reason: string) => void = () => {},
  soon: (act: () => void) => void = realClock.soon,
): PortClient {
  const waiting = new Slots<Waiting>();
  let collected: WireBatch[] = [];
  let scheduled = false;
  let failed: string | undefined;
  let endExpected = false;
  let whenIdle: (() => void)[] = [];
  const nowIdle = () => {
    if (waiting.size > 0) return;
    for (const tell of whenIdle) tell();
    whenIdle = [];
  };

  function flush(): void {
    scheduled = false;
    if (collected.length === 0) return;
    const batches = collected;
    collected = [];
    port.postMessage(batches);
  }
  function stop(reason: string): void {
    if (failed !== undefined) return;
    failed = reason;
    const error = failure("store-failed", { reason });
    for (const [slot, one] of waiting.entries()) {
      waiting.take(slot);
      one.failed(error);
    }
    nowIdle();
    if (!endExpected) onFailed(reason);
  }
  function send(commands: readonly Command[], done: Waiting["done"], onError: Waiting["failed"]): void {
    if (failed !== undefined) {
      onError(failure("store-failed", { reason: failed }));
      return;
    }
    // 0 means that nobody waits.
    const batch: [number, ...unknown[]] = [waiting.put({ done, failed: onError }) + 1];
    for (const { name, parameters } of commands) batch.push(name, parameters);
    collected.push(batch);
    if (!scheduled) {
      scheduled = true;
      soon(flush);
    }
  }

  port.on("message", (message: ToClient) => {
    if ("failed" in message) {
      stop(message.failed);
      return;
    }
    for (const entry of message.answers) {
      const [id, answer] = typeof entry === "number" ? ([entry, done] as const) : entry;
      const one = waiting.take(id - 1);
      if (one === undefined) continue;
      if (answer.kind === "full") one.failed(failure("store-full", {}, { retryAfterMs: fullRetryMs }));
      else if (answer.kind === "error") one.failed(failure("internal", { reason: answer.message }));
      else one.done(answer);
    }
    if (message.posts.length > 0) onPost(message.posts);
    nowIdle();
  });
  port.on("close", () => stop("its thread ended"));

  return {
    send,
    flush,
    submit: (commands) => new Promise((resolve, reject) => send(commands, resolve, reject)),
    idle: () =>
      new Promise((resolve) => {
        whenIdle.push(resolve);
        nowIdle();
      }),
    expectEnd: () => {
      endExpected = true;
    },
    close: () => {
      endExpected = true;
      port.close();
    },
  };
}
