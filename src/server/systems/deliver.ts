/**
 * One event from outside, whatever brought it (webhook, file, operator): checked against the contract, then it starts the processes
 * that say `on` of it, else it is a signal for the run that waits for it, or will. On disk when this resolves (P1).
 */
import { channel } from "node:diagnostics_channel";
import type { SystemDefinition } from "../../connectors/system.ts";
import type { EventModel } from "../../contract/model.ts";
import { compileSchema, modelValidator } from "../../contract/validate.ts";
import { asMortiseError, failure, plainName } from "../../errors.ts";
import type { TriggerFact } from "../../observe/facts.ts";
import { inWords, type Json, longestKey, type Problem, pointerNames, type Validate } from "../../operation.ts";
import type { AnyProcess } from "../../process/define.ts";
import type { Engine, SignalAnswer } from "../../process/engine.ts";
import type { Project } from "../project/project.ts";

export interface IncomingEvent {
  readonly system: string;
  readonly event: string;
  readonly payload: Json;
  /** Unique id of the delivery by its protocol; the event's own `id` function comes first. */
  readonly delivery: string;
  /** Correlation key; default: by the event's `key` function, else by the contract. */
  readonly key?: string;
  /** `webhook:payments`. */
  readonly origin: string;
}

export interface Delivered {
  readonly result: "started" | "exists" | SignalAnswer;
  /** Of a start. */
  readonly run?: string;
}

/** Rejects with `event-unknown`, `event-payload`, or what the engine refuses; then nothing was recorded. */
export type Deliver = (event: IncomingEvent) => Promise<Delivered>;

const facts = channel("mortise:server:trigger");

interface Target {
  readonly validate: Validate;
  /** Throws `event-payload`. */
  readonly keyOf: (payload: Json) => string;
  readonly idOf: ((payload: Json) => string) | undefined;
  readonly starts: readonly { readonly process: AnyProcess; readonly validate: Validate }[];
}

export function createDeliver(
  project: Pick<Project, "systems" | "processes">,
  engine: Pick<Engine, "start" | "signal">,
  /** The code version that these processes are of. */
  version?: string,
): Deliver {
  const targets = new Map<string, Target>();
  for (const system of project.systems.values()) {
    for (const event of Object.values(system.contract.events)) {
      const starts = [...project.processes.values()]
        .filter(({ on }) => on?.system === system.name && on.name === event.name)
        .map((process) => ({ process, validate: compileSchema(process.input) }));
      targets.set(`${system.name} ${event.name}`, targetOf(system, event, starts));
    }
  }

  async function deliver({ system, event, payload, delivery, key, origin }: IncomingEvent): Promise<Delivered> {
    const target = targets.get(`${system} ${event}`);
    if (target === undefined) throw failure("event-unknown", { system: plainName(system), event: plainName(event) });
    refuse(system, event, target.validate(payload));
    if (target.starts.length === 0) {
      const correlation = key ?? target.keyOf(payload);
      const id = target.idOf === undefined ? delivery : ownText(system, event, "id", target.idOf, payload);
      return { result: await engine.signal({ system, event, key: correlation, payload, delivery: id }) };
    }
    // All of them first: one that can't be started must not come to light when others have been.
    const keys = target.starts.map(({ process, validate }) => {
      refuse(system, event, validate(payload));
      return { process, business: ownText(system, event, "key", process.key, payload) };
    });
    let answer: Delivered | undefined;
    for (const { process, business } of keys) {
      const started = await engine.start({
        process: process.name,
        key: business,
        input: payload,
        origin,
        ...(version === undefined ? {} : { version }),
      });
      if (started.kind === "refused") throw failure("internal", { reason: `the start was refused by ${started.by}` });
      answer ??= { result: started.kind, run: started.run };
    }
    return answer as Delivered;
  }

  return async (event) => {
    const tell = (result: TriggerFact["result"], code?: string) =>
      facts.publish({ system: event.system, event: event.event, result, ...(code === undefined ? {} : { code }) });
    try {
      const delivered = await deliver(event);
      tell(delivered.result);
      return delivered;
    } catch (error) {
      tell("refused", asMortiseError(error).code);
      throw error;
    }
  };
}

function targetOf(system: SystemDefinition, event: EventModel, starts: Target["starts"]): Target {
  const own = (
    system.settings.events as
      | Readonly<Record<string, { key?: (payload: never) => string; id?: (payload: never) => string }>>
      | undefined
  )?.[event.name];
  const { correlation } = event;
  return {
    validate: modelValidator(system.contract, event.payload),
    keyOf(payload) {
      if (own?.key !== undefined) return ownText(system.name, event.name, "key", own.key, payload);
      if (correlation !== undefined) {
        return ownText(system.name, event.name, "key", () => pointed(payload, correlation), payload);
      }
      const message = "has no correlation key: state one in the system, events.<name>.key";
      throw payloadFailure(system.name, event.name, [{ at: "", message }]);
    },
    idOf: own?.id as Target["idOf"],
    starts,
  };
}

/** What a function of the project says about the payload; it must be text, and neither empty nor long. */
function ownText(
  system: string,
  event: string,
  what: "key" | "id",
  of: (payload: never) => unknown,
  payload: Json,
): string {
  let value: unknown;
  try {
    value = of(payload as never);
  } catch {
    throw payloadFailure(system, event, [{ at: "", message: `its ${what} function threw` }]);
  }
  const text = typeof value === "number" ? String(value) : value;
  if (typeof text === "string" && text !== "" && text.length <= longestKey) return text;
  throw payloadFailure(system, event, [
    { at: "", message: `its ${what} must be text of 1 to ${longestKey} characters` },
  ]);
}

/** The value at a JSON Pointer (RFC 6901). */
function pointed(value: Json, pointer: string): unknown {
  let at: unknown = value;
  for (const name of pointerNames(pointer)) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, name)) return undefined;
    at = (at as Readonly<Record<string, unknown>>)[name];
  }
  return at;
}

function refuse(system: string, event: string, problems: readonly Problem[]): void {
  if (problems.length > 0) throw payloadFailure(system, event, problems);
}

function payloadFailure(system: string, event: string, problems: readonly Problem[]): Error {
  const shown = problems.slice(0, 20);
  return failure("event-payload", { system, event, problems: inWords(shown) }, { details: shown });
}
