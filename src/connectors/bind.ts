/**
 * Binds the systems of a project to live clients: what the engine and the publishing side call. One binding per thread.
 *
 * A client is opened by the first call, with the connector's module, so a thread loads only the protocols that it speaks.
 * Around every attempt: the system's own timeout, a permit (concurrency over all threads), and the rule that whatever a connector
 * throws by mistake has an unknown outcome.
 */
import type { ContractModel, OperationModel } from "../contract/model.ts";
import { asMortiseError, failure, MortiseError } from "../errors.ts";
import type { CallContext, Caller, CallResult, Json } from "../operation.ts";
import type { SystemPermits } from "../outbound/permits.ts";
import type { Client, Connector, ConnectorEnvironment, Health } from "./connector.ts";
import type { ResolvedSettings, SystemDefinition } from "./system.ts";

export interface BindOptions {
  readonly definitions: readonly SystemDefinition[];
  /** By the system's name. A system without settings refuses its calls (`system-unbound`). */
  readonly settings: ReadonlyMap<string, ResolvedSettings>;
  readonly environment: ConnectorEnvironment;
  /** `openPermits(...)` of this thread. Default: no limit. */
  readonly permits?: ReadonlyMap<string, SystemPermits>;
  /** Connectors besides, or instead of, the built-in ones: by `definition.connector`. */
  readonly connectors?: ReadonlyMap<string, Connector>;
}

export interface BoundSystems {
  readonly caller: Caller;
  /** A cheap sign of life of one system. Never rejects. */
  health(name: string, signal: AbortSignal): Promise<Health>;
  /** Closes the clients. Calls under way end by their own deadlines. */
  close(): Promise<void>;
}

const builtIn: Readonly<Record<string, () => Promise<Connector>>> = {
  rest: async () => (await import("./rest.ts")).restConnector,
  soap: async () => (await import("./soap.ts")).soapConnector,
  sql: async () => (await import("./sql.ts")).sqlConnector,
};

interface Bound {
  readonly contract: ContractModel;
  readonly connector: string;
  readonly timeoutMs: number;
  readonly settings: ResolvedSettings;
  readonly permits: SystemPermits | undefined;
  client: Client | undefined;
  opening: Promise<Client> | undefined;
}

export function bindSystems(options: BindOptions): BoundSystems {
  const { environment, connectors } = options;
  const systems = new Map<string, Bound>();
  for (const { name, contract, connector } of options.definitions) {
    const settings = options.settings.get(name);
    if (settings === undefined) continue;
    const permits = options.permits?.get(name);
    const { timeoutMs } = settings;
    systems.set(name, { contract, connector, timeoutMs, settings, permits, client: undefined, opening: undefined });
  }
  let closed = false;

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

  async function attempt(system: Bound, model: OperationModel, input: Json, context: CallContext): Promise<CallResult> {
    const own = Date.now() + system.timeoutMs;
    const { key, attempt: number, signal, run } = context;
    const bounded = own < context.deadline ? { key, attempt: number, deadline: own, signal, run } : context;
    const client = system.client ?? (await openToCall(system));
    const { permits } = system;
    if (permits === undefined) return called(client, model, input, bounded);
    const given = permits.acquire(bounded.deadline, context.signal);
    const permit = typeof given === "number" ? given : await given;
    try {
      return await called(client, model, input, bounded);
    } finally {
      permits.release(permit);
    }
  }

  return Object.freeze({
    caller(operation: { readonly system: string; readonly name: string }, input: Json, context: CallContext) {
      const system = systems.get(operation.system);
      if (closed) return Promise.reject(failure("outbound-closed", { host: operation.system }));
      if (system === undefined)
        return Promise.reject(
          failure("system-unbound", { system: operation.system, reason: "it is not among the systems of this server" }),
        );
      const { operations } = system.contract;
      const model = Object.hasOwn(operations, operation.name) ? operations[operation.name] : undefined;
      if (model === undefined)
        return Promise.reject(
          failure("system-unbound", {
            system: operation.system,
            reason: `its contract has no operation "${operation.name}"`,
          }),
        );
      return attempt(system, model, input, context);
    },
    async health(name: string, signal: AbortSignal): Promise<Health> {
      const system = systems.get(name);
      if (system === undefined) return { healthy: false, reason: "the system is not bound" };
      try {
        return await (system.client ?? (await open(system))).health(signal);
      } catch (error) {
        return { healthy: false, reason: asMortiseError(error).message };
      }
    },
    async close(): Promise<void> {
      closed = true;
      const clients = [...systems.values()].map((system) => system.client).filter((client) => client !== undefined);
      await Promise.all(clients.map((client) => client.close()));
    },
  });
}

/** What a connector throws by mistake may have happened after it sent something. */
async function called(client: Client, model: OperationModel, input: Json, context: CallContext): Promise<CallResult> {
  try {
    return await client.call(model, input, context);
  } catch (error) {
    throw asMortiseError(error);
  }
}
