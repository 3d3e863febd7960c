/** The body of a request as it comes, for what passes it on: never more of it in memory than the other side has still to take. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { failure, type MortiseError } from "../../errors.ts";
import type { HttpRequest } from "../http.ts";

/** The request and its answer as the listener has them. */
export interface Wire {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  /** The client waits for `100 Continue`. */
  readonly continues: boolean;
  /** Milliseconds of silence in the middle of a body, at most; and what a body may take beside its bytes at the least pace. */
  readonly silenceMs: number;
  /** A body that passes has its own times, and not that of a whole request. */
  passing: boolean;
  /** It was not read to its end: nothing more is read from the connection. */
  broken: boolean;
  /** Why the rest of it never comes; the connection still takes the answer. */
  cut: MortiseError | undefined;
  /** Of whoever reads it: told of `cut`. */
  onCut: ((error: MortiseError) => void) | undefined;
}

/** The rest of a body never comes: its reader fails with this, and one that begins later does too. The connection ends with the answer. */
export function cutBody(wire: Wire, error: MortiseError): void {
  if (wire.cut !== undefined) return;
  wire.cut = error;
  wire.broken = true;
  wire.onCut?.(error);
}

/** Bytes for each millisecond, about: who sends more slowly than 1 KiB a second on the whole is given up. */
const leastPace = 1.024;

export interface PassedBody {
  readonly stream: Readable;
  /** As declared; absent: it comes in chunks. */
  readonly length?: number;
}

/**
 * Throws `body-too-large` where that is declared. The stream fails with it where it turns out so, with `request-timeout` where the client is silent or too slow, and with
 * `request-malformed` where the connection ends before the body. Destroying it gives up the connection.
 */
export function passedBody({ wire, headers }: HttpRequest, limit: number): PassedBody {
  if (wire === undefined) throw failure("internal", { reason: "there is no connection to read a body from" });
  const declared = headers["content-length"];
  if (declared === undefined && headers["transfer-encoding"] === undefined)
    return { stream: Readable.from([]), length: 0 };
  const length = declared === undefined ? undefined : Number(declared);
  if (length !== undefined && length > limit) throw failure("body-too-large", { limit });
  if (wire.cut !== undefined) throw wire.cut;
  const stream = incoming(wire, limit);
  if (wire.continues) wire.res.writeContinue();
  return length === undefined ? { stream } : { stream, length };
}

function incoming(wire: Wire, limit: number): Readable {
  const { req, silenceMs } = wire;
  let size = 0;
  let waited = 0;
  let since: number | undefined;
  let timer: NodeJS.Timeout | undefined;

  function wait(): void {
    if (since !== undefined) return;
    since = performance.now();
    const left = silenceMs + size / leastPace - waited;
    timer = setTimeout(
      () => fail(failure("request-timeout", { seconds: silenceMs / 1000 })),
      Math.max(0, Math.min(silenceMs, left)),
    );
  }
  function got(): void {
    if (since !== undefined) waited += performance.now() - since;
    since = undefined;
    clearTimeout(timer);
  }
  function fail(error: MortiseError): void {
    stream.destroy(error);
  }

  const onData = (chunk: Buffer) => {
    got();
    size += chunk.length;
    if (size > limit) fail(failure("body-too-large", { limit }));
    else if (stream.push(chunk)) wait();
    else req.pause();
  };
  const onEnd = () => {
    got();
    wire.passing = false;
    stream.push(null);
  };
  const onClose = () => {
    if (!req.readableEnded) fail(failure("request-malformed", { reason: "the connection ended before the body did" }));
  };
  const stream = new Readable({
    // Bytes may come one by one, each an object of its own.
    highWaterMark: 16_384,
    read() {
      if (req.readableEnded) return;
      wait();
      req.resume();
    },
    destroy(error, done) {
      got();
      req.off("data", onData);
      req.off("end", onEnd);
      if (!req.readableEnded) {
        wire.broken = true;
        wire.passing = false;
      }
      done(error);
    },
  });
  wire.passing = true;
  wire.onCut = fail;
  req.pause();
  req.on("data", onData).once("end", onEnd).once("close", onClose).on("error", onClose);
  return stream;
}
