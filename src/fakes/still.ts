/** A fake without a port and without a memory: a request as it came, an answer as it goes. Nothing stays of either. */
import { exampleOf } from "../contract/example/example.ts";
import type { ContractModel, OperationModel } from "../contract/model.ts";
import { inWords, type JsonSchema, type Problem } from "../operation.ts";
import { type Came, type Protocol, problemReply, type Reading, type Reply } from "./protocol.ts";
import { restProtocol } from "./rest.ts";
import { unfitting } from "./serve.ts";
import { soapProtocol } from "./soap.ts";
import { FakeSystem } from "./system.ts";

export interface StillFake {
  /** `wanted`: a status that the operation declares, answered whatever the request says. */
  answer(came: Came, wanted?: number): StillReply;
}

export interface StillReply extends Reply {
  /** Name of the operation; absent: the request means none. */
  readonly operation?: string;
  /** What is wrong with the request, where it was refused for that. */
  readonly problems?: readonly Problem[];
}

export interface StillFakeOptions {
  /** Other seeds give other examples. Default 1. */
  readonly seed?: number;
  /** Largest body in bytes. */
  readonly maxBytes: number;
}

type Call = Extract<Reading, { readonly kind: "call" }>;

export function openStillFake(model: ContractModel, { seed = 1, maxBytes }: StillFakeOptions): StillFake {
  const system = new FakeSystem(model, { seed });
  const protocol: Protocol =
    model.source.language === "wsdl" ? soapProtocol(model, maxBytes) : restProtocol(model, maxBytes);
  return {
    answer(came, wanted) {
      const reading = protocol.read(came, () => false);
      if (reading.kind === "nothing") return reading.reply;
      const operation = reading.operation.name;
      if (wanted !== undefined) return { ...wantedReply(system, reading, wanted), operation };
      if (reading.problems.length > 0)
        return { ...reading.refuse(reading.problems), operation, problems: reading.problems };
      try {
        return { ...usualReply(system, reading), operation };
      } finally {
        system.reset();
      }
    },
  };
}

function usualReply(system: FakeSystem, reading: Call): Reply {
  const { operation, input, key } = reading;
  const result = system.answer(operation, input, key);
  if (result === "missing") return reading.missing();
  if (result === "none") return reading.fail(501, `${operation.name}: the contract lets no valid answer be made.`);
  const unfit = unfitting(system.model, operation, result);
  return unfit === undefined ? reading.write(result) : reading.fail(501, `${operation.name}: ${unfit}.`);
}

/** The declared answer with this status. */
function wantedReply(system: FakeSystem, reading: Call, wanted: number): Reply {
  const { operation } = reading;
  const { binding } = operation;
  if (binding.protocol !== "rest") return reading.fail(wanted, "as it was asked for");
  const status = String(wanted);
  const fault = binding.faults.find((one) => one.status === status);
  if (fault !== undefined) {
    const result = system.fault(operation, fault.fault);
    if (result !== undefined) return reading.write(result);
  }
  const success = binding.success.find((one) => one.status === status);
  if (success?.mediaType === null) return { status: wanted, headers: {}, body: "" };
  if (success !== undefined) {
    const output = exampleOf(optionOf(operation, success.option), system.model.schemas, {
      seed: system.seed,
      side: "output",
      name: operation.name,
    });
    if (output !== undefined && unfitting(system.model, operation, { ok: true, output }) === undefined)
      return { ...reading.write({ ok: true, output }), status: wanted };
  }
  const declared = [...binding.success, ...binding.faults].map((one) => one.status).join(", ");
  const words = inWords([{ at: "", message: `it declares ${declared}` }], operation.name);
  return problemReply(400, "Bad Request", `There is no answer ${status} to make up: ${words}.`);
}

function optionOf({ output }: OperationModel, option: number | undefined): JsonSchema {
  if (option === undefined || typeof output === "boolean") return output;
  return (output.anyOf as readonly JsonSchema[] | undefined)?.[option] ?? output;
}
