/**
 * The thread of reads: makes the calls that the front gives away, checks their answers against the contract and gives them back as the text that
 * callers are told. None of the project's code runs here.
 */
import { subscribe } from "node:diagnostics_channel";
import { parentPort, workerData } from "node:worker_threads";
import { bindSystems } from "../../connectors/bind.ts";
import type { Deprecation } from "../../connectors/deprecation.ts";
import type { SystemDefinition } from "../../connectors/system.ts";
import { schemaOf } from "../../contract/contract.ts";
import type { ContractModel } from "../../contract/model.ts";
import { asMortiseError } from "../../errors.ts";
import { countOutbound } from "../../observe/outbound-counts.ts";
import type { Json } from "../../operation.ts";
import { createOutbound } from "../../outbound/client.ts";
import { openPermits, type SystemPermits } from "../../outbound/permits.ts";
import { type Fields, fieldsOf } from "../../publish/fields.ts";
import { batches } from "./batches.ts";
import {
  type Answering,
  type Asking,
  askingSize,
  type FromReads,
  plainError,
  type ReadStart,
  type ToReads,
} from "./messages.ts";

const { project, slot } = workerData as ReadStart;
const port = parentPort as NonNullable<typeof parentPort>;
const say = (message: FromReads): void => port.postMessage(message);

const outbound = createOutbound();
const bound = bindSystems({ definitions: [], settings: new Map(), environment: { outbound, project } });
/** Never fires: a read ends by its deadline, and with the thread. */
const { signal } = new AbortController();
let permits: ReadonlyMap<string, SystemPermits> | undefined;
const contracts = new Map<string, ContractModel>();

/** An operation, as it is bound. Bound anew it is another one: what is under way is told by the contract that it was asked for under. */
interface Target {
  readonly system: string;
  readonly name: string;
  readonly contract: ContractModel | undefined;
  /** Of its output; worked out at the first call. */
  fields: Fields | undefined;
}
const targetOf = ({ system, name }: Pick<Target, "system" | "name">): Target => ({
  system,
  name,
  contract: contracts.get(system),
  fields: undefined,
});
const targets: Target[] = [];
const answers = batches<Answering[number]>(say);

function bind({ systems, settings, permits: table }: Extract<ToReads, { readonly kind: "bind" }>): void {
  permits = openPermits(table, slot, permits);
  for (const { name, contract } of systems) if (contract !== undefined) contracts.set(name, contract);
  const definitions = systems.map(({ name, connector }) => {
    const contract = contracts.get(name) as ContractModel;
    return { name, connector, contract } as SystemDefinition;
  });
  bound.rebind({ definitions, settings, permits });
  for (const [number, target] of targets.entries()) targets[number] = targetOf(target);
}

/** The text that callers are told. */
function told(target: Target, output: Json): string {
  // It was called, so it has a contract.
  const { name, contract } = target as { readonly name: string; readonly contract: ContractModel };
  target.fields ??= fieldsOf(schemaOf(contract, contract.operations[name]?.output ?? true));
  return JSON.stringify(target.fields.drop(output) ?? null);
}

/** The read that begins at this place of a batch. */
function call(batch: readonly Asking[number][], at: number): void {
  const id = batch[at] as number;
  const target = targets[batch[at + 1] as number] as Target;
  const input = batch[at + 2] as string;
  const whole = batch[at + 6] === 1;
  const context = {
    key: batch[at + 3] as string,
    attempt: batch[at + 4] as number,
    deadline: batch[at + 5] as number,
    signal,
  };
  bound
    .teller(target, JSON.parse(input) as Json, context)
    .then((result) => {
      if ("text" in result) answers.add(id, result.text);
      else if (!result.ok) answers.add(id, result);
      else answers.add(id, whole ? JSON.stringify(result.output ?? null) : told(target, result.output));
    })
    .catch((error: unknown) => answers.add(id, plainError(asMortiseError(error))));
}

port.on("message", (message: ToReads) => {
  if (!("kind" in message)) {
    for (let at = 0; at < message.length; at += askingSize) call(message, at);
  } else if (message.kind === "operation") {
    targets[message.number] = targetOf(message);
  } else bind(message);
});
countOutbound((counts) => say({ kind: "outbound", counts }), subscribe);
subscribe("mortise:connectors:deprecated", (fact) => say({ kind: "deprecated", fact: fact as Deprecation }));
say({ kind: "ready" });
