/**
 * A client's end of a port to the writer: batches of one tick travel as one message. What the writer answers to many at once is handed on in
 * portions, each in a tick of its own: the writer applies what one of them brings on while the next is under way, and is told that more follows.
 */
import { availableParallelism } from "node:os";
import type { MessagePort } from "node:worker_threads";
import { realClock } from "../clock.ts";
import { failure } from "../errors.ts";
import { Slots } from "../slots.ts";
import { done, type ToClient, type WireBatch } from "./protocol.ts";
import type { BatchAnswer, Command, WriterClient } from "./store.ts";

/**
 * Answers and posts that are handed on at once; up to half of it more, rather than a small rest. Two portions of 48 were fastest: what a
 * smaller one saves of waiting, its message costs. On a single processor nothing is done meanwhile, and all is handed on at once.
 */
const usualPortion = availableParallelism() > 1 ? 24 : Number.POSITIVE_INFINITY;
/** When to try again where the disk is full. */
const fullRetryMs = 10_000;

type News = Exclude<ToClient, { readonly failed: string }>;

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

/** `onPost` gets what command handlers post to this port; `onFailed` is called once when the store stopped; `soon` is the end of a tick. `portion`: how many answers
 * and posts are handed on in one. */
export function portClient(
  port: MessagePort,
  onPost: (messages: readonly unknown[]) => void,
  onFailed: (reason: string) => void = () => {},
  soon: (act: () => void) => void = realClock.soon,
  portion: number = usualPortion,
): PortClient {
  const waiting = new Slots<Waiting>();
  let collected: [more: boolean, ...WireBatch[]] = [false];
  let scheduled = false;
  /** What came and is not handed on yet; of the first one what stands before `from` is. */
  const left: News[] = [];
  let from = 0;
  /** Of the next portion. It doubles as long as anything is left, so that the last ones need not wait for many turns of a busy event loop. */
  let size = portion;
  /** Whether the writer waits for what follows. */
  let promised = false;
  let failed: string | undefined;
  let endExpected = false;
  let whenIdle: (() => void)[] = [];
  const nowIdle = () => {
    if (waiting.size > 0 || left.length > 0) return;
    for (const tell of whenIdle) tell();
    whenIdle = [];
  };

  function flush(): void {
    scheduled = false;
    const more = left.length > 0;
    if (collected.length === 1 && (more || !promised)) return;
    const message = collected;
    message[0] = promised = more;
    collected = [false];
    port.postMessage(message);
  }
  function flushSoon(): void {
    if (scheduled) return;
    scheduled = true;
    soon(flush);
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
    flushSoon();
  }

  function answered(entry: News["answers"][number]): void {
    const [id, answer] = typeof entry === "number" ? ([entry, done] as const) : entry;
    const one = waiting.take(id - 1);
    if (one === undefined) return;
    if (answer.kind === "full") one.failed(failure("store-full", {}, { retryAfterMs: fullRetryMs }));
    else if (answer.kind === "error") one.failed(failure("internal", { reason: answer.message }));
    else one.done(answer);
  }
  /** Hands on what came first: of its message `most` answers and posts, answers before posts. Answers how many. */
  function handOn(most: number): number {
    const { answers, posts } = left[0] as News;
    const all = answers.length + posts.length;
    const first = from;
    const to = all - first <= most * 1.5 ? all : first + most;
    // Counted before it is done: what throws here is not handed on twice, and what stands behind it still is.
    while (from < to && from < answers.length) answered(answers[from++] as News["answers"][number]);
    if (from < to) {
      const some = posts.slice(from - answers.length, to - answers.length);
      from = to;
      onPost(some);
    }
    if (from === all) {
      left.shift();
      from = 0;
    }
    return to - first;
  }
  function next(): void {
    try {
      // Small messages share a portion: else each of them would keep all that come after it waiting for as long as a full one.
      for (let most = size; most > 0 && left.length > 0; ) most -= handOn(most);
    } finally {
      size = left.length > 0 ? size * 2 : portion;
      // A turn later: what this portion brings on is sent before the next one begins.
      if (left.length > 0) soon(() => soon(next));
      else if (promised) flushSoon();
      nowIdle();
    }
  }
  /** Before the end is told all that came before it is. */
  function ended(reason: string): void {
    try {
      while (left.length > 0) handOn(Number.POSITIVE_INFINITY);
    } finally {
      if (left.length > 0) soon(() => ended(reason));
      else stop(reason);
    }
  }

  port.on("message", (message: ToClient) => {
    if ("failed" in message) {
      ended(message.failed);
      return;
    }
    left.push(message);
    if (left.length === 1) next();
  });
  port.on("close", () => ended("its thread ended"));

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
