/**
 * How a connection ends without losing its last answer (RFC 9112, section 9.6). A socket that is closed while bytes of the client are unread
 * answers the next ones with a reset, and a client that meets a reset while it writes may never see what was sent to it. So our side is
 * ended first; what still comes is read and thrown away, for a bounded time and a bounded amount, until the client ends its side too.
 */
import type { Socket } from "node:net";

/** Milliseconds of silence after which nobody is waited for; bytes that are read away. */
export const lingering = Object.freeze({ silenceMs: 1000, bytes: 67_108_864, lookMs: 200 });

const ending = new WeakSet<Socket>();

/** Whether the last answer of this connection is on its way, and what comes now is thrown away. */
export function isLingering(socket: Socket): boolean {
  return ending.has(socket);
}

/** Writes the last of it and ends the connection so, within `wholeMs` however the client behaves. At most the first call for a connection counts. */
export function linger(socket: Socket, wholeMs: number, last?: string): void {
  if (ending.has(socket)) return;
  if (socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  ending.add(socket);
  if (last === undefined) socket.end();
  else socket.end(last);
  socket.resume();
  const end = performance.now() + wholeMs;
  const most = socket.bytesRead + lingering.bytes;
  let read = socket.bytesRead;
  let quiet = performance.now() + lingering.silenceMs;
  // A look now and then: to listen for the bytes themselves would take them from the parser, which throws them away quicker.
  const timer = setInterval(() => {
    const now = performance.now();
    if (socket.bytesRead !== read) quiet = now + lingering.silenceMs;
    read = socket.bytesRead;
    if (now >= Math.min(end, quiet) || read > most) socket.destroy();
  }, lingering.lookMs);
  socket.once("close", () => clearInterval(timer));
}
