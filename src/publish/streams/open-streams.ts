/**
 * The streams that are open: how many there may be, for how long, and whether their callers may still have them. A caller whose credential, consumer, scope or version
 * is no longer let in loses its streams within `recheckMs`.
 */
import { failure } from "../../errors.ts";
import type { HttpResponse } from "../http.ts";
import { problemResponse } from "../problem.ts";
import { EventStream } from "./event-stream.ts";

export interface StreamSettings {
  /** Open at a time, of all callers. Default 1000. */
  readonly atMost?: number;
  /** Of one consumer; of a public operation: of one address. Default 20. */
  readonly perConsumer?: number;
  /** Milliseconds between two looks whether a caller may still have its stream. Default 5000. */
  readonly recheckMs?: number;
  /** Milliseconds of silence after which a comment is sent. Default 15000. */
  readonly beatMs?: number;
  /** Milliseconds that a stream lives; its client then comes again. Default one hour. */
  readonly longestMs?: number;
  /** Milliseconds between two looks at a run that is followed. Default 250. */
  readonly lookMs?: number;
}

/** Who opens a stream. */
export interface StreamOpener {
  /** Consumer, or address where there is none: whose streams are counted together. */
  readonly who: string;
  /** For what the client is told. */
  readonly requestId: string;
  /** Throws, or rejects with, what a new request of this caller would be refused with. */
  readonly recheck: () => void | Promise<void>;
}

export interface OpenStreams {
  readonly size: number;
  /**
   * Takes a place, which is free again when the stream is closed, or where `begin` fails or answers without it. Throws `streams-full`, `streams-exceeded`,
   * `stopping`.
   */
  open(opener: StreamOpener, begin: (stream: EventStream) => Promise<HttpResponse>): Promise<HttpResponse>;
  /** All of them end, and their clients come again. */
  renew(): void;
  /** As `renew`, and no other is opened. */
  drain(): void;
  /** What is still there is broken off. */
  close(): void;
}

interface Entry extends StreamOpener {
  readonly stream: EventStream;
  readonly until: number;
  checkAt: number;
  beatAt: number;
}

const tickMs = 1000;
/** Where a place may come free: nobody knows when. */
const retryAfterMs = 5000;

/** `now`: milliseconds that never go back. */
export function openStreams(settings: StreamSettings = {}, now: () => number = () => performance.now()): OpenStreams {
  const { atMost = 1000, perConsumer = 20, recheckMs = 5000, beatMs = 15_000, longestMs = 3_600_000 } = settings;
  const open = new Set<Entry>();
  const places = new Map<string, number>();
  let timer: NodeJS.Timeout | undefined;
  let draining = false;

  function enter(who: string): void {
    if (draining) throw failure("streams-stopping", {}, { retryAfterMs });
    let all = 0;
    for (const count of places.values()) all += count;
    if (all >= atMost) throw failure("streams-full", {}, { retryAfterMs });
    const own = places.get(who) ?? 0;
    if (own >= perConsumer) throw failure("streams-exceeded", { limit: perConsumer }, { retryAfterMs });
    places.set(who, own + 1);
  }

  function exit(who: string): void {
    const left = (places.get(who) ?? 1) - 1;
    if (left > 0) places.set(who, left);
    else places.delete(who);
  }

  function watch(entry: Entry): void {
    open.add(entry);
    timer ??= setInterval(tick, Math.min(tickMs, recheckMs, beatMs)).unref();
  }

  function tick(): void {
    const at = now();
    for (const entry of open) {
      if (at >= entry.until) entry.stream.leave(soon());
      else if (at >= entry.checkAt) {
        entry.checkAt = at + recheckMs;
        void recheck(entry);
      }
      if (at < entry.beatAt) continue;
      entry.beatAt = at + beatMs;
      entry.stream.beat();
    }
  }

  async function recheck({ stream, requestId, recheck: again }: Entry): Promise<void> {
    try {
      await again();
    } catch (thrown) {
      const { status, body } = problemResponse(thrown, requestId);
      stream.withhold();
      stream.problem(body as string);
      // What is no verdict (the issuer of a token is away) ends it too, but the client may come again.
      if (status < 500 && status !== 429) stream.finish("refused");
      else stream.leave(soon());
    }
  }

  /** Not all of them at the same moment. */
  function soon(): number {
    return 1000 + Math.random() * 4000;
  }

  function renew(): void {
    for (const { stream } of open) stream.leave(soon());
  }

  return {
    get size() {
      return open.size;
    },
    async open(opener, begin) {
      const { who } = opener;
      enter(who);
      const stream = new EventStream(soon());
      const at = now();
      const entry: Entry = {
        ...opener,
        stream,
        until: at + longestMs,
        checkAt: at + recheckMs,
        beatAt: at + beatMs,
      };
      stream.once("close", () => {
        exit(who);
        open.delete(entry);
        if (open.size > 0) return;
        clearInterval(timer);
        timer = undefined;
      });
      watch(entry);
      try {
        const response = await begin(stream);
        if (response.stream === undefined) stream.destroy();
        return response;
      } catch (error) {
        stream.destroy();
        throw error;
      }
    },
    renew,
    drain() {
      draining = true;
      renew();
    },
    close() {
      draining = true;
      for (const { stream } of open) stream.destroy();
    },
  };
}
