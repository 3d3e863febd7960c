/**
 * A system: a contract plus a connection. `rest()`, `soap()`, `sql()` and `files()` make one; what they return has the
 * contract's operations, events and schemas as properties, all of them plain data.
 */
import { type Contract, type ContractTypes, schemasOf } from "../contract/contract.ts";
import type { ContractModel, OperationModel } from "../contract/model.ts";
import { operationValidators } from "../contract/validate.ts";
import type { Duration, Effect, EventType, Faults, Json, Operation, Probe, Reference, Schema } from "../operation.ts";
import { isDuration, milliseconds } from "../operation.ts";
import {
  type CircuitSettings,
  checkBudget,
  checkCircuit,
  checkRetry,
  type RetryBudget,
  type RetryPolicy,
} from "../retry.ts";
import { withKeyHeaders } from "./key-header.ts";

/** Where the definition of a system stands on the object that users hold. */
export const definition: unique symbol = Symbol.for("mortise.system");

/**
 * A path into an operation's input or output, or into an event: `"placeOrder.input.cardToken"`. `*` stands for any element or
 * property. The first name (and `input` or `output`) is checked when the system is made, so that a slip of the pen hides nothing less.
 */
export type SensitivePath = string;

type EffectSettings<I, O> = {
  readonly effect: Effect;
  readonly probe?: {
    readonly call: string;
    readonly with: (facts: { readonly key: string; readonly input: I }) => unknown;
    // The probe's output has the type of another operation: its author states it.
    // biome-ignore lint/suspicious/noExplicitAny: see above
    readonly found?: (output: any) => O | undefined;
    readonly settle?: Duration;
  };
  /**
   * Its declared faults that mean that what was asked about is not there: as a probe it says that a call did not happen, as an undo that there is
   * nothing to take back. Default: those of the statuses 404 and 410.
   */
  readonly notFound?: readonly string[];
  /** REST: the header in which the system takes the effect key, where its contract does not say so: `"Idempotency-Key"`. */
  readonly keyHeader?: string;
  /** How long the system honours a key. Default: as long as the run lives. */
  readonly keyLifetime?: Duration;
};

/** How an event of the system is recognised and whom it concerns. */
export interface EventSettings<T> {
  /** Correlation key of the event. Default: the contract's own. */
  readonly key?: (payload: T) => string;
  /** Unique id of a delivery, so that one delivered twice counts once. Default: the protocol's (`webhook-id`; SHA-256 of the file, and row). */
  readonly id?: (payload: T) => string;
}

/** Of a system whose settings say nothing. */
export const systemDefaults = Object.freeze({ timeout: "10s", concurrency: 16 });

export interface SystemSettings<T extends ContractTypes> {
  /** Base URL, database file or folder. */
  readonly connection: Reference | string;
  /** Total time of one attempt. Default `"10s"`. */
  readonly timeout?: Duration;
  /** Calls in flight at a time, over all threads of the server. Default 16. */
  readonly concurrency?: number;
  /**
   * How failed attempts of its operations are repeated, in the runs of every process. A step's own policy counts before it, the
   * process's after it.
   */
  readonly retry?: RetryPolicy;
  /** How much repeats may add to its load. What is over it waits longer; nothing parks for it. */
  readonly retryBudget?: RetryBudget;
  /** When it counts as away: then no call is made but one now and then that looks, and no attempt is burnt. `false`: never. */
  readonly circuit?: CircuitSettings | false;
  /** Largest decoded answer in bytes. Default 8 MiB. */
  readonly maxResponseBytes?: number;
  /** Allow private, loopback and link-local addresses. Default true: the systems of a company stand in its own network. */
  readonly internal?: boolean;
  /** Credentials; see the connector. */
  readonly credentials?: Credentials;
  /**
   * REST: addresses for operations whose contract names a server of their own, by that server's address in the contract. Nothing is
   * sent to such a server, credentials least of all, unless it is named here.
   */
  readonly servers?: { readonly [server: string]: Reference | string };
  readonly effects?: {
    readonly [N in keyof T["operations"]]?: EffectSettings<T["operations"][N]["input"], T["operations"][N]["output"]>;
  };
  readonly events?: { readonly [N in keyof T["events"]]?: EventSettings<T["events"][N]> };
  /** Fields that are masked everywhere: `"operation.input.path"`, `"operation.output.path"`, `"event.path"`. Default none. */
  readonly sensitive?: readonly SensitivePath[];
  /** Secret that signs the system's webhooks (Standard Webhooks 1.0.0). A system with webhook events and no secret does not start. */
  readonly webhookSecret?: Reference;
}

export type Credentials =
  | { readonly kind: "bearer"; readonly token: Reference }
  | { readonly kind: "basic"; readonly user: Reference | string; readonly password: Reference }
  | { readonly kind: "header"; readonly name: string; readonly value: Reference }
  /** An API key in the query or in a cookie. Addresses get into the logs of others: prefer a header where the system takes one. */
  | { readonly kind: "query" | "cookie"; readonly name: string; readonly value: Reference }
  /** OAuth 2 client credentials (RFC 6749, section 4.4): a token is fetched, kept as long as it lives, and renewed once where it is refused. */
  | {
      readonly kind: "oauth";
      /** `https:`, or `http:` inside one machine. */
      readonly tokenUrl: Reference | string;
      readonly client: Reference | string;
      readonly secret: Reference;
      readonly scopes?: readonly string[];
      /** How the client proves itself: header (RFC 6749, section 2.3.1) or body. Default `basic`. */
      readonly auth?: "basic" | "body";
    }
  /** WS-Security UsernameToken 1.1.1; `text` over TLS or inside one machine only. Default digest. */
  | {
      readonly kind: "username-token";
      readonly user: Reference | string;
      readonly password: Reference;
      readonly type?: "text" | "digest";
    };

/** What stands behind a system object. Plain data and the user's pure functions. */
export interface SystemDefinition {
  readonly name: string;
  readonly connector: "rest" | "soap" | "sql" | "files";
  readonly contract: ContractModel;
  readonly settings: SystemSettings<ContractTypes>;
}

/** Settings after the server resolved every reference: plain data that can be sent to a worker. */
export interface ResolvedSettings {
  readonly name: string;
  readonly connection: string;
  readonly timeoutMs: number;
  readonly concurrency: number;
  readonly retry?: RetryPolicy;
  readonly retryBudget?: RetryBudget;
  readonly circuit?: CircuitSettings | false;
  readonly maxResponseBytes: number;
  readonly internal: boolean;
  readonly credentials?: ResolvedCredentials;
  readonly servers?: { readonly [server: string]: string };
  readonly sensitive: readonly string[];
  readonly webhookSecret?: string;
}
export type ResolvedCredentials =
  | { readonly kind: "bearer"; readonly token: string }
  | { readonly kind: "basic"; readonly user: string; readonly password: string }
  | { readonly kind: "header" | "query" | "cookie"; readonly name: string; readonly value: string }
  | {
      readonly kind: "oauth";
      readonly tokenUrl: string;
      readonly client: string;
      readonly secret: string;
      readonly scopes: readonly string[];
      readonly auth: "basic" | "body";
    }
  | {
      readonly kind: "username-token";
      readonly user: string;
      readonly password: string;
      readonly type: "text" | "digest";
    };

/** The faults by their names; an index signature would let any name through. */
type FaultsIn<F> = F extends Faults ? F : Faults;

/** A system as the user holds it. */
export type System<T extends ContractTypes = ContractTypes> = {
  readonly [N in keyof T["operations"]]: Operation<
    T["operations"][N]["input"],
    T["operations"][N]["output"],
    FaultsIn<T["operations"][N]["faults"]>
  >;
} & { readonly [N in keyof T["events"]]: EventType<T["events"][N]> } & {
  readonly schemas: { readonly [N in keyof T["schemas"]]: Schema<T["schemas"][N]> };
  readonly [definition]: SystemDefinition;
};

/** A REST system (OpenAPI contract). */
export function rest<T extends ContractTypes>(contract: Contract<T>, settings: SystemSettings<T>): System<T> {
  return system("rest", contract, settings);
}

/** A SOAP system (WSDL contract). */
export function soap<T extends ContractTypes>(contract: Contract<T>, settings: SystemSettings<T>): System<T> {
  return system("soap", contract, settings);
}

/** A SQL system (named statements). */
export function sql<T extends ContractTypes>(contract: Contract<T>, settings: SystemSettings<T>): System<T> {
  return system("sql", contract, settings);
}

/** A folder into which files are dropped (CSV description); each row is an event. */
export function files<T extends ContractTypes>(contract: Contract<T>, settings: SystemSettings<T>): System<T> {
  return system("files", contract, settings);
}

/** The definition behind a system object, or `undefined` if it is none. */
export function definitionOf(value: unknown): SystemDefinition | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  return (value as { [definition]?: SystemDefinition })[definition];
}

const homes = new WeakMap<object, System>();

/** The system whose operation or event this very object is; `undefined` if it was made by hand. */
export function systemOf(member: object): System | undefined {
  return homes.get(member);
}

type EffectsByName = Readonly<Record<string, EffectSettings<never, unknown> | undefined>>;

/** What would otherwise show only when a call is made, a crash is probed or a field is masked. Throws a `TypeError` naming the setting. */
function checkSettings(model: ContractModel, settings: SystemSettings<ContractTypes>, effects: EffectsByName): void {
  const must = (fits: boolean, setting: string, form: string) => {
    if (!fits) throw new TypeError(`the system ${model.name}: ${setting} ${form}`);
  };
  const count = (value: number | undefined) => value === undefined || (Number.isSafeInteger(value) && value >= 1);
  const time = (value: Duration | undefined, setting: string) =>
    must(value === undefined || isDuration(value), setting, 'must be a duration, such as "10s"');
  time(settings.timeout, "timeout");
  must(count(settings.concurrency), "concurrency", "must be a whole number from 1");
  const of = (setting: string) => `the system ${model.name}: ${setting}`;
  checkRetry(settings.retry, of("retry"));
  checkBudget(settings.retryBudget, of("retryBudget"));
  checkCircuit(settings.circuit, of("circuit"));
  must(count(settings.maxResponseBytes), "maxResponseBytes", "must be a whole number from 1");
  for (const [name, own] of Object.entries(effects)) {
    must(Object.hasOwn(model.operations, name), `effects.${name}`, "names no operation of its contract");
    must(
      own?.effect === undefined || ["read", "idempotent", "unrepeatable"].includes(own.effect),
      `effects.${name}.effect`,
      `is "read", "idempotent" or "unrepeatable"`,
    );
    time(own?.keyLifetime, `effects.${name}.keyLifetime`);
    time(own?.probe?.settle, `effects.${name}.probe.settle`);
    for (const fault of own?.notFound ?? [])
      must(
        Object.hasOwn(model.operations[name]?.faults ?? {}, fault),
        `effects.${name}.notFound`,
        `names no declared fault: ${fault}`,
      );
    if (own?.probe === undefined) continue;
    const { call } = own.probe;
    const probing = Object.hasOwn(model.operations, call) ? model.operations[call] : undefined;
    const effect = Object.hasOwn(effects, call) ? effects[call]?.effect : probing?.effect;
    must(probing !== undefined, `effects.${name}.probe.call`, `names no operation of its contract: ${call}`);
    must(effect === "read", `effects.${name}.probe.call`, `must be a read, and ${call} is ${String(effect)}`);
  }
  for (const path of settings.sensitive ?? []) {
    const [first = "", side = ""] = path.split(".");
    const fits =
      first === "*" ||
      Object.hasOwn(model.events, first) ||
      (Object.hasOwn(model.operations, first) && (side === "input" || side === "output" || side === "*"));
    must(fits, "sensitive", `holds "${path}", which begins with no <operation>.input, <operation>.output or event`);
  }
}

/** Faults of an operation that mean that what was asked about is not there. */
function notFoundOf({ binding, name }: OperationModel, effects: EffectsByName): readonly string[] {
  const own = Object.hasOwn(effects, name) ? effects[name]?.notFound : undefined;
  if (own !== undefined) return own;
  const faults = binding?.protocol === "rest" ? binding.faults : [];
  return faults.filter(({ status }) => status === "404" || status === "410").map(({ fault }) => fault);
}

/** With what the contract knows: which faults mean that nothing is there, and what a find must look like. */
function probeOf(model: ContractModel, operation: OperationModel, probe: Probe, effects: EffectsByName): Probe {
  const called = model.operations[probe.call];
  return Object.freeze({
    ...probe,
    notFound: Object.freeze(called === undefined ? [] : notFoundOf(called, effects)),
    problems: (output: Json) => operationValidators(model, operation).output(output),
  });
}

function system<T extends ContractTypes>(
  connector: SystemDefinition["connector"],
  contract: Contract<T>,
  settings: SystemSettings<T>,
): System<T> {
  const effects: EffectsByName = settings.effects ?? {};
  checkSettings(contract.model, settings as SystemSettings<ContractTypes>, effects);
  const model = withKeyHeaders(contract.model, effects, settings.credentials);
  const members: Record<PropertyKey, unknown> = Object.create(null);
  for (const operation of Object.values(model.operations)) {
    const own = Object.hasOwn(effects, operation.name) ? effects[operation.name] : undefined;
    const lifetime = own?.keyLifetime === undefined ? operation.key?.lifetimeMs : milliseconds(own.keyLifetime);
    const notFound = notFoundOf(operation, effects);
    members[operation.name] = Object.freeze({
      kind: "operation",
      system: model.name,
      name: operation.name,
      effect: own?.effect ?? operation.effect,
      ...(lifetime === undefined ? {} : { keyLifetimeMs: lifetime }),
      ...(operation.key === undefined && (own?.effect ?? operation.effect) !== "read"
        ? { keyless: true as const }
        : {}),
      ...(notFound.length === 0 ? {} : { notFound: Object.freeze(notFound) }),
      ...(own?.probe === undefined ? {} : { probe: probeOf(model, operation, own.probe as Probe, effects) }),
    } satisfies Operation);
  }
  for (const event of Object.values(model.events)) {
    members[event.name] = Object.freeze({ kind: "event", system: model.name, name: event.name } satisfies EventType);
  }
  members.schemas = schemasOf(model);
  const frozenDefinition: SystemDefinition = Object.freeze({
    name: model.name,
    connector,
    contract: model,
    settings: settings as SystemSettings<ContractTypes>,
  });
  Object.defineProperty(members, definition, { value: frozenDefinition, enumerable: false });
  const made = Object.freeze(members) as unknown as System<T>;
  for (const member of [...Object.keys(model.operations), ...Object.keys(model.events)])
    homes.set(members[member] as object, made as System);
  return made;
}
