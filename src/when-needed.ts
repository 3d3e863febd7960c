/**
 * Packages that only some threads need. Each version of a project's code runs in a thread that loads Mortise anew: what it never asks for
 * (a YAML parser, a router, keys of issuers) made up a third of its start, and of that of every command.
 */
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

/** Gives the package, which is loaded when it is first asked for. */
export function whenNeeded<T>(name: string): () => T {
  let loaded: T | undefined;
  return () => {
    loaded ??= require(name) as T;
    return loaded;
  };
}
