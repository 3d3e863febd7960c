/** `mortise implement`: pins an OpenAPI document that says what an API must be, writes its types, and an `index.ts` to begin with. */
import { existsSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import type { ContractModel } from "../../contract/model.ts";
import { uncheckedProblem } from "../../contract/unchecked.ts";
import { failure } from "../../errors.ts";
import { applyChange } from "../change.ts";
import type { Context } from "../context.ts";
import { eventsLine, printNotes, summaryLine } from "../contract-notes.ts";
import { exit } from "../exit.ts";
import { implementFile } from "../implement-file.ts";
import { readPlace } from "../live-place.ts";
import { apiFolder, pinChange, readPin, withUrl } from "../pin.ts";
import { projectFolder } from "../project-folder.ts";
import { count, type Terminal } from "../terminal.ts";

interface Options {
  readonly internal?: boolean;
  readonly replace?: boolean;
  readonly root?: string;
}

export async function implement(context: Context, [name, from]: readonly string[], options: Options): Promise<number> {
  const { terminal, io } = context;
  const project = projectFolder(io.folder, context.project);
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*(\.[a-z0-9-]+)*$/.test(name!) || name === "published")
    throw failure("name-invalid", { what: "API", name: name! });
  const folder = apiFolder(project, name!);
  const before = existsSync(join(folder, "contract.json")) ? readPin(folder) : undefined;
  if (before !== undefined && options.replace !== true)
    throw failure("api-contract-exists", { name: name!, folder: `apis/${name!}` });
  const { model, files } = await readPlace(
    context,
    { name: name!, folder, project, place: { location: from! } },
    options,
  );
  const { language, languageVersion } = model.source;
  if (language !== "openapi" || !languageVersion.startsWith("3."))
    throw failure("option-invalid", {
      option: "<contract>",
      reason: `an API implements an OpenAPI document of version 3, and this is ${language} ${languageVersion}`,
    });
  const unchecked = uncheckedProblem(model.source);
  if (unchecked !== undefined) throw failure("api-definition", { api: name!, reason: unchecked });
  const contract = withUrl(model, /^https?:/i.test(from!) ? from! : undefined);
  applyChange(folder, pinChange(files.files(), contract, before, "api"));
  const index = join(folder, "index.ts");
  const fresh = !existsSync(index);
  if (fresh) {
    const { neverServed } = await import("../../server/apis/given.ts");
    writeFileSync(index, implementFile(contract, neverServed({ kind: "contract", model: contract, folder })));
  }
  report(terminal, contract, {
    folder: relative(io.folder, folder),
    fresh,
    replaced: before !== undefined,
    moved: movedFile(before, contract),
  });
  return exit.done;
}

/** The document's file, where it has another name than before: it is served by its name, and whoever reads it there must know. */
function movedFile(before: ContractModel | undefined, now: ContractModel): Moved | undefined {
  const [from, to] = [before?.source.files[0]?.path, now.source.files[0]?.path];
  return from === undefined || to === undefined || from === to ? undefined : { from, to };
}

interface Moved {
  readonly from: string;
  readonly to: string;
}

interface Taken {
  readonly folder: string;
  readonly fresh: boolean;
  readonly replaced: boolean;
  readonly moved: Moved | undefined;
}

function report(terminal: Terminal, model: ContractModel, { folder, fresh, replaced, moved }: Taken): void {
  const { languageVersion, title, version, files, notes = [] } = model.source;
  const operations = Object.values(model.operations).map(({ name, binding, summary }) => ({
    name,
    route: binding.protocol === "rest" ? `${binding.method} ${binding.path}` : "",
    summary: summaryLine(summary, 60),
  }));
  const events = Object.keys(model.events);
  const unspoken = unspokenOf(model);
  const result = {
    api: model.name,
    folder,
    languageVersion,
    replaced,
    ...(moved === undefined ? {} : { moved }),
    files: files.map(({ path }) => path),
    operations: operations.map(({ name, route }) => ({ name, route })),
    events,
    ...(unspoken.length === 0 ? {} : { unspoken }),
    ...(notes.length === 0 ? {} : { notes }),
  };
  terminal.result(result, () => {
    const called = [title, version].filter((word) => word !== undefined).join(" ");
    const what = terminal.paint("green", replaced ? "replaced" : "taken");
    terminal.line(`${what} ${model.name}: OpenAPI ${languageVersion}${called === "" ? "" : `, ${called}`}`);
    terminal.line();
    terminal.table(
      ["operation", "", ""],
      operations.slice(0, 30).map(({ name, route, summary }) => [name, route, summary]),
    );
    if (operations.length > 30) terminal.line(terminal.paint("dim", `and ${operations.length - 30} more`));
    if (events.length > 0)
      terminal.line(eventsLine(events, count(events.length, "callback or webhook", "callbacks and webhooks")));
    for (const line of unspoken.slice(0, 8)) terminal.line(`  ${terminal.paint("yellow", line)}`);
    if (unspoken.length > 8)
      terminal.line(terminal.paint("dim", `  and ${unspoken.length - 8} more; --json lists them`));
    printNotes(terminal, notes);
    if (moved !== undefined)
      terminal.note(
        `The document was served at <base>/openapi/${moved.from}, and is at <base>/openapi/${moved.to} from now on. To keep the address, take it from a file called ${moved.from.split("/").at(-1)}.`,
      );
    terminal.line();
    const dim = (text: string): string => terminal.paint("dim", text);
    terminal.line(`  ${join(folder, "contract.ts")}  ${dim("its types; commit it")}`);
    const next = fresh ? "say here what stands behind each operation" : "as it was: the compiler names what it lacks";
    terminal.line(`  ${join(folder, "index.ts")}     ${dim(next)}`);
  });
}

/** Media types beside the one that is spoken: they are not served. */
function unspokenOf(model: ContractModel): readonly string[] {
  const lines: string[] = [];
  for (const { name, binding } of Object.values(model.operations)) {
    if (binding.protocol !== "rest") continue;
    const { request = {}, answers = {} } = binding.declared ?? {};
    const sent = Object.keys(request).filter((type) => type !== binding.body?.mediaType);
    if (sent.length > 0)
      lines.push(`${name} takes ${sent.join(", ")} too: here it takes ${binding.body?.mediaType} only`);
    for (const { status, mediaType } of binding.success) {
      const others = Object.keys(answers[status]?.content ?? {}).filter((type) => type !== mediaType);
      if (others.length > 0)
        lines.push(`${name} answers ${status} as ${others.join(", ")} too: here it is ${mediaType} only`);
    }
  }
  return lines;
}
