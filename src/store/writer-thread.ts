/** The writer in a thread of its own, over a file: opens the database, and hands the ports of its clients to the writer (writer.ts). */
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { realClock } from "../clock.ts";
import { openWriter } from "./database.ts";
import type { FromWriter, ToWriter, WriterData } from "./protocol.ts";
import type { StorePart } from "./store.ts";
import { type ClientPort, createWriter } from "./writer.ts";

const { file, parts: partUrls, checkpointPages } = workerData as WriterData;
const control = parentPort as MessagePort;
const tell = (message: FromWriter) => control.postMessage(message);

const db = openWriter(file);
// A cache of 16 MiB holds the inner pages of a large store. At each commit SQLite walks through it: four times as much cost more than it saved.
db.exec(`pragma page_size = 2048; pragma journal_mode = wal; pragma synchronous = full; pragma wal_autocheckpoint = 0;
  pragma temp_store = memory; pragma cache_size = -16384; pragma trusted_schema = off`);

/** A portion of a worker takes a tenth of that; code of a user that takes longer is not waited for. */
const patienceMs = 0.3;
const writer = createWriter({ db, clock: realClock, checkpointPages, patienceMs, tell });
/**
 * JavaScript's timers follow the running time, so one that was armed for a moment of the wall clock fires at the wrong one once the clock was
 * set, or the machine slept. Armed anew all the time, it is right again soon, also after a clock that was wrong for a moment.
 */
const lookEveryMs = 10_000;
let stopLooking = lookLater();
function lookLater(): () => void {
  const look = () => {
    writer.look();
    stopLooking = lookLater();
  };
  return realClock.later(lookEveryMs, look, true);
}

async function open(): Promise<void> {
  const parts: StorePart[] = [];
  for (const url of partUrls) parts.push(((await import(url)) as { storePart: StorePart }).storePart);
  writer.open(parts);
}

function endOf(port: MessagePort): ClientPort {
  return {
    receive: () => (receiveMessageOnPort(port) as { message: ToWriter } | undefined)?.message,
    listen: (came) => void port.on("message", came),
    send: (message) => port.postMessage(message),
    close: () => port.close(),
  };
}

control.on("message", (message: { attach: string; port: MessagePort } | { detach: string } | { close: true }) => {
  if ("attach" in message) writer.attach(message.attach, endOf(message.port));
  else if ("detach" in message) writer.detach(message.detach);
  else {
    stopLooking();
    writer.end();
    control.close();
  }
});

open().catch((error: unknown) => {
  tell({ kind: "failed", reason: (error as Error).message, code: (error as { code?: string }).code });
  control.close();
});
