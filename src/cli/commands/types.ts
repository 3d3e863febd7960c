/** `mortise types`: writes contract.ts and contract.json again from the pinned contracts. The same input gives the same bytes. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { ContractOf } from "../../contract/write/typescript.ts";
import { failure } from "../../errors.ts";
import type { Context } from "../context.ts";
import { exit } from "../exit.ts";
import { pinnedContracts, readPinned, writeTexts, written } from "../pin.ts";
import { projectFolder } from "../project-folder.ts";
import { count } from "../terminal.ts";

export async function types(
  context: Context,
  [name]: readonly string[],
  { check = false, only }: { readonly check?: boolean; readonly only?: string },
): Promise<number> {
  const { terminal, io } = context;
  const project = projectFolder(io.folder, context.project);
  const all = pinnedContracts(project);
  const chosen = name === undefined ? all : all.filter((one) => one.name === name || one.place === name);
  if (name !== undefined && chosen.length === 0) {
    const there =
      all.length === 0 ? "none yet" : all.map((one) => (one.of === "system" ? one.name : one.place)).join(", ");
    throw failure("system-missing", { name, systems: there });
  }
  if (only !== undefined && (name === undefined || chosen.some(({ of }) => of === "api")))
    throw failure("option-invalid", { option: "--only", reason: "it needs the name of a system" });
  const results: ({ readonly [of in ContractOf]?: string } & {
    readonly place: string;
    readonly changed: readonly string[];
  })[] = [];
  for (const pinned of chosen) {
    const texts = written(await readPinned(pinned.folder, pinned.name, only), pinned.of);
    const changed = check ? different(pinned.folder, texts) : writeTexts(pinned.folder, texts);
    results.push({ [pinned.of]: pinned.name, place: pinned.place, changed });
  }
  const changed = results.filter((result) => result.changed.length > 0);
  terminal.result(
    results.map(({ place: _, ...result }) => result),
    () => {
      for (const { place, changed: files } of changed)
        terminal.line(`${terminal.paint("yellow", check ? "would change" : "changed")} ${place}: ${files.join(", ")}`);
      if (changed.length === 0)
        terminal.line(
          `${count(results.length, results.some(({ api }) => api !== undefined) ? "contract" : "system")}, nothing changed`,
        );
    },
  );
  return check && changed.length > 0 ? exit.found : exit.done;
}

function different(folder: string, texts: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(texts)
    .filter(([path, text]) => !existsSync(join(folder, path)) || readFileSync(join(folder, path), "utf8") !== text)
    .map(([path]) => path);
}
