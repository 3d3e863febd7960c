/** `mortise add`: pins a contract, writes its types, and a connection to begin with. */
import { existsSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import type { ContractModel } from "../../contract/model.ts";
import { failure } from "../../errors.ts";
import { applyChange } from "../change.ts";
import { connectionFile } from "../connection-file.ts";
import type { Context } from "../context.ts";
import { eventsLine, printNotes, summaryLine } from "../contract-notes.ts";
import { exit } from "../exit.ts";
import { readPlace } from "../live-place.ts";
import { chooseOnly, pinChange, readPin, systemFolder, withUrl } from "../pin.ts";
import { projectFolder } from "../project-folder.ts";
import { count, type Terminal } from "../terminal.ts";
import { placeOf } from "./add-place.ts";

interface Options {
  readonly internal?: boolean;
  readonly replace?: boolean;
  readonly root?: string;
  readonly statements?: string;
  readonly user?: string;
  readonly password?: string;
  readonly schema?: readonly string[];
  readonly table?: readonly string[];
  readonly only?: string;
}

export async function add(context: Context, [name, from]: readonly string[], options: Options): Promise<number> {
  const { terminal, io } = context;
  const project = projectFolder(io.folder, context.project);
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name!)) throw failure("name-invalid", { what: "system", name: name! });
  const folder = systemFolder(project, name!);
  const before = existsSync(join(folder, "contract.json")) ? readPin(folder) : undefined;
  if (before !== undefined && options.replace !== true)
    throw failure("system-exists", { name: name!, folder: relative(io.folder, folder) });

  const place = await placeOf(context, project, from!, {
    ...options,
    ...(before === undefined ? {} : { known: name! }),
  });
  const { model, files } = await readPlace(context, { name: name!, folder, project, place }, options);
  const chosen = chooseOnly(model, options.only);
  const contract = withUrl(chosen, /^https?:/i.test(place.location) ? place.location : undefined);
  applyChange(folder, pinChange(files.files(), contract, before));
  const index = join(folder, "index.ts");
  const fresh = !existsSync(index);
  if (fresh) writeFileSync(index, connectionFile(contract, place));
  report(terminal, contract, { folder: relative(io.folder, folder), fresh, replaced: before !== undefined });
  return exit.done;
}

function report(
  terminal: Terminal,
  model: ContractModel,
  { folder, fresh, replaced }: { readonly folder: string; readonly fresh: boolean; readonly replaced: boolean },
): void {
  const operations = Object.values(model.operations);
  const events = Object.keys(model.events);
  const { language, languageVersion, title, files, leftOut = [], notes = [] } = model.source;
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
    ...(notes.length === 0 ? {} : { notes }),
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
        shown.map(({ name, effect, summary }) => [name, effect, summaryLine(summary, 70)]),
      );
      if (operations.length > shown.length)
        terminal.line(terminal.paint("dim", `and ${operations.length - shown.length} more, in contract.ts`));
    }
    if (events.length > 0) terminal.line(eventsLine(events, count(events.length, "event")));
    for (const { operation, reason } of leftOut.slice(0, 12)) terminal.line(`left out ${operation}: ${reason}`);
    if (leftOut.length > 12) terminal.line(`left out ${leftOut.length - 12} more; see source.leftOut in contract.json`);
    printNotes(terminal, notes);
    terminal.line();
    const dim = (text: string): string => terminal.paint("dim", text);
    terminal.line(`  ${join(folder, "contract.ts")}  ${dim("its types; commit it")}`);
    terminal.line(
      `  ${join(folder, "index.ts")}     ${dim(fresh ? "its connection: look it through" : "its connection, as it was")}`,
    );
  });
}
