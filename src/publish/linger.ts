/**
 * How a connection ends without losing its last answer (RFC 9112, section 9.6). A socket that is closed while bytes of the client are unread
 * answers the next ones with a reset, and a client that meets a reset while it writes may never see what was sent to it. So our side is
 * ended first; what still comes is read and thrown away, for a bounded time and a bounded amount, until the client ends its side too.
 */
import type { Socket } from "node:net";

/** Milliseconds of silence after which nobody is waited for; bytes that are read away; milliseconds that a client which ended its side may still be there. */
export const lingering = Object.freeze({ silenceMs: 1000, bytes: 67_108_864, goneMs: 2000 });

const ending = new WeakSet<Socket>();

/** Whether the last answer of this connection is on its way, and what comes now is thrown away. */
export function isLingering(socket: Socket): boolean {
  return ending.has(socket);
}

/** What comes from now on is thrown away, and no longer parsed: requests that nobody answers would pile up. */
export function deafen(socket: Socket, came: (bytes: number) => void = () => {}): void {
  socket.removeAllListeners("data");
  // With a listener of its own Node takes the bytes back from the parser.
  socket.on("data", (chunk: Buffer) => came(chunk.length));
}

/**
 * A client that ended its side waits for its answer, or is gone: both look the same until something is written. So an answer that has not begun soon
 * after is for nobody, and the connection makes room. `waits`: an answer is due, and nothing of it was sent.
 */
export function giveUpLater(socket: Socket, waits: () => boolean): void {
  socket.once("end", () => {
    const timer = setTimeout(() => {
      if (waits()) socket.destroy();
    }, lingering.goneMs);
    socket.once("close", () => clearTimeout(timer));
  });
}

/** Writes the last of it and ends the connection so, within `wholeMs` however the client behaves. At most the first call for a connection counts. */
export function linger(socket: Socket, wholeMs: number, last?: string): void {
  if (ending.has(socket)) return;
  const cut = (): void => void socket.destroy();
  if (socket.destroyed || !socket.writable) {
    cut();
    return;
  }
  ending.add(socket);
  if (last === undefined) socket.end();
  else socket.end(last);
  const end = setTimeout(cut, wholeMs);
  const quiet = setTimeout(cut, lingering.silenceMs);
  let left = lingering.bytes;
  deafen(socket, (bytes) => {
    left -= bytes;
    if (left < 0) cut();
    else quiet.refresh();
  });
  socket.resume();
  socket.once("close", () => {
    clearTimeout(end);
    clearTimeout(quiet);
  });
}
