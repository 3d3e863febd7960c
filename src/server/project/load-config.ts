/** The configuration alone, for commands that need no more of the project than where its store is. */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { failure } from "../../errors.ts";
import { type Config, isConfig, resolveConfig } from "./config.ts";
import { useOwnMortise } from "./own-mortise.ts";

/** Loads `mortise.config.ts` of the project in `folder`. Throws `config-invalid`. */
export async function loadConfig(
  folder: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Config> {
  useOwnMortise();
  const module = (await import(pathToFileURL(join(folder, "mortise.config.ts")).href)) as {
    readonly default?: unknown;
  };
  if (!isConfig(module.default))
    throw failure("config-invalid", { problems: "mortise.config.ts must have `export default defineConfig({...})`" });
  return resolveConfig(module.default, environment);
}
