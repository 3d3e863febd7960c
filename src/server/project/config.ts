/**
 * The project's configuration: `mortise.config.ts`. Typed plain data; every option has a default. This file holds the one
 * declaration that the types, the check at load and docs/reference/configuration.md agree on (a test compares them).
 */
import { failure } from "../../errors.ts";
import { type Duration, isDuration, milliseconds, type Problem, type Reference } from "../../operation.ts";
import { isReference, type Option, readOptions } from "./config-read.ts";

/** Where the published APIs and the webhooks listen. */
export interface ApiListener {
  /** Address to listen on. `0.0.0.0` opens the port to the network: set `certificate`, or put TLS in front of it. */
  readonly host?: string | Reference;
  /** TCP port; 0 takes a free one. */
  readonly port?: number | Reference;
  /** PEM file of the certificate for TLS 1.2 and 1.3, with those that lead to its authority; relative to the project. Read again when it changes. Without it the port speaks clear HTTP. */
  readonly certificate?: string | Reference;
  /** PEM file of the private key of `certificate`. Only its owner may be able to read it. */
  readonly key?: string | Reference;
  /** Addresses of proxies, with commas between, whose `Client-Cert` field is believed (RFC 9440). From all others it is taken away unread. */
  readonly certificateProxies?: string | Reference;
}

/** Where the admin API listens. */
export interface AdminListener {
  /** A loopback address: the admin API has no TLS of its own and refuses any other. */
  readonly host?: "127.0.0.1" | "::1" | "localhost" | Reference;
  /** TCP port; 0 takes a free one. */
  readonly port?: number | Reference;
}

/** What is written to the log: JSON lines on standard output. */
export interface LogOptions {
  /** Least severe level that is written. */
  readonly level?: "trace" | "debug" | "info" | "warn" | "error" | "silent" | Reference;
}

/** What one request and one value may take, and how much is taken in all. */
export interface LimitOptions {
  /** Largest request body in bytes, at the APIs and at the webhooks. */
  readonly bodyBytes?: number | Reference;
  /** Time for a request to arrive whole, and for its answer to be read. */
  readonly requestTimeout?: Duration | Reference;
  /** Time for the head of a request to arrive, of a TLS handshake too. Never longer than `requestTimeout`. */
  readonly headersTimeout?: Duration | Reference;
  /** How long a connection without a request is kept open. */
  readonly keepAlive?: Duration | Reference;
  /**
   * Connections at a time; one more is closed at once. On Linux at most half of the files that the process may open (`ulimit -n`), so that workers, systems and the store have the rest; a start says so.
   */
  readonly connections?: number | Reference;
  /** Connections from one address (IPv6: one /64 network). Raise it behind a proxy: all callers then have the proxy's address. */
  readonly connectionsPerAddress?: number | Reference;
  /** Streams of events that may be open at a time, of all callers. Above it 503. */
  readonly streams?: number | Reference;
  /** Streams of events of one consumer; of public operations: of one address. Above it 429. */
  readonly streamsPerConsumer?: number | Reference;
  /** Largest value that a run takes (input, output, result of a step, payload of an event, answer of a task), in bytes of its JSON text. */
  readonly valueBytes?: number | Reference;
  /** Levels of lists and objects inside each other that such a value may have. */
  readonly valueDepth?: number | Reference;
  /** Bytes that the whole history of one run may have. A run that has reached it parks as `history-full`: it should go on with `flow.continueAs`. */
  readonly historyBytes?: number | Reference;
  /** Runs that may be open (accepted and not ended), of all processes together. Above it starts are refused with 503. */
  readonly openRuns?: number | Reference;
  /** Free space in MiB that is kept on the store's disk. Below it starts are refused with 503, and runs under way go on. */
  readonly diskReserveMiB?: number | Reference;
}

/** Idempotency keys of the published APIs. */
export interface IdempotencyOptions {
  /** How long a key is remembered, and its answer repeated. */
  readonly retention?: Duration | Reference;
}

/** Versions of the published APIs. */
export interface LifecycleOptions {
  /** Least time between the deprecation of a version and its sunset. */
  readonly minimumNotice?: Duration | Reference;
  /** Who called a version within this time counts as using it: it is not retired then, unless by a decision that names them. */
  readonly window?: Duration | Reference;
  /** How long it is kept who called what on which day. */
  readonly usage?: Duration | Reference;
}

/** What is kept of runs that have ended. */
export interface HistoryOptions {
  /** Histories of ended runs that are kept of one process; beyond so many the oldest go. */
  readonly atMost?: number | Reference;
  /** How long the history of an ended run is kept. */
  readonly retention?: Duration | Reference;
  /** How long its business key is kept: a start with the same key is answered with that run until then. */
  readonly keys?: Duration | Reference;
}

/** Encryption of what the store holds. */
export interface EncryptionOptions {
  /** 32 random bytes in base64, as a `secret()`. Several with commas between: the first encrypts, the others decrypt what they encrypted before. */
  readonly key?: Reference;
}

/** How Mortise stops. */
export interface ShutdownOptions {
  /** Time for requests and attempts under way to end; what is open then resumes at the next start. */
  readonly grace?: Duration | Reference;
}

/** Threads besides the server's own: those that run the project's code, one for each code version with open runs, and one for reads. */
export interface WorkerOptions {
  /** Heap of one worker in MiB; a worker that needs more is restarted, and its runs resume. */
  readonly memoryMiB?: number | Reference;
  /** How long code may block its thread before the worker is ended and started again; its runs resume. */
  readonly blockedAfter?: Duration | Reference;
  /** `"auto"`: reads that APIs make of systems get a thread of their own while the server is busy, where there is a second processor. `"always"`: they have it from the first one on. `"never"`: they stay with the server's own. */
  readonly reads?: "auto" | "always" | "never" | Reference;
}

/** Whether systems still have the contracts that are pinned. */
export interface WatchConfig {
  /** How often each system's live contract is compared with its pin. `"0s"`: never. */
  readonly every?: Duration | Reference;
}

/** Everything that `mortise.config.ts` can say. Each value may also be `env("NAME")`; it is read at start. */
export interface ConfigOptions {
  /** Where the published APIs and the webhooks listen. */
  readonly api?: ApiListener;
  /** Where the admin API listens. */
  readonly admin?: AdminListener;
  /** Folder of the database and the code versions, relative to the project. On a local disk: not on a network share. */
  readonly store?: string | Reference;
  /** Folder of the secret files, relative to the project. Only their owner may be able to read them. */
  readonly secrets?: string | Reference;
  /**
   * Which code version new runs start on after a start of the server. `folder`: that of the project's files, if it is new to the
   * store or nobody decided otherwise. `promoted`: the one promoted last; the files are taken by `mortise deploy` alone.
   */
  readonly versions?: "folder" | "promoted" | Reference;
  /** What is written to the log. */
  readonly log?: LogOptions;
  /** What one request and one value may take, and how much is taken in all. */
  readonly limits?: LimitOptions;
  /** Idempotency keys of the published APIs. */
  readonly idempotency?: IdempotencyOptions;
  /** Versions of the published APIs. */
  readonly lifecycle?: LifecycleOptions;
  /** What is kept of runs that have ended. */
  readonly history?: HistoryOptions;
  /** Encryption of what the store holds. */
  readonly encryption?: EncryptionOptions;
  /** How Mortise stops. */
  readonly shutdown?: ShutdownOptions;
  /** Threads that run the project's code. */
  readonly workers?: WorkerOptions;
  /** Whether systems still have the contracts that are pinned. */
  readonly watch?: WatchConfig;
}

/** What `defineConfig` gives. References are still references. */
export interface ConfigDefinition {
  readonly kind: "config";
  readonly options: ConfigOptions;
}

/** The configuration with defaults filled in and references resolved. Durations are in milliseconds. */
export interface Config {
  readonly api: {
    readonly host: string;
    readonly port: number;
    readonly certificate: string;
    readonly key: string;
    readonly certificateProxies: string;
  };
  readonly admin: { readonly host: string; readonly port: number };
  readonly store: string;
  readonly secrets: string;
  readonly versions: "folder" | "promoted";
  readonly log: { readonly level: "trace" | "debug" | "info" | "warn" | "error" | "silent" };
  readonly limits: {
    readonly bodyBytes: number;
    readonly requestTimeout: number;
    readonly headersTimeout: number;
    readonly keepAlive: number;
    readonly connections: number;
    readonly connectionsPerAddress: number;
    readonly streams: number;
    readonly streamsPerConsumer: number;
    readonly valueBytes: number;
    readonly valueDepth: number;
    readonly historyBytes: number;
    readonly openRuns: number;
    readonly diskReserveMiB: number;
  };
  readonly idempotency: { readonly retention: number };
  readonly lifecycle: { readonly minimumNotice: number; readonly window: number; readonly usage: number };
  readonly history: { readonly atMost: number; readonly retention: number; readonly keys: number };
  readonly encryption: { readonly key: Reference | undefined };
  readonly shutdown: { readonly grace: number };
  readonly workers: {
    readonly memoryMiB: number;
    readonly blockedAfter: number;
    readonly reads: "auto" | "always" | "never";
  };
  readonly watch: { readonly every: number };
}

type Declared<T> = {
  readonly [K in keyof T]: T[K] extends string | number | Reference | undefined ? Option : Declared<T[K]>;
};

/** The declaration: kind, default and bounds of each option, by its place. */
export const configOptions = {
  api: {
    host: { is: "text", default: "127.0.0.1" },
    port: { is: "integer", default: 8080, least: 0, most: 65535 },
    certificate: { is: "text", default: "" },
    key: { is: "text", default: "" },
    certificateProxies: { is: "text", default: "" },
  },
  admin: {
    host: { is: "text", default: "127.0.0.1", allowed: ["127.0.0.1", "::1", "localhost"] },
    port: { is: "integer", default: 8081, least: 0, most: 65535 },
  },
  store: { is: "text", default: ".mortise" },
  secrets: { is: "text", default: "secrets" },
  versions: { is: "text", default: "folder", allowed: ["folder", "promoted"] },
  log: {
    level: { is: "text", default: "info", allowed: ["trace", "debug", "info", "warn", "error", "silent"] },
  },
  limits: {
    bodyBytes: { is: "integer", default: 1_048_576, least: 1024, most: 67_108_864 },
    requestTimeout: { is: "duration", default: "30s", least: "1s", most: "10m" },
    headersTimeout: { is: "duration", default: "10s", least: "100ms", most: "10m" },
    keepAlive: { is: "duration", default: "5s", least: "100ms", most: "10m" },
    connections: { is: "integer", default: 5000, least: 1, most: 1_000_000 },
    connectionsPerAddress: { is: "integer", default: 100, least: 1, most: 5000 },
    streams: { is: "integer", default: 1000, least: 0, most: 5000 },
    streamsPerConsumer: { is: "integer", default: 20, least: 1, most: 5000 },
    valueBytes: { is: "integer", default: 8_388_608, least: 1024, most: 67_108_864 },
    valueDepth: { is: "integer", default: 200, least: 8, most: 1000 },
    historyBytes: { is: "integer", default: 67_108_864, least: 65_536, most: 1_073_741_824 },
    openRuns: { is: "integer", default: 1_000_000, least: 1, most: 100_000_000 },
    diskReserveMiB: { is: "integer", default: 64, least: 1, most: 1_048_576 },
  },
  idempotency: { retention: { is: "duration", default: "24h", least: "1m", most: "90d" } },
  lifecycle: {
    minimumNotice: { is: "duration", default: "90d", least: "0s", most: "3650d" },
    window: { is: "duration", default: "30d", least: "1d", most: "400d" },
    usage: { is: "duration", default: "400d", least: "1d", most: "3650d" },
  },
  history: {
    atMost: { is: "integer", default: 1_000_000, least: 0, most: 1_000_000_000 },
    retention: { is: "duration", default: "90d", least: "1m", most: "3650d" },
    keys: { is: "duration", default: "400d", least: "1m", most: "3650d" },
  },
  encryption: { key: { is: "secret" } },
  shutdown: { grace: { is: "duration", default: "20s", least: "0s", most: "10m" } },
  workers: {
    memoryMiB: { is: "integer", default: 512, least: 64, most: 65_536 },
    blockedAfter: { is: "duration", default: "60s", least: "1s", most: "1h" },
    reads: { is: "text", default: "auto", allowed: ["auto", "always", "never"] },
  },
  watch: { every: { is: "duration", default: "24h", least: "0s", most: "365d" } },
} as const satisfies Declared<Config>;

/** What to write in `mortise.config.ts`: `export default defineConfig({ api: { port: 8080 } })`. Everything may be left out. */
export function defineConfig(options: ConfigOptions = {}): ConfigDefinition {
  return Object.freeze({ kind: "config", options });
}

/** Whether a value is what `defineConfig` gives. */
export function isConfig(value: unknown): value is ConfigDefinition {
  return typeof value === "object" && value !== null && (value as { kind?: unknown }).kind === "config";
}

/**
 * Problems of a configuration, each at its JSON Pointer; `[]` means valid. Without `environment`, references count as
 * valid, so that a project can be checked where its environment is not set.
 */
export function configProblems(
  definition: ConfigDefinition,
  environment?: Readonly<Record<string, string | undefined>>,
): readonly Problem[] {
  const problems: Problem[] = [];
  readOptions(configOptions, definition.options, "", environment, problems);
  return problems;
}

/** Fills in defaults and resolves references. Throws `config-invalid` naming every problem. */
export function resolveConfig(
  definition: ConfigDefinition,
  environment: Readonly<Record<string, string | undefined>>,
): Config {
  const problems: Problem[] = [];
  const config = readOptions(configOptions, definition.options, "", environment, problems);
  if (problems.length > 0) {
    const list = problems.map((problem) => `${dotted(problem.at)} ${problem.message}`).join("; ");
    throw failure("config-invalid", { problems: list }, { details: problems });
  }
  return config as Config;
}

/** `lifecycle.minimumNotice` in milliseconds, for a check where the environment may be unset: a reference to it counts as the default. */
export function minimumNoticeOf(
  { options }: ConfigDefinition,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): number {
  const given = options.lifecycle?.minimumNotice;
  const value = isReference(given) && given.kind === "env" ? (environment[given.name] ?? given.fallback) : given;
  return milliseconds(isDuration(value) ? value : configOptions.lifecycle.minimumNotice.default);
}

/** `/api/port` as a user writes it: `api.port`. */
export function dotted(at: string): string {
  return at === "" ? "the configuration" : at.slice(1).replaceAll("/", ".");
}
