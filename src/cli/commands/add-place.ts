/** Where a contract to be added is: as written, or by reference (`env:NAME`, `secret:NAME`), with the credentials of a database. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { failure } from "../../errors.ts";
import type { Context } from "../context.ts";

/** A reference as it is written into index.ts, and what it stands for. */
export interface Resolved {
  /** Absent: it was written as it is. */
  readonly kind?: "env" | "secret";
  readonly name?: string;
  readonly value: string;
}
export interface NamedReference extends Resolved {
  readonly kind: "env" | "secret";
  readonly name: string;
}

export interface Place {
  /** File, URL or database. It may hold a password: it is shown nowhere. */
  readonly location: string;
  /** How it was referred to; absent: it was written as it is. */
  readonly from?: NamedReference;
  readonly user?: Resolved;
  readonly password?: NamedReference;
}

/**
 * `known`: a system that is there already. Its own `index.ts` says who its database lets in, where neither the options nor the URL do.
 */
export async function placeOf(
  context: Context,
  project: string,
  from: string,
  { user, password, known }: { readonly user?: string; readonly password?: string; readonly known?: string },
): Promise<Place> {
  const lookUp = await resolver(context, project, [from, user, password]);
  const location = lookUp(from);
  if (known !== undefined && user === undefined && password === undefined) {
    const own = await ownCredentials(context, project, known, location.value);
    if (own !== undefined)
      return {
        location: location.value,
        ...(location.kind === undefined ? {} : { from: location as NamedReference }),
        ...own,
      };
  }
  const secret = password === undefined ? undefined : lookUp(password);
  if (secret !== undefined && secret.kind === undefined)
    throw failure("option-invalid", {
      option: "--password",
      reason: "it must say where the password is, not what it is: env:NAME or secret:NAME",
    });
  // Beside a password stands a user: that of the URL, if none was given.
  const inUrl = secret === undefined ? "" : (URL.parse(location.value)?.username ?? "");
  const called = user === undefined ? (inUrl === "" ? undefined : { value: decodeURIComponent(inUrl) }) : lookUp(user);
  if (secret !== undefined && called === undefined)
    throw failure("option-invalid", { option: "--password", reason: "it needs a user: in the URL, or as --user" });
  return {
    location: location.value,
    ...(location.kind === undefined ? {} : { from: location as NamedReference }),
    ...(called === undefined ? {} : { user: called }),
    ...(secret === undefined ? {} : { password: secret as NamedReference }),
  };
}

/** What the system's `index.ts` says; `undefined`: nothing, it can't be loaded, it is for somebody else, or the URL says all of it. */
async function ownCredentials(
  { io }: Context,
  project: string,
  system: string,
  location: string,
): Promise<Pick<Place, "user" | "password"> | undefined> {
  const url = URL.parse(location);
  if (url === null || !/^(postgres(ql)?|mysql|mariadb):$/i.test(url.protocol) || url.password !== "") return undefined;
  const { loadSystem } = await import("../../server/project/one-system.ts");
  const { credentials } = (await loadSystem(project, system))?.settings ?? {};
  if (credentials?.kind !== "basic") return undefined;
  const { commandResolver } = await import("../../server/secrets/secrets.ts");
  const references = commandResolver(await secretsFolder(project, io.env), io.env);
  const { user, password } = credentials;
  const place = `systems/${system}/index.ts`;
  const called = references.value(user, place);
  if (url.username !== "" && decoded(url.username) !== called) return undefined;
  const secret = references.value(password, place);
  references.finish();
  return {
    user: typeof user === "string" ? { value: called } : { ...user, value: called },
    password: { ...password, value: secret },
  };
}

/** `undefined` where a % begins no escape: whoever takes the URL says so. */
function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

const reference = /^(env|secret):([A-Za-z0-9_][A-Za-z0-9_.-]*)$/;

async function resolver(
  { io }: Context,
  project: string,
  texts: readonly (string | undefined)[],
): Promise<(text: string) => Resolved> {
  if (!texts.some((text) => text !== undefined && reference.test(text))) return (value) => ({ value });
  const { commandResolver } = await import("../../server/secrets/secrets.ts");
  const folder = await secretsFolder(project, io.env);
  return (text) => {
    const found = reference.exec(text);
    if (found === null) return { value: text };
    const [, kind, name] = found as unknown as [string, "env" | "secret", string];
    const references = commandResolver(folder, io.env);
    const value = references.value({ kind, name }, "mortise add");
    references.finish();
    return { kind, name, value };
  };
}

/** From the configuration; loaded only where it says something else than the default. */
async function secretsFolder(project: string, env: Context["io"]["env"]): Promise<string> {
  if (!/\bsecrets\b/.test(readFileSync(join(project, "mortise.config.ts"), "utf8"))) return join(project, "secrets");
  const { loadConfig } = await import("../../server/project/load-config.ts");
  return join(project, (await loadConfig(project, env)).secrets);
}
