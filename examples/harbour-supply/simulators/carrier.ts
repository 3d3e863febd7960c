/**
 * The carrier: takes shipments from the ERP (`POST /shipments {salesOrder, orderId, pieces}`) and drops CSV files of what it has
 * taken away into a folder, per `systems/carrier/shipments.csvw.json`.
 *
 *   node carrier.ts --data <folder> --outbox <folder> [--port n] [--control-port n] [--every-ms n]
 *
 * Most files are written under another name and renamed; every fourth is written in place, slowly, as some partners do.
 * A file that may not have been finished before a kill is written again, with the same name and the same bytes.
 * `POST /_configure {everyMs}`   `POST /_again {file}` drops an earlier file a second time, under its old name.
 */
import { randomInt } from "node:crypto";
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { type Answer, type Call, jsonObject, problem, simulate } from "./control.ts";
import { type Line, openLedger } from "./ledger.ts";

interface Shipment {
  readonly orderId: string;
  readonly salesOrder: string;
  readonly tracking: string;
  readonly weight: string;
}
interface Planned {
  readonly file: string;
  readonly text: string;
  readonly salesOrders: readonly string[];
}

const { values: args } = parseArgs({
  options: {
    data: { type: "string" },
    outbox: { type: "string" },
    port: { type: "string", default: "0" },
    "control-port": { type: "string", default: "0" },
    "every-ms": { type: "string", default: "1000" },
  },
});
const { data, outbox } = args;
if (data === undefined || outbox === undefined)
  throw new Error("carrier.ts needs --data <folder> and --outbox <folder>");
mkdirSync(outbox, { recursive: true });

const taken = new Set<string>();
const waiting = new Map<string, Shipment>();
const files = new Map<string, Planned>();
const unfinished = new Set<string>();
let fileNumber = 1;
let stopped = false;
let mode = "ok";

const ledger = openLedger(join(data, "ledger.jsonl"), replay);
let timer = setTimeout(() => void round(), 0);
let everyMs = Number(args["every-ms"]);

await simulate({
  name: "carrier",
  ledger,
  port: Number(args.port),
  controlPort: Number(args["control-port"]),
  describe: (call) => ({ operation: "ship", key: salesOrderOf(call) }),
  handle,
  commands: {
    configure(body) {
      if (typeof body.everyMs !== "number") return;
      everyMs = body.everyMs;
      clearTimeout(timer);
      timer = setTimeout(() => void round(), everyMs);
    },
    async again(body) {
      const planned = files.get(String(body.file));
      if (planned === undefined) throw new Error("there was no such file");
      await drop(planned, false);
    },
  },
  onBehaviour(behaviour) {
    mode = behaviour.mode;
  },
  onStop() {
    stopped = true;
    clearTimeout(timer);
  },
});

function replay(line: Line): void {
  if (line.kind === "applied") {
    const shipment = line.shipment as Shipment;
    taken.add(shipment.salesOrder);
    waiting.set(shipment.salesOrder, shipment);
  }
  if (line.kind === "planned") {
    const planned = line.planned as Planned;
    files.set(planned.file, planned);
    unfinished.add(planned.file);
    for (const salesOrder of planned.salesOrders) waiting.delete(salesOrder);
    fileNumber = files.size + 1;
  }
  if (line.kind === "dropped") unfinished.delete(String(line.file));
}

function salesOrderOf(call: Call): string | undefined {
  const { salesOrder } = jsonObject(call) ?? {};
  return typeof salesOrder === "string" ? salesOrder : undefined;
}

function handle(call: Call): Answer {
  if (call.method !== "POST" || call.path !== "/shipments") return problem(404, "There is no such resource.");
  const { salesOrder, orderId, pieces } = jsonObject(call) ?? {};
  if (typeof salesOrder !== "string" || typeof orderId !== "string" || typeof pieces !== "number") {
    return problem(400, "salesOrder, orderId and pieces are needed.");
  }
  if (!taken.has(salesOrder)) {
    const grams = BigInt(pieces) * 1250n + BigInt(randomInt(1000));
    const weight = `${grams / 1000n}.${String(grams % 1000n).padStart(3, "0")}`;
    const shipment: Shipment = {
      orderId,
      salesOrder,
      tracking: `TW${salesOrder.slice(3)}${randomInt(1000, 9999)}`,
      weight,
    };
    replay(ledger.append({ kind: "applied", call: call.id, operation: "ship", key: salesOrder, shipment }));
  }
  return { status: 202, body: { salesOrder } };
}

// One round: first what a kill may have left unfinished, then one file of everything that waits.
async function round(): Promise<void> {
  try {
    for (const file of [...unfinished]) {
      const planned = files.get(file);
      if (planned !== undefined) await drop(planned, false);
    }
    if (waiting.size > 0 && mode !== "away" && mode !== "fail") {
      const slowly = mode === "slow" || fileNumber % 4 === 0;
      const planned = plan();
      replay(ledger.append({ kind: "planned", planned }));
      await drop(planned, slowly);
    }
  } catch (error) {
    process.stderr.write(`carrier: ${String(error)}\n`);
  }
  if (!stopped) timer = setTimeout(() => void round(), everyMs);
}

function plan(): Planned {
  const shippedAt = new Date().toISOString();
  const shipments = [...waiting.values()];
  const rows = shipments.map(({ orderId, tracking, weight }) =>
    [orderId, tracking, '"Tidewater Freight, North"', weight, shippedAt].join(","),
  );
  return {
    file: `shipments-${String(fileNumber).padStart(6, "0")}.csv`,
    text: ["order_id,tracking,carrier,weight_kg,shipped_at", ...rows, ""].join("\r\n"),
    salesOrders: shipments.map(({ salesOrder }) => salesOrder),
  };
}

async function drop(planned: Planned, slowly: boolean): Promise<void> {
  const target = join(outbox ?? "", planned.file);
  const written = slowly ? target : join(data ?? "", `${planned.file}.part`);
  const handle = openSync(written, "w");
  try {
    if (slowly) {
      const half = Math.floor(planned.text.length / 2);
      writeSync(handle, planned.text.slice(0, half));
      await pause(150);
      writeSync(handle, planned.text.slice(half));
    } else {
      writeSync(handle, planned.text);
    }
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  if (written !== target) renameSync(written, target);
  if (!stopped) replay(ledger.append({ kind: "dropped", file: planned.file, slowly }));
}
