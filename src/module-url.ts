/**
 * Where a module beside this one is. A worker is started by URL, and the compiler does not rewrite the extension in
 * `new URL("./worker.ts", import.meta.url)`: sources end in `.ts`, the published package in `.js`.
 * This file imports nothing; every room may import it.
 */

/** URL of the module `path` (relative, without extension) beside `base`: `moduleUrl("./writer", import.meta.url)`. */
export function moduleUrl(path: string, base: string): URL {
  return new URL(`${path}${new URL(base).pathname.endsWith(".ts") ? ".ts" : ".js"}`, base);
}
