/** `mortise add`: pins a contract, writes its types, and a connection to begin with. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join, relative, resolve } from "node:path";
import type { ContractModel } from "../../contract/model.ts";
import { failure } from "../../errors.ts";
import type { LiveContract } from "../../server/live-contract.ts";
import type { Context } from "../context.ts";
import { exit } from "../exit.ts";
import { readPin, systemFolder, withUrl, writeSources, writeTexts, written } from "../pin.ts";
import { projectFolder } from "../project-folder.ts";
import { count, type Terminal } from "../terminal.ts";
import { type Place, placeOf } from "./add-place.ts";

interface Options {
  readonly internal?: boolean;
  readonly replace?: boolean;
  readonly root?: string;
  readonly statements?: string;
  readonly user?: string;
  readonly password?: string;
  readonly schema?: readonly string[];
  readonly table?: readonly string[];
}

export async function add(context: Context, [name, from]: readonly string[], options: Options): Promise<number> {
  const { terminal, io } = context;
  const project = projectFolder(io.folder, context.project);
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name!)) throw failure("name-invalid", { what: "system", name: name! });
  const folder = systemFolder(project, name!);
  const before = existsSync(join(folder, "contract.json")) ? readPin(folder) : undefined;
  if (before !== undefined && options.replace !== true)
    throw failure("system-exists", { name: name!, folder: relative(io.folder, folder) });

  const place = await placeOf(context, project, from!, options);
  const { model, files } = await read(context, { name: name!, folder, project, place }, options);
  writeSources(folder, files.files(), before);
  const contract = withUrl(model, /^https?:/i.test(place.location) ? place.location : undefined);
  writeTexts(folder, written(contract));
  const index = join(folder, "index.ts");
  const fresh = !existsSync(index);
  if (fresh) writeFileSync(index, connection(contract, place));
  report(terminal, contract, { folder: relative(io.folder, folder), fresh, replaced: before !== undefined });
  return exit.done;
}

/** Reads the contract as it is now. */
async function read(
  { io }: Context,
  { name, folder, project, place }: { name: string; folder: string; project: string; place: Place },
  { internal = false, root, statements, schema = [], table = [] }: Options,
): Promise<LiveContract> {
  const { isDatabase, readLive } = await import("../../server/live-contract.ts");
  // The statements are the user's own: those that stand there are kept.
  const pinned = join(folder, `${name}.sql`);
  const given = statements === undefined ? (existsSync(pinned) ? pinned : undefined) : resolve(io.folder, statements);
  const database = isDatabase(place.location);
  if (statements !== undefined && !database)
    throw failure("option-invalid", {
      option: "--statements",
      reason: "it goes with a database: postgres://, mysql://, sqlite:",
    });
  return readLive({
    system: name,
    location: /^sqlite:(?!\/)/i.test(place.location)
      ? `sqlite:${resolve(io.folder, place.location.slice(7))}`
      : place.location,
    project,
    folder: io.folder,
    // A database stands in the company's own network, and its address comes from our side.
    internal: internal || database,
    schemas: schema,
    tables: table,
    ...(root === undefined ? {} : { root }),
    ...(place.user === undefined ? {} : { user: place.user.value }),
    ...(place.password === undefined ? {} : { password: place.password.value }),
    ...(database && given !== undefined ? { statements: { path: basename(given), text: textOf(given) } } : {}),
  });
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw failure("option-invalid", { option: "--statements", reason: (error as Error).message });
  }
}

/** `index.ts`: what to connect with. It belongs to the user from now on. */
function connection(model: ContractModel, { from, user, password }: Place): string {
  const { name } = model;
  const variable = name.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
  const environment = name.replaceAll("-", "_").toUpperCase();
  const { language } = model.source;
  const kind = ({ openapi: "rest", wsdl: "soap", sql: "sql", csv: "files" } as const)[language];
  const address = `${environment}_${language === "csv" ? "FOLDER" : "URL"}`;
  const server = model.servers[0];
  const fallback = server !== undefined && /^https?:\/\//.test(server) ? `, ${JSON.stringify(server)}` : "";
  const webhooks = Object.values(model.events).some(({ binding }) => binding.protocol === "webhook");
  const lines: string[] = [];
  const database = model.database?.dialect;
  const onServer = database === "postgresql" || database === "mysql";
  const names = [from?.kind ?? "env", kind];
  if (password !== undefined) {
    names.push(password.kind, ...(user?.kind === undefined ? [] : [user.kind]));
    const called = user?.kind === undefined ? JSON.stringify(user?.value ?? "") : `${user.kind}("${user.name}")`;
    lines.push(`  credentials: { kind: "basic", user: ${called}, password: ${password.kind}("${password.name}") },`);
  }
  if (webhooks) {
    names.push("secret");
    lines.push(`  webhookSecret: secret(${JSON.stringify(`${environment}_WEBHOOK_SECRET`)}),`);
  }
  const hints: Readonly<Record<typeof kind, string>> = {
    rest: `  // credentials: { kind: "bearer", token: secret("${environment}_TOKEN") },`,
    soap: `  // credentials: { kind: "username-token", user: env("${environment}_USER"), password: secret("${environment}_PASSWORD") },`,
    sql: onServer
      ? `  // credentials: { kind: "basic", user: "app", password: secret("${environment}_PASSWORD") },`
      : "",
    files: "",
  };
  const what: Readonly<Record<typeof kind, string>> = {
    rest: "the base URL",
    soap: "the address of the service",
    sql: onServer ? "such as postgres://host/database" : "the database file",
    files: "the folder",
  };
  return `import { ${[...new Set(names)].sort().join(", ")} } from "mortise";
import { contract } from "./contract.ts";

export const ${variable} = ${kind}(contract, {
  // ${what[kind]}${fallback === "" ? "" : "; the contract names one"}
  connection: ${from === undefined ? `env(${JSON.stringify(address)}${fallback})` : `${from.kind}("${from.name}")`},
${[...lines, password === undefined ? hints[kind] : ""]
  .filter((line) => line !== "")
  .map((line) => `${line}\n`)
  .join("")}});
`;
}

function report(
  terminal: Terminal,
  model: ContractModel,
  { folder, fresh, replaced }: { readonly folder: string; readonly fresh: boolean; readonly replaced: boolean },
): void {
  const operations = Object.values(model.operations);
  const events = Object.keys(model.events);
  const { language, languageVersion, title, files, leftOut = [] } = model.source;
  const result = {
    system: model.name,
    folder,
    language,
    languageVersion,
    replaced,
    files: files.map(({ path }) => path),
    operations: operations.map(({ name, effect }) => ({ name, effect })),
    events,
    ...(leftOut.length === 0 ? {} : { leftOut }),
  };
  terminal.result(result, () => {
    const called = title === undefined ? "" : `, ${title}`;
    terminal.line(
      `${terminal.paint("green", replaced ? "replaced" : "added")} ${model.name}: ${language} ${languageVersion}${called}`,
    );
    const shown = operations.slice(0, 12);
    if (shown.length > 0) {
      terminal.line();
      terminal.table(
        ["operation", "effect", ""],
        shown.map(({ name, effect, summary }) => [name, effect, (summary ?? "").split("\n")[0]!.slice(0, 70)]),
      );
      if (operations.length > shown.length)
        terminal.line(terminal.paint("dim", `and ${operations.length - shown.length} more`));
    }
    if (events.length > 0) terminal.line(`${count(events.length, "event")}: ${events.slice(0, 12).join(", ")}`);
    for (const { operation, reason } of leftOut.slice(0, 12)) terminal.line(`left out ${operation}: ${reason}`);
    if (leftOut.length > 12) terminal.line(`left out ${leftOut.length - 12} more; see source.leftOut in contract.json`);
    terminal.line();
    const dim = (text: string): string => terminal.paint("dim", text);
    terminal.line(`  ${join(folder, "contract.ts")}  ${dim("its types; commit it")}`);
    terminal.line(
      `  ${join(folder, "index.ts")}     ${dim(fresh ? "its connection: look it through" : "its connection, as it was")}`,
    );
  });
}
