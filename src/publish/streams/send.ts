/** Writes a stream as the body of an answer, no faster than the client reads. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Readable } from "node:stream";
import { resetConnection } from "../below-tls.ts";

/**
 * The head was written. A stream that fails breaks the connection before the end of the body (RFC 9112, section 8), and so does a client that takes nothing of what is
 * due for `stalledMs`; one that failed before has nothing more to tell of it. Once the connection is gone, or the client ended its side, the stream is destroyed: whoever may be gone is
 * not sent what never ends, or what a system works for.
 */
export function sendStream(req: IncomingMessage, res: ServerResponse, stream: Readable, stalledMs: number): void {
  if (req.method === "HEAD") {
    stream.on("error", () => {});
    stream.destroy();
    res.end();
    return;
  }
  if (stream.destroyed) {
    // It may be about to say so: an error that nobody hears would end the process.
    stream.once("error", () => {});
    breakOff(req, res);
    return;
  }
  let timer: NodeJS.Timeout | undefined;
  const stalled = () => {
    clearTimeout(timer);
    timer = setTimeout(() => breakOff(req, res), stalledMs);
  };
  stream.on("data", (chunk: Buffer | string) => {
    if (res.write(chunk)) return;
    stream.pause();
    stalled();
  });
  res.on("drain", () => {
    clearTimeout(timer);
    stream.resume();
  });
  stream.once("end", () => {
    res.end();
    if (!res.writableFinished) stalled();
  });
  stream.once("error", () => breakOff(req, res));
  const left = () => res.destroy();
  const { socket } = req;
  socket.once("end", left);
  if (socket.readableEnded) left();
  res.once("close", () => {
    clearTimeout(timer);
    socket.off("end", left);
    stream.destroy();
  });
}

/** Calls this once the stream is closed, which it may be already. */
export function onceClosed(stream: Readable, closed: () => void): void {
  if (stream.closed) closed();
  else stream.once("close", closed);
}

/** Where the body ends with the connection (HTTP/1.0), only a reset tells a client that something is missing. */
function breakOff(req: IncomingMessage, res: ServerResponse): void {
  if (req.httpVersion === "1.0") resetConnection(req.socket);
  else res.destroy();
}
