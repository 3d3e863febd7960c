/**
 * The connections below those of TLS. Where a body ends with its connection (HTTP/1.0), only a reset tells a client that something is missing; Node resets a connection of TCP, and not
 * one of TLS: when that is destroyed, many clients take what they have for the whole.
 */
import type { Server as TlsServer } from "node:https";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";

const below = new WeakMap<Socket, Socket>();

/** Of this server's connections it is known from now on what lies below. */
export function rememberBelow(server: TlsServer): void {
  const open = new Map<string, Socket>();
  server.on("connection", (socket: Socket) => {
    const id = ends(socket);
    open.set(id, socket);
    socket.once("close", () => {
      if (open.get(id) === socket) open.delete(id);
    });
  });
  server.on("secureConnection", (secure: TLSSocket) => {
    const socket = open.get(ends(secure));
    if (socket !== undefined) below.set(secure, socket);
  });
}

/** Breaks it so that nobody takes it for an end. */
export function resetConnection(socket: Socket): void {
  (below.get(socket) ?? socket).resetAndDestroy();
}

/** No two open connections of a server have the same ends. */
const ends = ({ remoteAddress, remotePort, localAddress }: Socket): string =>
  `${remoteAddress} ${remotePort} ${localAddress}`;
