/** Which project a command is about. */
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { failure } from "../errors.ts";

/** The folder of the project that `from` is in: the nearest one upwards with a `mortise.config.ts`. */
export function projectFolder(from: string, given: string | undefined): string {
  const start = resolve(from, given ?? ".");
  for (let at = start; ; at = dirname(at)) {
    if (existsSync(join(at, "mortise.config.ts"))) return at;
    if (given !== undefined || dirname(at) === at) throw failure("project-missing", { folder: start });
  }
}
