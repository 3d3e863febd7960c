/**
 * Binds the systems of a project to live clients: what the engine and the publishing side call. One binding per thread.
 *
 * A client is opened by the first call, with the connector's module, so a thread loads only the protocols that it speaks.
 * Around every attempt: a permit (concurrency over all threads), the system's own timeout from then on, and the rule that whatever a connector
 * throws by mistake has an unknown outcome.
 */
import { isDeepStrictEqual } from "node:util";
import type { ContractModel, OperationModel } from "../contract/model.ts";
import { asMortiseError, failure, MortiseError } from "../errors.ts";
import type { CallContext, Caller, Json, Passage, PassCaller, PassResult, Teller, Told } from "../operation.ts";
import type { SystemPermits } from "../outbound/permits.ts";
import type { Client, Connector, ConnectorEnvironment, Health } from "./connector.ts";
import type { ResolvedSettings, SystemDefinition } from "./system.ts";

export interface Binding {
  readonly definitions: readonly SystemDefinition[];
  /** By the system's name. A system without settings refuses its calls (`system-unbound`). */
  readonly settings: ReadonlyMap<string, ResolvedSettings>;
  /** `openPermits(...)` of this thread. Default: no limit. */
  readonly permits?: ReadonlyMap<string, SystemPermits>;
}

export interface BindOptions extends Binding {
  readonly environment: ConnectorEnvironment;
  /** Connectors besides, or instead of, the built-in ones: by `definition.connector`. */
  readonly connectors?: ReadonlyMap<string, Connector>;
}

export interface BoundSystems {
  readonly caller: Caller;
  /** Calls whose output is passed on. */
  readonly teller: Teller;
  /** Calls whose bodies pass unread. A permit is held until the answer was read. */
  readonly passer: PassCaller;
  /** A cheap sign of life of one system. Never rejects. */
  health(name: string, signal: AbortSignal): Promise<Health>;
  /**
   * Other settings, systems or permits, for the calls that begin from now on. Calls under way end on the client that they began with, which is closed
   * after them; a system that stays as it is keeps its client. Systems that are not named any more refuse their calls.
   */
  rebind(next: Binding): void;
  /** Closes the clients. Calls under way end by their own deadlines. */
  close(): Promise<void>;
}

const builtIn: Readonly<Record<string, () => Promise<Connector>>> = {
  rest: async () => (await import("./rest.ts")).restConnector,
  soap: async () => (await import("./soap.ts")).soapConnector,
  sql: async () => (await import("./sql.ts")).sqlConnector,
};

type Target = { readonly system: string; readonly name: string };

interface Bound {
  readonly contract: ContractModel;
  readonly connector: string;
  readonly timeoutMs: number;
  readonly settings: ResolvedSettings;
  readonly permits: SystemPermits | undefined;
  client: Client | undefined;
  opening: Promise<Client> | undefined;
  /** Calls under way. */
  calls: number;
  /** Another one has taken its place. */
  retired: boolean;
}

export function bindSystems(options: BindOptions): BoundSystems {
  const { environment, connectors } = options;
  let systems = bind(options, new Map());
  /** Those that were replaced, while calls are under way on them. */
  const leaving = new Set<Bound>();
  let closed = false;

  /** What is the same in `before` stays. */
  function bind(next: Binding, before: ReadonlyMap<string, Bound>): Map<string, Bound> {
    const bound = new Map<string, Bound>();
    for (const { name, contract, connector } of next.definitions) {
      const settings = next.settings.get(name);
      if (settings === undefined) continue;
      const permits = next.permits?.get(name);
      const known = before.get(name);
      const stays =
        known?.contract === contract &&
        known.connector === connector &&
        known.permits === permits &&
        isDeepStrictEqual(known.settings, settings);
      const { timeoutMs } = settings;
      const fresh = { client: undefined, opening: undefined, calls: 0, retired: false };
      bound.set(name, stays ? known : { contract, connector, timeoutMs, settings, permits, ...fresh });
    }
    return bound;
  }

  /** Closes the client of one that was replaced, once nothing is under way on it. */
  function letGo(system: Bound): void {
    const { client } = system;
    if (!system.retired || system.calls > 0) return;
    leaving.delete(system);
    if (client === undefined) return;
    system.client = undefined;
    // What can't be closed properly ends with its own deadlines.
    client.close().catch(() => {});
  }

  function open(system: Bound): Promise<Client> {
    system.opening ??= load(system).catch((error: unknown) => {
      system.opening = undefined;
      throw error;
    });
    return system.opening;
  }

  async function load(system: Bound): Promise<Client> {
    const own = connectors?.get(system.connector);
    const known = Object.hasOwn(builtIn, system.connector) ? builtIn[system.connector] : undefined;
    if (own === undefined && known === undefined)
      throw failure("system-unbound", {
        system: system.contract.name,
        reason: `a "${system.connector}" system takes no calls`,
      });
    const connector = own ?? (await known!());
    const client = connector.open(system.contract, system.settings, environment);
    if (closed) await client.close();
    else system.client = client;
    letGo(system);
    return client;
  }

  /** Opening sends nothing, whatever goes wrong in it. */
  async function openToCall(system: Bound): Promise<Client> {
    try {
      return await open(system);
    } catch (error) {
      if (error instanceof MortiseError) throw error;
      throw failure("internal", { reason: error instanceof Error ? error.message : String(error) }, { cause: error });
    }
  }

  async function attempt<R>(
    system: Bound,
    context: CallContext,
    call: (client: Client, context: CallContext) => Promise<R>,
  ): Promise<R> {
    const { permits, timeoutMs } = system;
    const now = Date.now();
    let bounded = within(context, now + timeoutMs);
    let permit: number | undefined;
    system.calls += 1;
    try {
      const client = system.client ?? (await openToCall(system));
      // Half of the time is the call's: one that is sent at the last moment fails by our fault, and would speak against the system.
      const given = permits?.acquire(
        Math.min(bounded.deadline, context.deadline - (bounded.deadline - now) / 2),
        context.signal,
      );
      if (typeof given === "object") {
        permit = await given;
        // The time of waiting here is not the system's.
        bounded = within(context, Date.now() + timeoutMs);
      } else permit = given;
      return await call(client, bounded);
    } catch (error) {
      // What a connector throws by mistake may have happened after it sent something.
      throw asMortiseError(error);
    } finally {
      if (permit !== undefined) permits?.release(permit);
      system.calls -= 1;
      letGo(system);
    }
  }

  /** Why an operation can't be called. */
  function refusal({ system, name }: Target): MortiseError {
    if (closed) return failure("outbound-closed", { host: system });
    if (!systems.has(system))
      return failure("system-unbound", { system, reason: "it is not among the systems of this server" });
    return failure("system-unbound", { system, reason: `its contract has no operation "${name}"` });
  }

  async function pass(operation: Target, input: Json, context: CallContext, passage: Passage): Promise<PassResult> {
    const system = systems.get(operation.system);
    const model = modelOf(system, operation.name);
    if (closed || system === undefined || model === undefined) throw refusal(operation);
    const { timeoutMs, permits, contract } = system;
    let permit: number | undefined;
    let over = false;
    const end = () => {
      if (over) return;
      over = true;
      if (permit !== undefined) permits?.release(permit);
      system.calls -= 1;
      letGo(system);
    };
    system.calls += 1;
    try {
      const client = system.client ?? (await openToCall(system));
      if (client.pass === undefined)
        throw failure("system-unbound", { system: contract.name, reason: "its connector lets nothing through unread" });
      // Its own time is that until the head of the answer.
      const given = permits?.acquire(Math.min(context.deadline, Date.now() + timeoutMs), context.signal);
      permit = typeof given === "object" ? await given : given;
      const result = await client.pass(model, input, context, passage);
      if (result.kind === "read" || result.body.closed) end();
      else result.body.once("close", end);
      return result;
    } catch (error) {
      end();
      throw asMortiseError(error);
    }
  }

  return Object.freeze({
    caller(operation: Target, input: Json, context: CallContext) {
      const system = systems.get(operation.system);
      const model = modelOf(system, operation.name);
      if (closed || system === undefined || model === undefined) return Promise.reject(refusal(operation));
      return attempt(system, context, (client, bounded) => client.call(model, input, bounded));
    },
    teller(operation: Target, input: Json, context: CallContext) {
      const system = systems.get(operation.system);
      const model = modelOf(system, operation.name);
      if (closed || system === undefined || model === undefined) return Promise.reject(refusal(operation));
      return attempt<Told>(system, context, (client, bounded) =>
        client.tell === undefined ? client.call(model, input, bounded) : client.tell(model, input, bounded),
      );
    },
    passer: pass,
    async health(name: string, signal: AbortSignal): Promise<Health> {
      const system = systems.get(name);
      if (system === undefined) return { healthy: false, reason: "the system is not bound" };
      system.calls += 1;
      try {
        return await (system.client ?? (await open(system))).health(signal);
      } catch (error) {
        return { healthy: false, reason: asMortiseError(error).message };
      } finally {
        system.calls -= 1;
        letGo(system);
      }
    },
    rebind(next: Binding) {
      const before = systems;
      systems = bind(next, before);
      for (const [name, system] of before) {
        if (systems.get(name) === system) continue;
        system.retired = true;
        leaving.add(system);
        letGo(system);
      }
    },
    async close(): Promise<void> {
      closed = true;
      const clients = [...systems.values(), ...leaving]
        .map((system) => system.client)
        .filter((client) => client !== undefined);
      await Promise.all(clients.map((client) => client.close()));
    },
  });
}

/** The same call, with the system's own deadline if that is the earlier one. */
function within(context: CallContext, deadline: number): CallContext {
  if (deadline >= context.deadline) return context;
  const { key, attempt, signal, run } = context;
  return { key, attempt, deadline, signal, run };
}

function modelOf(system: Bound | undefined, name: string): OperationModel | undefined {
  if (system === undefined) return undefined;
  const { operations } = system.contract;
  return Object.hasOwn(operations, name) ? operations[name] : undefined;
}
