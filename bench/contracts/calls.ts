/** What checking costs: the CPU time of a call of 1 KB over HTTP, and of it the validation of its input and output. */
import type { ConnectorEnvironment } from "../../src/connectors/connector.ts";
import { restConnector } from "../../src/connectors/rest.ts";
import type { ResolvedSettings } from "../../src/connectors/system.ts";
import type { ContractModel, OperationModel } from "../../src/contract/model.ts";
import { readContract } from "../../src/contract/read/read-contract.ts";
import { openSource } from "../../src/contract/read/source.ts";
import { operationValidators } from "../../src/contract/validate.ts";
import type { Json } from "../../src/operation.ts";
import { createOutbound } from "../../src/outbound/client.ts";
import type { Children } from "../children.ts";
import { type BenchOptions, median } from "../report.ts";

const calls = 4000;
const inFlight = 16;

/** An order of 1 KB: texts with lengths and patterns, numbers with bounds, enumerations, a list of objects. */
export const order: Json = {
  id: "HS-2026-000123",
  customer: {
    id: "c-1042",
    name: "Harbour Supply",
    email: "orders@example.com",
    address: { street: "Quay 7", city: "Hamburg", country: "DE" },
  },
  lines: Array.from({ length: 8 }, (_, at) => ({
    sku: `SKU-${1000 + at}`,
    quantity: at + 1,
    unit: "piece",
    price: "12.50",
    note: "handle with care, no rush",
  })),
  total: 450,
  currency: "EUR",
  created: "2026-11-26T20:00:00Z",
};

export async function validationShare(
  children: Children,
  { rounds }: BenchOptions,
): Promise<{
  readonly validationShare: number;
  readonly callMicros: number;
  readonly validationMicros: number;
  readonly bodyBytes: number;
}> {
  const { port } = await children.server(new URL("./server.ts", import.meta.url));
  const model = await readContract(await openSource(new URL("./orders.yaml", import.meta.url).pathname), "orders");
  const operation = model.operations.placeOrder!;
  const outbound = createOutbound();
  const settings: ResolvedSettings = {
    name: "orders",
    connection: `http://127.0.0.1:${port}`,
    timeoutMs: 10_000,
    concurrency: inFlight,
    maxResponseBytes: 1_000_000,
    internal: true,
    sensitive: [],
  };
  try {
    const shares: { call: number; validation: number }[] = [];
    for (let round = 0; round <= rounds; round++) {
      const call = await cpuOfCalls(model, operation, settings, { outbound, project: "." });
      const validation = cpuOfValidation(model, operation);
      if (round > 0) shares.push({ call, validation });
    }
    const call = median(shares.map((one) => one.call)) as number;
    const validation = median(shares.map((one) => one.validation)) as number;
    return {
      validationShare: median(shares.map((one) => one.validation / one.call)) as number,
      callMicros: call,
      validationMicros: validation,
      bodyBytes: JSON.stringify(order).length,
    };
  } finally {
    await outbound.close();
  }
}

/** Microseconds of CPU per call, of this process. */
async function cpuOfCalls(
  model: ContractModel,
  operation: OperationModel,
  settings: ResolvedSettings,
  environment: ConnectorEnvironment,
): Promise<number> {
  const client = restConnector.open(model, settings, environment);
  const { signal } = new AbortController();
  let left = calls;
  const before = process.cpuUsage();
  const lane = async (): Promise<void> => {
    while (left-- > 0) {
      const result = await client.call(operation, order, {
        key: "k",
        attempt: 1,
        deadline: Date.now() + 10_000,
        signal,
      });
      if (!result.ok) throw new Error("the call gave a fault");
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  const { user, system } = process.cpuUsage(before);
  await client.close();
  return (user + system) / calls;
}

function cpuOfValidation(model: ContractModel, operation: OperationModel): number {
  const { input, output } = operationValidators(model, operation);
  const times = calls * 4;
  const before = process.cpuUsage();
  let problems = 0;
  for (let at = 0; at < times; at++) problems += input(order).length + output(order).length;
  const { user, system } = process.cpuUsage(before);
  if (problems > 0) throw new Error("the order does not fit its schema");
  return (user + system) / times;
}
