/**
 * A change of several files of one folder as one: all of it, or none. The new files are written and synced beside the old ones,
 * the old ones are kept, and only then each is put in its place by a rename. What fails on the way is taken back at once; what a
 * crash left half done is taken back by `settle`, which every command calls before it reads a pinned contract.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";

export interface Change {
  /** Path relative to the folder, with `/`, to what stands there afterwards. */
  readonly write: ReadonlyMap<string, Uint8Array>;
  /** Paths that are gone afterwards. */
  readonly remove: readonly string[];
}

interface Journal {
  /** Files that were there, and whose copies stand under `old/`. */
  readonly old: readonly string[];
  /** Files that were not there. */
  readonly fresh: readonly string[];
}

const workName = ".mortise-upgrade";

/** Throws what the file system says; then the folder is as it was. `step` is told before each thing that is done. */
export function applyChange(folder: string, { write, remove }: Change, step: (what: string) => void = () => {}): void {
  settle(folder);
  const work = join(folder, workName);
  const touched = [...new Set([...write.keys(), ...remove])];
  for (const path of touched)
    if (!resolve(folder, path).startsWith(resolve(folder) + sep)) throw new Error(`${path} lies outside of ${folder}`);
  const old = touched.filter((path) => existsSync(join(folder, path)));
  try {
    put(join(work, "owner"), Buffer.from(String(process.pid)));
    step("begin");
    for (const [path, bytes] of write) put(join(work, "new", path), bytes);
    for (const path of old) put(join(work, "old", path), readFileSync(join(folder, path)));
    const journal: Journal = { old, fresh: touched.filter((path) => !old.includes(path)) };
    put(join(work, "journal.new"), Buffer.from(JSON.stringify(journal)));
    step("journal");
    renameSync(join(work, "journal.new"), join(work, "journal.json"));
    syncFolder(work);
    for (const path of write.keys()) {
      step(`write ${path}`);
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      renameSync(join(work, "new", path), join(folder, path));
    }
    for (const path of remove) {
      step(`remove ${path}`);
      rmSync(join(folder, path), { force: true });
    }
    for (const at of new Set(touched.map((path) => dirname(join(folder, path))))) syncFolder(at);
    step("done");
    // From here on the change stands.
    rmSync(join(work, "journal.json"));
  } catch (error) {
    takeBack(folder, work);
    throw error;
  }
  step("clean");
  rmSync(work, { recursive: true, force: true });
}

/** Takes back what was left half done, unless somebody is at it. True if there was something. */
export function settle(folder: string): boolean {
  const work = join(folder, workName);
  return existsSync(work) && !isBusy(work) && takeBack(folder, work);
}

/** A change takes milliseconds. Later, its process's number may be that of another. */
const longestMs = 60_000;

function isBusy(work: string): boolean {
  try {
    const file = join(work, "owner");
    const owner = Number(readFileSync(file, "utf8"));
    if (owner === process.pid || Date.now() - statSync(file).mtimeMs > longestMs) return false;
    process.kill(owner, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function takeBack(folder: string, work: string): boolean {
  const file = join(work, "journal.json");
  const begun = existsSync(file);
  if (begun) {
    const { old, fresh } = JSON.parse(readFileSync(file, "utf8")) as Journal;
    for (const path of old) {
      // The copy stays until all is back: this may be cut short, too.
      put(join(work, "back", path), readFileSync(join(work, "old", path)));
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      renameSync(join(work, "back", path), join(folder, path));
    }
    for (const path of fresh) rmSync(join(folder, path), { force: true });
    for (const at of new Set([...old, ...fresh].map((path) => dirname(join(folder, path)))))
      if (existsSync(at)) syncFolder(at);
    rmSync(file);
  }
  rmSync(work, { recursive: true, force: true });
  return begun;
}

function put(file: string, bytes: Uint8Array): void {
  mkdirSync(dirname(file), { recursive: true });
  const opened = openSync(file, "w", 0o644);
  try {
    writeFileSync(opened, bytes);
    fsyncSync(opened);
  } finally {
    closeSync(opened);
  }
}

function syncFolder(folder: string): void {
  // Windows can't open a folder.
  if (process.platform === "win32") return;
  const opened = openSync(folder, "r");
  try {
    fsyncSync(opened);
  } finally {
    closeSync(opened);
  }
}

/** The names of the files that differ from what is on disk. */
export function changedBy(folder: string, { write, remove }: Change): readonly string[] {
  const changed = [...write].filter(([path, bytes]) => {
    const file = join(folder, path);
    return !existsSync(file) || !readFileSync(file).equals(bytes);
  });
  return [...changed.map(([path]) => path), ...remove.filter((path) => existsSync(join(folder, path)))].map((path) =>
    relative(folder, join(folder, path)).split(sep).join("/"),
  );
}
