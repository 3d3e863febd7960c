/**
 * Resolves references: `env()` from the environment, `secret()` from a file in the secrets folder, else from the store, else from the
 * environment. Only the server does this: at its start, at a reload, and while it runs, since secrets change. What is missing is
 * collected, so that one start names all of it.
 */
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import {
  type ResolvedCredentials,
  type ResolvedSettings,
  type SystemDefinition,
  systemDefaults,
} from "../../connectors/system.ts";
import { failure } from "../../errors.ts";
import { createRedactor, type Redactor } from "../../observe/redact.ts";
import { milliseconds, type Reference } from "../../operation.ts";
import { outboundDefaults } from "../../outbound/client.ts";

export interface Resolver {
  /** The value of a reference or a plain text. One that is missing gives `""` and is remembered with its `place`. */
  value(given: Reference | string, place: string): string;
  /** As `value`, of something that must never be shown. */
  hidden(given: Reference | string, place: string): string;
  /** Remembers what else is wrong with a value, in words that don't repeat it. */
  refuse(reason: string): void;
  /** Throws where something was missing (`secrets-missing`), open to others (`secret-open`) or refused (`server-failed`), naming all of it. */
  finish(): void;
  /** What is so short or so plain that the log can't be kept free of it, or only with words that are none: `secret NAME (place)`. */
  plain(): readonly string[];
  /** The secrets that were asked for, by name. */
  found(): ReadonlyMap<string, FoundSecret>;
}

/** A secret that something refers to. */
export interface FoundSecret {
  readonly value: string;
  /** Where it was found; the first of these that has it counts. */
  readonly in: "file" | "store" | "environment" | "nowhere";
  /** What refers to it. */
  readonly places: readonly string[];
}

export interface ResolverOptions {
  /** The secrets folder, absolute. */
  readonly folder: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Learns every value that must not be shown, before anything else has it. */
  readonly redactor: Redactor;
  /** A secret of the store. Default: there are none. */
  readonly stored?: (name: string) => string | undefined;
}

/** Names that a secret may have. */
export const secretName = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$/;

export function createResolver({ folder, environment, redactor, stored = () => undefined }: ResolverOptions): Resolver {
  const missing: { readonly said: string; readonly reference: Reference }[] = [];
  /** Files of secrets that others can read, by the secret. */
  const open = new Map<string, string>();
  const refused: string[] = [];
  const plain = new Set<string>();
  const secrets = new Map<string, FoundSecret>();
  const secretOf = (name: string, place: string): string | undefined => {
    const known = secrets.get(name);
    const { value, in: where } = known ?? read(name);
    secrets.set(name, { value, in: where, places: [...(known?.places ?? []), place] });
    return where === "nowhere" ? undefined : value;
  };
  const read = (name: string): Pick<FoundSecret, "value" | "in"> => {
    const { open: file, ...found } = readSecret(folder, name, stored, environment);
    if (file !== undefined) open.set(name, file);
    return found;
  };
  const said = ({ kind, name }: Reference, place: string): string =>
    `${kind === "env" ? "variable" : "secret"} ${name} (${place})`;
  const lookUp = (given: Reference | string, place: string): string => {
    if (typeof given === "string") return given;
    const found = given.kind === "env" ? (environment[given.name] ?? given.fallback) : secretOf(given.name, place);
    if (given.kind === "secret" && open.has(given.name)) return "";
    // An empty secret is a file that somebody forgot to fill: with it every call would be refused, elsewhere and later.
    if (found === undefined || (found === "" && given.kind === "secret"))
      missing.push({ said: said(given, place), reference: given });
    else if (given.kind === "secret") {
      hide(found, given, place);
      if (!isOneLine(found)) {
        refused.push(`${said(given, place)} holds a line break or another control character: write it as one line`);
        return "";
      }
    }
    return found ?? "";
  };
  function hide(value: string, given: Reference | string, place: string): void {
    redactor.register(value);
    if (isPlain(value)) plain.add(typeof given === "string" ? place : said(given, place));
  }
  return {
    value: lookUp,
    hidden(given, place) {
      const found = lookUp(given, place);
      hide(found, given, place);
      return found;
    },
    refuse: (reason) => void refused.push(reason),
    finish() {
      const files = [...open.values()].join(" ");
      if (missing.length > 0) {
        const others = [
          ...(files === "" ? [] : [`Others can read ${files}: run chmod 600 ${files}. `]),
          ...refused.map((reason) => `Besides, ${reason}. `),
        ];
        const details = missing.map((one) => one.said);
        const ways = waysToGive(
          missing.map(({ reference }) => reference),
          folder,
        );
        throw failure("secrets-missing", { others: others.join(""), missing: details.join(", "), ways }, { details });
      }
      if (refused.length > 0) {
        const too = files === "" ? [] : [`others can read ${files}: run chmod 600 ${files}`];
        throw failure("server-failed", { reason: [...refused, ...too].join("; ") });
      }
      if (files !== "") throw failure("secret-open", { file: files });
    },
    found: () => secrets,
    plain: () => [...plain],
  };
}

/** Shorter ones stand in other words by chance, and so do words of the log itself: there it would be cut out of what is no secret. */
const shortestSafe = 8;

const longestValue = 65_536;

/** Of a secret that is to be kept in the store. Throws `secret-invalid`. */
export function checkValue(name: string, value: string): void {
  const refuse = (reason: string) => failure("secret-invalid", { reason });
  if (!secretName.test(name)) throw refuse("a name is up to 100 letters, digits and . _ -, and begins with no dot");
  if (value === "" || value.length > longestValue || !isOneLine(value))
    throw refuse(`a value is one line of 1 to ${longestValue} characters`);
}

/** What is said of a value that is plain. */
export const plainWarning =
  "a secret is short or an ordinary word: the log masks every word that equals it, and one of less than 4 characters not at all; give it a longer value";

export function isPlain(value: string): boolean {
  return value !== "" && (value.length < shortestSafe || /^[a-z]{1,14}$/.test(value));
}

/** Names that a shell takes for a variable. A secret may have others, and then is none. */
const variableName = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** How what is missing can be given while no server runs: `mortise secrets set` asks one that does. */
function waysToGive(missing: readonly Reference[], folder: string): string {
  const names = (kind: Reference["kind"]) => [
    ...new Set(missing.flatMap((reference) => (reference.kind === kind ? [reference.name] : []))),
  ];
  const [variables, secrets] = [names("env"), names("secret")];
  const ways =
    variables.length === 0
      ? []
      : [`set ${variables.join(", ")} in the environment, which a running server keeps as it was at its start`];
  const [first] = secrets;
  if (first !== undefined) {
    const word = (path: string) => (/^[\w./-]+$/.test(path) ? path : `"${path}"`);
    const file = word(join(folder, first));
    const each = secrets.length === 1 ? "the secret as a file" : "each secret as a file of its name";
    ways.push(
      `write ${each} that only its owner can read: \`mkdir -p ${word(folder)} && printf '%s' "$VALUE" > ${file} && chmod 600 ${file}\``,
    );
    const exportable = secrets.filter((name) => variableName.test(name));
    if (exportable.length > 0)
      ways.push(`or set an environment variable of the same name, for ${exportable.join(", ")}`);
  }
  return ways.join("; ");
}

/** For a command that needs a few values, and writes no log that they could get into. */
export function commandResolver(folder: string, environment: ResolverOptions["environment"]): Resolver {
  return createResolver({ folder, environment, redactor: createRedactor() });
}

/** The settings of one system, for a command. Throws `secrets-missing`. */
export function resolveForCommand(
  folder: string,
  system: SystemDefinition,
  environment: ResolverOptions["environment"],
): ResolvedSettings {
  const redactor = createRedactor();
  const resolver = createResolver({ folder, environment, redactor });
  const settings = resolveSystem(system, resolver, redactor);
  resolver.finish();
  return settings;
}

function readSecret(
  folder: string,
  name: string,
  stored: (name: string) => string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): Pick<FoundSecret, "value" | "in"> & { readonly open?: string } {
  if (!secretName.test(name)) return { value: "", in: "nowhere" };
  const file = readFile(folder, name);
  if (file?.open === true) return { value: "", in: "nowhere", open: file.path };
  if (file !== undefined) return { value: file.text, in: "file" };
  const kept = stored(name);
  if (kept !== undefined) return { value: kept, in: "store" };
  const given = environment[name];
  return given === undefined ? { value: "", in: "nowhere" } : { value: given, in: "environment" };
}

type SecretFile = { readonly open: true; readonly path: string } | { readonly open: false; readonly text: string };

/** The file of a secret; `undefined`: there is none. One that others can read is not read. */
function readFile(folder: string, name: string): SecretFile | undefined {
  const path = join(folder, name);
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat?.isFile() !== true) return undefined;
  // Windows has no such bits; there the folder's own access list guards it.
  if (process.platform !== "win32" && (stat.mode & 0o077) !== 0) return { open: true, path };
  return { open: false, text: readFileSync(path, "utf8").replace(/\r?\n$/, "") };
}

/** The settings of every system, resolved. Missing values are reported by `resolver.finish()`. */
export function resolveSystems(
  systems: Iterable<SystemDefinition>,
  resolver: Resolver,
  redactor: Redactor,
): ReadonlyMap<string, ResolvedSettings> {
  const resolved = new Map<string, ResolvedSettings>();
  for (const system of systems) resolved.set(system.name, resolveSystem(system, resolver, redactor));
  return resolved;
}

function resolveSystem(system: SystemDefinition, resolver: Resolver, redactor: Redactor): ResolvedSettings {
  const { settings, name } = system;
  const connection = resolver.value(settings.connection, `systems/${name}: connection`);
  if (system.connector === "rest" || system.connector === "soap") checkAddress(connection, name, resolver);
  registerPassword(connection, name, redactor, resolver);
  const credentials = settings.credentials === undefined ? undefined : resolveCredentials(system, resolver);
  return Object.freeze({
    name,
    connection,
    timeoutMs: milliseconds(settings.timeout ?? systemDefaults.timeout),
    concurrency: settings.concurrency ?? systemDefaults.concurrency,
    ...(settings.retry === undefined ? {} : { retry: settings.retry }),
    ...(settings.retryBudget === undefined ? {} : { retryBudget: settings.retryBudget }),
    ...(settings.circuit === undefined ? {} : { circuit: settings.circuit }),
    maxResponseBytes: settings.maxResponseBytes ?? outboundDefaults.bytes,
    internal: settings.internal ?? true,
    sensitive: settings.sensitive ?? [],
    ...(credentials === undefined ? {} : { credentials }),
    ...(settings.servers === undefined ? {} : { servers: resolveServers(system, resolver) }),
    ...(settings.webhookSecret === undefined
      ? {}
      : { webhookSecret: resolver.hidden(settings.webhookSecret, `systems/${name}: webhookSecret`) }),
  });
}

/** As it stands in the address, and as it is. */
function registerPassword(connection: string, system: string, redactor: Redactor, resolver: Resolver): void {
  if (!URL.canParse(connection)) return;
  const { password } = new URL(connection);
  redactor.register(password);
  try {
    redactor.register(decodeURIComponent(password));
  } catch {
    resolver.refuse(`systems/${system}: connection has a % in its password that begins no escape: write it as %25`);
  }
}

function resolveServers({ name, settings }: SystemDefinition, resolver: Resolver): Readonly<Record<string, string>> {
  const all = Object.entries(settings.servers ?? {}).map(([server, given]) => {
    const address = resolver.value(given, `systems/${name}: servers`);
    checkAddress(address, name, resolver);
    return [server, address];
  });
  return Object.freeze(Object.fromEntries(all));
}

/** Whether a value is text on one line. */
export function isOneLine(value: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return !/[\0-\x1f\x7f]/.test(value);
}

/** What no header field can carry is refused (RFC 9110, section 5.5): each call would fail. */
function inHeader(value: string, place: string, resolver: Resolver): string {
  if (!/^[\x20-\x7e\x80-\xff]*$/.test(value))
    resolver.refuse(
      `${place} holds a character that can't be sent in a header: only those of ASCII, and no control characters, can`,
    );
  return value;
}

/** The message does not repeat the address: it may hold a password. One that is missing is told with everything else. */
function checkAddress(connection: string, system: string, resolver: Resolver): void {
  if (connection === "") return;
  const protocol = URL.canParse(connection) ? new URL(connection).protocol : "";
  if (protocol === "http:" || protocol === "https:") return;
  resolver.refuse(`systems/${system}: connection must be a URL that begins with http:// or https://`);
}

function resolveCredentials({ name, settings }: SystemDefinition, resolver: Resolver): ResolvedCredentials | undefined {
  const place = `systems/${name}: credentials`;
  const { credentials } = settings;
  switch (credentials?.kind) {
    case undefined:
      return undefined;
    case "bearer":
      return {
        kind: "bearer",
        token: inHeader(resolver.hidden(credentials.token, `${place}.token`), `${place}.token`, resolver),
      };
    case "basic": {
      const user = resolver.value(credentials.user, `${place}.user`);
      return { kind: "basic", user, password: resolver.hidden(credentials.password, `${place}.password`) };
    }
    case "header":
    case "query":
    case "cookie": {
      const value = resolver.hidden(credentials.value, `${place}.value`);
      if (credentials.kind === "header") inHeader(value, `${place}.value`, resolver);
      return { kind: credentials.kind, name: credentials.name, value };
    }
    case "oauth":
      return {
        kind: "oauth",
        tokenUrl: resolver.value(credentials.tokenUrl, `${place}.tokenUrl`),
        client: resolver.value(credentials.client, `${place}.client`),
        secret: resolver.hidden(credentials.secret, `${place}.secret`),
        scopes: credentials.scopes ?? [],
        auth: credentials.auth ?? "basic",
      };
    case "username-token": {
      const user = resolver.value(credentials.user, `${place}.user`);
      const password = resolver.hidden(credentials.password, `${place}.password`);
      return { kind: "username-token", user, password, type: credentials.type ?? "digest" };
    }
  }
}
