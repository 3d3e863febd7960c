/**
 * The store in the caller's own thread, over a database that is open already: the same writer, commands and ports as in the server,
 * without a thread and without a file. For tests: the clock, the order of messages and the point of a crash are theirs.
 */
import type { DatabaseSync } from "node:sqlite";
import type { Clock } from "../clock.ts";
import { asMessagePort, LocalPort, type Schedule } from "./local-channel.ts";
import type { OpenedStore } from "./open.ts";
import { portClient } from "./port-client.ts";
import type { ToClient, ToWriter } from "./protocol.ts";
import type { StorePart } from "./store.ts";
import { type ClientPort, createWriter, type WriterOptions } from "./writer.ts";

export interface InThreadOptions {
  readonly db: DatabaseSync;
  readonly parts: readonly StorePart[];
  readonly clock: Clock;
  /** When messages between the threads that are not there arrive. */
  readonly schedule: Schedule;
  /** Messages that command handlers post to `front`. */
  readonly onPost: (messages: readonly unknown[]) => void;
  readonly onFailed?: (reason: string) => void;
  readonly crashes?: WriterOptions["crashes"];
  /** How many of its answers the writer's client takes in one turn. Default: what is fastest on this machine. */
  readonly portion?: number;
}

/** Opens it. There is nothing to close: a store that is let go is as after a crash, its database holds what was committed. */
export function storeInThread(options: InThreadOptions): Omit<OpenedStore, "close"> {
  const { db, clock, schedule, crashes } = options;
  let installation = "";
  const writer = createWriter({
    db,
    clock: { ...clock, soon: (act) => schedule("writer", act) },
    checkpointPages: Number.POSITIVE_INFINITY,
    patienceMs: 0,
    ...(crashes === undefined ? {} : { crashes }),
    tell(message) {
      if (message.kind === "open") installation = message.installation;
    },
  });
  const attach = (name: string) => {
    const { port1, port2 } = LocalPort.pair(schedule, [`writer to ${name}`, `${name} to writer`]);
    writer.attach(name, endOf(port2));
    return asMessagePort(port1);
  };
  const client = portClient(attach("front"), options.onPost, options.onFailed, clock.soon, options.portion);
  writer.open(options.parts);
  return {
    file: ":memory:",
    installation,
    read: db,
    submit: client.submit,
    flush: client.flush,
    attach,
    detach: writer.detach,
  };
}

function endOf(port: LocalPort): ClientPort {
  return {
    receive: () => port.take() as ToWriter | undefined,
    listen: (came) => void port.on("message", (message) => came(message as ToWriter)),
    send: (message: ToClient) => port.postMessage(message),
    close: () => port.close(),
  };
}
