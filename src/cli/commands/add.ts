/** `mortise add`: pins a contract, writes its types, and a connection to begin with. */
import { existsSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import type { ContractModel } from "../../contract/model.ts";
import { readContract } from "../../contract/read/read-contract.ts";
import { type ContractFiles, openSource } from "../../contract/read/source.ts";
import { failure } from "../../errors.ts";
import type { Context } from "../context.ts";
import { exit } from "../exit.ts";
import { readPin, systemFolder, withUrl, writeSources, writeTexts, written } from "../pin.ts";
import { projectFolder } from "../project-folder.ts";
import { count, type Terminal } from "../terminal.ts";

interface Options {
  readonly internal?: boolean;
  readonly replace?: boolean;
  readonly root?: string;
}

export async function add(context: Context, [name, from]: readonly string[], options: Options): Promise<number> {
  const { terminal, io } = context;
  const project = projectFolder(io.folder, context.project);
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name!)) throw failure("name-invalid", { what: "system", name: name! });
  const folder = systemFolder(project, name!);
  const before = existsSync(join(folder, "contract.json")) ? readPin(folder) : undefined;
  if (before !== undefined && options.replace !== true)
    throw failure("system-exists", { name: name!, folder: relative(io.folder, folder) });

  const url = /^https?:/i.test(from!) ? from : undefined;
  const { model, opened } = await read(context, name!, from!, options);
  writeSources(folder, opened.files(), before);
  const contract = withUrl(model, url);
  writeTexts(folder, written(contract));
  const index = join(folder, "index.ts");
  const fresh = !existsSync(index);
  if (fresh) writeFileSync(index, connection(contract));
  report(terminal, contract, { folder: relative(io.folder, folder), fresh, replaced: before !== undefined });
  return exit.done;
}

async function read(
  { io }: Context,
  name: string,
  from: string,
  { internal = false, root }: Options,
): Promise<{ readonly model: ContractModel; readonly opened: ContractFiles }> {
  if (!/^https?:/i.test(from)) {
    const entry = resolve(io.folder, from);
    const opened = await openSource(entry, { root: root === undefined ? dirname(entry) : resolve(io.folder, root) });
    return { model: await readContract(opened, name), opened };
  }
  const { fetchClient } = await import("../../server/fetch-client.ts");
  const outbound = fetchClient();
  try {
    const opened = await openSource(from, { outbound, internal });
    return { model: await readContract(opened, name), opened };
  } finally {
    await outbound.close();
  }
}

/** `index.ts`: what to connect with. It belongs to the user from now on. */
function connection(model: ContractModel): string {
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
  const names = ["env", kind];
  if (webhooks) {
    names.push("secret");
    lines.push(`  webhookSecret: secret(${JSON.stringify(`${environment}_WEBHOOK_SECRET`)}),`);
  }
  const hints: Readonly<Record<typeof kind, string>> = {
    rest: `  // credentials: { kind: "bearer", token: secret("${environment}_TOKEN") },`,
    soap: `  // credentials: { kind: "username-token", user: env("${environment}_USER"), password: secret("${environment}_PASSWORD") },`,
    sql: "",
    files: "",
  };
  const what: Readonly<Record<typeof kind, string>> = {
    rest: "the base URL",
    soap: "the address of the service",
    sql: "the database file",
    files: "the folder",
  };
  return `import { ${names.sort().join(", ")} } from "mortise";
import { contract } from "./contract.ts";

export const ${variable} = ${kind}(contract, {
  // ${what[kind]}${fallback === "" ? "" : "; the contract names one"}
  connection: env(${JSON.stringify(address)}${fallback}),
${[...lines, hints[kind]]
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
  const { language, languageVersion, title, files } = model.source;
  const result = {
    system: model.name,
    folder,
    language,
    languageVersion,
    replaced,
    files: files.map(({ path }) => path),
    operations: operations.map(({ name, effect }) => ({ name, effect })),
    events,
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
    terminal.line();
    const dim = (text: string): string => terminal.paint("dim", text);
    terminal.line(`  ${join(folder, "contract.ts")}  ${dim("its types; commit it")}`);
    terminal.line(
      `  ${join(folder, "index.ts")}     ${dim(fresh ? "its connection: look it through" : "its connection, as it was")}`,
    );
  });
}
