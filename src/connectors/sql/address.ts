/**
 * Where a database server is: a URL `postgres://user@host:port/database` or `mysql://...`, with the few parameters that are known.
 *
 *   sslmode=disable | require | verify-full   default: verify-full; disable for this machine (loopback, socket). `require` verifies, too
 *   sslrootcert=file     certificates (PEM) to trust, relative to the project. Default: Node's own, and NODE_EXTRA_CA_CERTS
 *   host=/folder         PostgreSQL: folder of the Unix socket. MySQL: socket=/path
 *   schema=a,b           PostgreSQL: the search path
 *
 * No error repeats the URL: it may hold a password.
 */
import { type LookupAddress, type LookupOptions, lookup } from "node:dns";
import { readFileSync } from "node:fs";
import { connect, isIP, type Socket } from "node:net";
import { resolve } from "node:path";
import { failure } from "../../errors.ts";
import { refusedAddress } from "../../outbound/addresses.ts";

export interface DatabaseAddress {
  readonly dialect: "postgresql" | "mysql";
  /** Name or address; also where a socket is used, for messages. */
  readonly host: string;
  readonly port: number;
  /** Path of a Unix socket, instead of host and port. */
  readonly socket?: string;
  readonly user: string;
  readonly password?: string;
  readonly database: string;
  /** `false`: not encrypted. */
  readonly tls: false | { readonly ca?: string };
  readonly schemas: readonly string[];
  readonly internal: boolean;
}

export interface AddressFacts {
  /** For messages. */
  readonly system: string;
  /** Folder that `sslrootcert` is relative to. */
  readonly project: string;
  readonly internal: boolean;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
}

const schemes: Readonly<Record<string, DatabaseAddress["dialect"]>> = {
  "postgres:": "postgresql",
  "postgresql:": "postgresql",
  "mysql:": "mysql",
  "mariadb:": "mysql",
};

/** The dialect of a URL, or `undefined` where it is none of a database server. */
export function dialectOfUrl(text: string): DatabaseAddress["dialect"] | undefined {
  const scheme = /^[a-z]+:/i.exec(text)?.[0].toLowerCase() ?? "";
  return /^[a-z]+:\/\//i.test(text) && Object.hasOwn(schemes, scheme) ? schemes[scheme] : undefined;
}

/** Throws `connection-invalid` with the reason. */
export function databaseAddress(text: string, facts: AddressFacts): DatabaseAddress {
  const invalid = (reason: string) => failure("connection-invalid", { system: facts.system, reason });
  const dialect = dialectOfUrl(text);
  if (dialect === undefined)
    throw invalid(
      "it is no URL that begins with postgres:// or mysql:// (without the password it can be shown, with it never)",
    );
  const url = URL.parse(text);
  if (url === null)
    throw invalid("it is no URL: characters such as @ / ? # in user or password are written as %40 %2F %3F %23");
  const known = new Set(["sslmode", "sslrootcert", ...(dialect === "postgresql" ? ["host", "schema"] : ["socket"])]);
  for (const name of url.searchParams.keys())
    if (!known.has(name)) throw invalid(`its parameter ${name} is not known; there are: ${[...known].join(", ")}`);
  const plain = (part: string, what: string): string => {
    try {
      return decodeURIComponent(part);
    } catch {
      throw invalid(`its ${what} holds a % that begins no escape`);
    }
  };
  const port = url.port === "" ? (dialect === "postgresql" ? 5432 : 3306) : Number(url.port);
  const folder = url.searchParams.get("host");
  const socket = folder === null ? (url.searchParams.get("socket") ?? undefined) : `${folder}/.s.PGSQL.${port}`;
  const host = plain(url.hostname, "host").replace(/^\[|\]$/g, "") || "localhost";
  const database = plain(url.pathname.slice(1), "database");
  const user = facts.user ?? plain(url.username, "user");
  if (database === "") throw invalid("it names no database: postgres://host/database");
  if (user === "") throw invalid("it names no user: write it into the URL, or set credentials");
  const password = facts.password ?? (url.password === "" ? undefined : plain(url.password, "password"));
  return Object.freeze({
    dialect,
    host,
    port,
    ...(socket === undefined ? {} : { socket }),
    user,
    ...(password === undefined ? {} : { password }),
    database,
    tls: tlsOf(url.searchParams, socket !== undefined || isLoopback(host), facts, invalid),
    schemas: (url.searchParams.get("schema") ?? "").split(",").filter((name) => name !== ""),
    internal: facts.internal,
  });
}

function tlsOf(
  parameters: URLSearchParams,
  here: boolean,
  { project }: AddressFacts,
  invalid: (reason: string) => Error,
): DatabaseAddress["tls"] {
  const mode = parameters.get("sslmode") ?? (here ? "disable" : "verify-full");
  if (mode === "disable") return false;
  if (mode !== "require" && mode !== "verify-full")
    throw invalid(`sslmode=${mode.replace(/[^\w-]/g, "")} is not taken: disable, require or verify-full (both verify)`);
  const file = parameters.get("sslrootcert");
  if (file === null) return {};
  try {
    return { ca: readFileSync(resolve(project, file), "utf8") };
  } catch (cause) {
    throw invalid(`the file of sslrootcert can't be read: ${(cause as NodeJS.ErrnoException).code ?? "unknown"}`);
  }
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

/** A socket on its way to the server. An address that must not be called is an error of the socket. */
export function openSocket({ host, port, socket, internal }: DatabaseAddress): Socket {
  if (socket !== undefined) return connect(socket);
  const literal = isIP(host) === 0 ? undefined : refusedAddress(host, internal, true);
  if (literal !== undefined) throw new AddressRefused(literal);
  const made = connect({ host, port, lookup: guarded(internal) });
  made.setNoDelay(true).setKeepAlive(true, 30_000);
  return made;
}

/** An address that is not called. `place`: where a name stands, as a sentence has it behind the name. */
export class AddressRefused extends Error {
  readonly place: string;

  constructor(reason: string, place = "") {
    super(reason);
    this.place = place;
  }
}

type Found = (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void;

function guarded(internal: boolean) {
  return (name: string, options: LookupOptions, found: Found): void => {
    lookup(name, options, (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => {
      const all = typeof address === "string" ? [address] : (address ?? []).map((one) => one.address);
      for (const one of error === null ? all : []) {
        const reason = refusedAddress(one, internal, false);
        if (reason !== undefined) return found(new AddressRefused(reason, `, which stands at ${one},`), []);
      }
      found(error, address, family);
    });
  };
}
