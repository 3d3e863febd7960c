/** One system of a project, for a command that needs no more of it: whatever else is wrong there does not matter. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { definitionOf, type SystemDefinition } from "../../connectors/system.ts";
import { importFiles } from "./files.ts";
import { useOwnMortise } from "./own-mortise.ts";

/** `undefined` where it is not there or can't be loaded. */
export async function loadSystem(root: string, name: string): Promise<SystemDefinition | undefined> {
  const file = `systems/${name}/index.ts`;
  if (!existsSync(join(root, file))) return undefined;
  useOwnMortise();
  const { modules } = await importFiles(root, [file]);
  for (const value of Object.values(modules.get(file) ?? {})) {
    const definition = definitionOf(value);
    if (definition?.name === name) return definition;
  }
  return undefined;
}
