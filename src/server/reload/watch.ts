/**
 * Watches the files that a project is made of, and says when they have become others: `mortise start --watch`. Looked at are the files that its modules and contracts came from,
 * those that they import and that are not there yet, the folders in which new ones are found, and the published contracts.
 *
 * It looks, rather than being told: events of a file system differ between systems, and folders that are mounted or shared send none. A look asks for sizes and times only; the
 * files are read once those have changed and stayed the same for two looks, since an editor, a checkout or a generator writes many of them, one after the other.
 */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { publishedFolder } from "../apis/published/locked.ts";
import { configFile, projectFiles } from "../project/files.ts";
import { sourcesOf } from "../project/sources.ts";

export interface ProjectWatch {
  /**
   * From now on `take` is called with the paths that changed since they were taken last, one call at a time. One that rejects has left what was; it is called again
   * when a file changes, or one in the folder of the secrets (`secrets`, absolute), which may be what was lacking.
   */
  begin(take: (changed: readonly string[]) => Promise<unknown>, secrets: string): void;
  close(): void;
}

export interface WatchOptions {
  /** Milliseconds between two looks. Default 300. */
  readonly everyMs?: number;
}

/** `folder`: of the project, absolute. Open it before the project is read: what changes from here on is found. */
export function openProjectWatch(folder: string, { everyMs = 300 }: WatchOptions = {}): ProjectWatch {
  let known: readonly string[] = [];
  let taken = contents();
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  /** Path to the hash of what stands there. Of a file that is not there, nothing. */
  function contents(): ReadonlyMap<string, string> {
    known = watchedFiles(folder, known);
    const found = new Map<string, string>();
    for (const file of known) {
      try {
        found.set(
          file,
          createHash("sha256")
            .update(readFileSync(join(folder, file)))
            .digest("base64url"),
        );
      } catch {
        // It is not there, or not yet.
      }
    }
    return found;
  }

  /** Of what is looked at: which there are, how large, and when they were written. */
  async function stamp(secrets: string): Promise<{ readonly files: string; readonly secrets: string }> {
    const files = [...new Set([...known, ...entries(folder)])].sort();
    return { files: await stampOf(folder, files), secrets: await stampOf(secrets, list(secrets)) };
  }

  return {
    begin(take, secrets) {
      let settled = "";
      let before = "";
      let failedWith: string | undefined;

      async function look(): Promise<void> {
        const now = await stamp(secrets);
        const all = `${now.files}\n${failedWith === undefined ? "" : now.secrets}`;
        const quiet = all === before;
        before = all;
        if (!quiet || all === settled) return;
        settled = all;
        const found = contents();
        const changed = differing(taken, found);
        if (changed.length === 0 && (failedWith === undefined || failedWith === now.secrets)) return;
        taken = found;
        try {
          await take(changed);
          failedWith = undefined;
        } catch {
          failedWith = now.secrets;
        }
      }

      function later(): void {
        timer = setTimeout(() => {
          look()
            // What went while it was looked at: the next look finds the rest.
            .catch(() => {})
            .finally(() => {
              if (!closed) later();
            });
        }, everyMs).unref();
      }
      later();
    },
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}

/** Where the reading of a project begins. */
function entries(folder: string): readonly string[] {
  return [
    "package.json",
    configFile,
    ...Object.values(projectFiles(folder)).flat(),
    ...list(join(folder, publishedFolder)).map((name) => `${publishedFolder}/${name}`),
  ];
}

/** All that a project is made of, and what is wanted and missing. While a file can't be read, also what was known before. */
function watchedFiles(folder: string, before: readonly string[]): readonly string[] {
  const start = entries(folder);
  try {
    const { files, missing } = sourcesOf(
      folder,
      start.filter((file) => existsSync(join(folder, file))),
    );
    return [...new Set([...start, ...files, ...missing])].sort();
  } catch {
    return [...new Set([...start, ...before])].sort();
  }
}

function differing(one: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>): readonly string[] {
  return [...new Set([...one.keys(), ...other.keys()])].filter((file) => one.get(file) !== other.get(file)).sort();
}

async function stampOf(folder: string, files: readonly string[]): Promise<string> {
  const lines: string[] = [];
  for (const file of files) {
    const found = await stat(join(folder, file)).catch(() => undefined);
    lines.push(`${file} ${found === undefined ? "-" : `${found.mtimeMs} ${found.size} ${found.ino}`}`);
  }
  return lines.join("\n");
}

function list(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}
