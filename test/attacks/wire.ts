/** Raw sockets for the attacks: bytes go out as they are, and what comes back is kept until the other side closes. */
import { connect, type Socket } from "node:net";

/** `\n` in a head becomes `\r\n`, and the empty line is put behind it. */
export function message(head: string, body = ""): string {
  return `${head.replaceAll("\n", "\r\n")}\r\n\r\n${body}`;
}

/** A request with a length that is right. */
export function sized(head: string, body: string): string {
  return message(`${head}\nContent-Length: ${Buffer.byteLength(body)}`, body);
}

export interface Line {
  readonly socket: Socket;
  /** What has come so far, a character for each byte. */
  readonly text: () => string;
  /** Everything that came, once the other side has closed. */
  readonly closed: Promise<string>;
}

/** Opens a connection and sends `bytes`. */
export function openLine(port: number, bytes: string | Uint8Array = "", host = "127.0.0.1"): Line {
  const socket = connect(port, host);
  return lineOf(socket, bytes);
}

/** The same over a socket that is there already, such as one of TLS. */
export function lineOf(socket: Socket, bytes: string | Uint8Array = ""): Line {
  let text = "";
  // A reset is a way of being closed too.
  socket.on("error", () => {});
  socket.on("data", (chunk: Buffer) => {
    text += chunk.toString("latin1");
  });
  const closed = new Promise<string>((resolve) => socket.once("close", () => resolve(text)));
  if (bytes.length > 0) socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes);
  return { socket, text: () => text, closed };
}

/** Sends bytes, and gives everything that comes back until the server closes: by its own deadlines, if not before. */
export function exchange(port: number, bytes: string | Uint8Array, host?: string): Promise<string> {
  return openLine(port, bytes, host).closed;
}

/** The statuses of all answers in what came back. */
export function statuses(text: string): number[] {
  return [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]));
}

/** The code of the first problem in what came back. */
export function codeOf(text: string): string | undefined {
  return /"urn:mortise:error:([a-z-]+)"/.exec(text)?.[1];
}

/** The body of the first answer. */
export function bodyOf(text: string): string {
  const cut = text.indexOf("\r\n\r\n");
  const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? text.length);
  return text.slice(cut + 4, cut + 4 + length);
}
