/** `mortise types`: writes contract.ts and contract.json again from the pinned contracts. The same input gives the same bytes. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { failure } from "../../errors.ts";
import type { Context } from "../context.ts";
import { exit } from "../exit.ts";
import { pinnedSystems, readPinned, systemFolder, writeTexts, written } from "../pin.ts";
import { projectFolder } from "../project-folder.ts";
import { count } from "../terminal.ts";

export async function types(
  context: Context,
  [name]: readonly string[],
  { check = false, only }: { readonly check?: boolean; readonly only?: string },
): Promise<number> {
  const { terminal, io } = context;
  const project = projectFolder(io.folder, context.project);
  const systems = pinnedSystems(project);
  if (name !== undefined && !systems.includes(name)) {
    const there = systems.length === 0 ? "none yet" : systems.join(", ");
    throw failure("system-missing", { name, systems: there });
  }
  if (only !== undefined && name === undefined)
    throw failure("option-invalid", { option: "--only", reason: "it needs the name of a system" });
  const results: { system: string; changed: readonly string[] }[] = [];
  for (const system of name === undefined ? systems : [name]) {
    const folder = systemFolder(project, system);
    const texts = written(await readPinned(folder, system, only));
    const changed = check ? different(folder, texts) : writeTexts(folder, texts);
    results.push({ system, changed });
  }
  const changed = results.filter((result) => result.changed.length > 0);
  terminal.result(results, () => {
    for (const { system, changed: files } of changed)
      terminal.line(
        `${terminal.paint("yellow", check ? "would change" : "changed")} systems/${system}: ${files.join(", ")}`,
      );
    if (changed.length === 0) terminal.line(`${count(results.length, "system")}, nothing changed`);
  });
  return check && changed.length > 0 ? exit.found : exit.done;
}

function different(folder: string, texts: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(texts)
    .filter(([path, text]) => !existsSync(join(folder, path)) || readFileSync(join(folder, path), "utf8") !== text)
    .map(([path]) => path);
}
