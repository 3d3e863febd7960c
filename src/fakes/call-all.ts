/**
 * Calls every operation of a contract through its real client against its fake, on a port of this machine: shows that what is made of the
 * contract (requests, answers, faults) is understood by what is made of it on the other side, and fits it.
 */
import { restConnector } from "../connectors/rest.ts";
import { soapConnector } from "../connectors/soap.ts";
import type { ContractModel, OperationModel } from "../contract/model.ts";
import { validateQuickly } from "../contract/validate.ts";
import { asMortiseError } from "../errors.ts";
import type { CallResult, Json } from "../operation.ts";
import { createOutbound } from "../outbound/client.ts";
import { inputsOf, settingsOf } from "./inputs.ts";
import { type Served, serveFake } from "./serve.ts";

/** What became of one operation. */
export interface Called {
  readonly operation: string;
  readonly ok: boolean;
  /** Where it is not: `no input`, `no example`, `client`, `request`, `answer`, and why. */
  readonly reason?: string;
  /** Of its declared faults, those that came through; and why the others did not. */
  readonly faults: { readonly called: number; readonly declared: number; readonly reasons: readonly string[] };
}

export interface CallAllOptions {
  readonly seed?: number;
  /** Also let the fake answer each declared fault. Default true. */
  readonly faults?: boolean;
}

const patienceMs = 20_000;

/** Calls them one after the other. Never rejects for what an operation does. */
export async function callAll(
  model: ContractModel,
  { seed = 1, faults = true }: CallAllOptions = {},
): Promise<readonly Called[]> {
  const called: Called[] = [];
  // A few values pass each validator: what it costs is its compilation.
  validateQuickly(model);
  const fake = await serveFake(model, { seed });
  const outbound = createOutbound();
  try {
    const operations = Object.values(model.operations);
    const connector = model.source.language === "wsdl" ? soapConnector : restConnector;
    const client = connector.open(model, settingsOf(model, fake.url), { outbound, project: "." });
    const call = (operation: OperationModel, input: Json): Promise<CallResult> =>
      client.call(operation, input, {
        key: `call-all-${operation.name}`,
        attempt: 1,
        deadline: Date.now() + patienceMs,
        signal: new AbortController().signal,
      });
    for (const operation of operations) {
      // What an operation before this one has deleted is there again.
      fake.reset();
      called.push(await one(fake, operation, call, faults));
    }
    await client.close();
  } finally {
    await outbound.close();
    await fake.close();
  }
  return called;
}

async function one(
  fake: Served,
  operation: OperationModel,
  call: (operation: OperationModel, input: Json) => Promise<CallResult>,
  withFaults: boolean,
): Promise<Called> {
  const { system } = fake;
  const declared = Object.keys(operation.faults);
  const inputs = inputsOf(system.model, operation, system.seed);
  const reasons: string[] = [];
  let works: Json | undefined;
  let reason = inputs.length === 0 ? "no input: no value that satisfies its schema was found" : undefined;
  if (system.example(operation) === undefined) reason = "no example: no output that satisfies its schema was found";
  for (const input of inputs) {
    fake.rules.add({ operation: operation.name, effect: { kind: "usual" }, times: 1 });
    const told = await tried(fake, operation, input, call, undefined);
    fake.rules.clear(operation.name);
    if (told === undefined) works = input;
    reason ??= told;
    if (works !== undefined) break;
  }
  const ok = works !== undefined && system.example(operation) !== undefined;
  let came = 0;
  for (const name of withFaults ? declared : []) {
    const result = system.fault(operation, name);
    const input = works ?? inputs[0];
    let why: string | undefined;
    if (input === undefined) why = "no input";
    else if (result === undefined) why = "no detail that satisfies its schema was found";
    else {
      fake.rules.add({ operation: operation.name, times: 1, effect: { kind: "fault", name } });
      why = await tried(fake, operation, input, call, name);
      fake.rules.clear(operation.name);
    }
    if (why === undefined) came += 1;
    else reasons.push(`${name}: ${why}`);
  }
  return {
    operation: operation.name,
    ok,
    ...(ok ? {} : { reason: reason ?? "not called" }),
    faults: { called: came, declared: declared.length, reasons },
  };
}

/** Why a call did not go as it should; `fault`: the one that is to come. */
async function tried(
  fake: Served,
  operation: OperationModel,
  input: Json,
  call: (operation: OperationModel, input: Json) => Promise<CallResult>,
  fault: string | undefined,
): Promise<string | undefined> {
  const before = fake.requests.at(-1)?.number ?? 0;
  let failed: string | undefined;
  try {
    const result = await call(operation, input);
    if (fault === undefined && !result.ok) failed = `answer: the fault ${result.fault.name} came`;
    if (fault !== undefined && result.ok) failed = "answer: an output came instead";
    if (fault !== undefined && !result.ok && result.fault.name !== fault)
      failed = `answer: ${result.fault.name} came instead`;
  } catch (error) {
    failed = `answer: ${asMortiseError(error).message}`;
  }
  const request = fake.requests.at(-1);
  if (request === undefined || request.number === before)
    return failed === undefined ? undefined : failed.replace("answer", "client");
  if (request.problem !== undefined) return `request: ${request.problem}`;
  if (request.operation !== operation.name) return `request: it was taken for ${request.operation ?? "nothing"}`;
  return failed;
}
