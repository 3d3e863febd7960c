/**
 * The files that belong to the server and not to a code version: the configuration, the systems, the APIs, the requirements, the schedules, and what
 * those import besides the processes. They are read once, at the start; a deployment says which have changed since.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { configFile, projectFiles } from "./files.ts";
import { sourcesOf } from "./sources.ts";

/** Path, relative to the project, to the hash of its content. */
export type ServerFiles = ReadonlyMap<string, string>;

export function serverFiles(folder: string): ServerFiles {
  const { system, api, requirement, schedule, process } = projectFiles(folder);
  // A process belongs to the version, also where an API names it: the walk ends there.
  const { files } = sourcesOf(folder, [configFile, ...system, ...api, ...requirement, ...schedule], new Set(process));
  const hashes = new Map<string, string>();
  for (const file of files) {
    try {
      hashes.set(
        file,
        createHash("sha256")
          .update(readFileSync(join(folder, file)))
          .digest("base64url"),
      );
    } catch {
      // It went between the look and the reading: then it has changed.
    }
  }
  return hashes;
}

/** Paths that were read at the start and are other ones now, that are new, or that are gone. */
export function serverFilesChanged(folder: string, read: ServerFiles): readonly string[] {
  const now = serverFiles(folder);
  const all = new Set([...read.keys(), ...now.keys()]);
  return [...all].filter((file) => read.get(file) !== now.get(file)).sort();
}
