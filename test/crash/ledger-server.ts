/**
 * The ledger: a system of its own process that judges what the engine did.
 *   node ledger-server.ts FILE     prints its address; ends when its standard input ends
 *
 * Each call is appended and fsynced as `received` before anything is done, and as `applied` before it is answered; calls that came
 * together share the two fsyncs. `book`, `deliver` and `mail` honour no key, the others do: a repeat of
 * those is a second booking. `find` is the probe of `book` and `deliver`. Of every 13th key the first answer is dropped after the act.
 * `PUT {operation, when}` holds the next such call for ever, before or after its act, and prints `held`.
 */
import { createHash } from "node:crypto";
import { fdatasyncSync, openSync, writeSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createServer } from "../../src/http.ts";
import type { Hold, LedgerLine, PostedCall } from "./ledger.ts";

const honoursKey = new Set(
  (
    "pay deposit stamp note noted refund redeposit release leg recall collect weigh filed sealed " +
    "ticked claimed unclaimed enter leave"
  ).split(" "),
);
const actsAlways = new Set(["book", "mail", "deliver"]);
/** An act whose first answer is lost: only where a key or a probe makes it harmless. */
const mayDrop = new Set([
  "pay",
  "book",
  "stamp",
  "refund",
  "deliver",
  "leg",
  "filed",
  "ticked",
  "claimed",
  "enter",
  "leave",
]);

const [file] = process.argv.slice(2);
const handle = openSync(file as string, "a");
const applied = new Map<string, LedgerLine[]>();
const seen = new Set<string>();
/** How often each was claimed, and which of these a call was. */
const claims = new Map<string, number>();
const timesOf = new Map<string, number>();
let number = 0;
let hold: Hold | undefined;
let waiting: { readonly call: PostedCall; readonly response: ServerResponse }[] = [];

function write(kind: LedgerLine["kind"], call: PostedCall): LedgerLine {
  number += 1;
  const line: LedgerLine = { n: number, at: Date.now(), kind, ...call };
  writeSync(handle, `${JSON.stringify(line)}\n`);
  return line;
}

function act(call: PostedCall): void {
  const before = applied.get(call.key);
  if (!actsAlways.has(call.operation) && !(honoursKey.has(call.operation) && before === undefined)) return;
  const line = write("applied", call);
  if (call.operation === "claimed") {
    const times = (claims.get(call.id) ?? 0) + 1;
    claims.set(call.id, times);
    timesOf.set(call.key, times);
  }
  if (before === undefined) applied.set(call.key, [line]);
  else before.push(line);
}

function answer({ call, response }: (typeof waiting)[number]): void {
  const { operation, key, body } = call;
  const first = !seen.has(key);
  seen.add(key);
  if (first && mayDrop.has(operation) && createHash("sha256").update(key).digest().readUInt16BE(0) % 13 === 0) {
    response.destroy();
    return;
  }
  let result: unknown;
  if (operation === "deny") result = { ok: false, fault: { name: "Denied", message: "never", detail: body } };
  else if (operation === "look") result = { ok: true, output: { seen: body } };
  else if (operation === "find") {
    const found = applied.get(String((body as { reference?: unknown }).reference)) ?? [];
    result = { ok: true, output: found.map(({ n }) => ({ number: n })) };
  } else {
    const lines = applied.get(key) as LedgerLine[];
    const number = (honoursKey.has(operation) ? lines[0] : lines.at(-1))?.n;
    result = { ok: true, output: operation === "claimed" ? { number, times: timesOf.get(key) } : { number } };
  }
  response.end(JSON.stringify(result));
}

function takeTurn(): void {
  const turn = waiting;
  waiting = [];
  for (const { call } of turn) write("received", call);
  fdatasyncSync(handle);
  const held = turn.find(({ call }) => call.operation === hold?.operation);
  const acting = held !== undefined && hold?.when === "received" ? turn.filter((one) => one !== held) : turn;
  for (const { call } of acting) act(call);
  fdatasyncSync(handle);
  for (const one of turn) if (one !== held) answer(one);
  if (held === undefined) return;
  hold = undefined;
  process.stdout.write("held\n");
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = "";
  request.setEncoding("utf8");
  for await (const part of request) text += part as string;
  return text;
}

const server = createServer((request, response) => {
  if (request.method === "GET") {
    const key = new URL(request.url as string, "http://ledger").searchParams.get("key");
    response.end(JSON.stringify(applied.get(key as string) ?? []));
    return;
  }
  textOf(request).then(
    (text) => {
      if (request.method === "PUT") {
        hold = JSON.parse(text) as Hold;
        response.end("null");
        return;
      }
      waiting.push({ call: JSON.parse(text) as PostedCall, response });
      if (waiting.length === 1) setImmediate(takeTurn);
    },
    // The caller was killed while it sent: there was no call.
    () => response.destroy(),
  );
});
server.keepAliveTimeout = 0;
server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});
process.stdin.on("end", () => process.exit(0)).resume();
