/**
 * Code versions: a snapshot of the sources that the project's processes import, by content hash, plus the locked versions of the
 * packages they import. A run ends on the version it started on (P5). Connections, secrets and Mortise itself stay outside.
 *
 * A snapshot lies in `<store>/versions/<id>/` in the layout of the project, with a manifest `version.json`. It is written to a
 * temporary folder, synced and renamed, and checked against its hash whenever it is loaded. Packages are not copied: they come
 * from the project's node_modules, and the manifest says which versions the snapshot was made with.
 */
import { createHash, randomBytes } from "node:crypto";
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { failure } from "../../errors.ts";
import { projectInvalid, sourcesOf } from "../project/sources.ts";

export interface VersionManifest {
  readonly format: 1;
  /** Module type of the project's package.json; decides what `.ts` means. */
  readonly type: "module" | "commonjs" | "none";
  /** Files with processes. */
  readonly entries: readonly string[];
  readonly files: readonly { readonly path: string; readonly sha256: string }[];
  readonly packages: readonly { readonly name: string; readonly version: string }[];
}

/** A version that is pinned: a folder that can be imported from. */
export interface Version {
  readonly id: string;
  readonly folder: string;
  readonly manifest: VersionManifest;
}

/** A version before it is pinned: what it is made of, read once, so that what is hashed is what is written. */
export interface VersionPlan {
  readonly id: string;
  readonly manifest: VersionManifest;
  readonly contents: ReadonlyMap<string, Buffer>;
}

const manifestFile = "version.json";
const versionForm = /^[0-9a-f]{32}$/;

/** Reads the sources that the processes of the project import. The same sources give the same id, anywhere. */
export function planVersion(project: {
  readonly folder: string;
  readonly processFiles: readonly string[];
}): VersionPlan {
  const { files, packages, problems } = sourcesOf(project.folder, project.processFiles);
  if (problems.length > 0) throw projectInvalid(project.folder, problems);
  const contents = new Map(files.map((file) => [file, readFileSync(join(project.folder, file))]));
  const manifest: VersionManifest = {
    format: 1,
    type: moduleType(project.folder),
    entries: [...project.processFiles].sort(),
    files: [...contents].map(([path, content]) => ({ path, sha256: sha256(content) })),
    packages: lockedPackages(project.folder, packages),
  };
  return { id: versionId(manifest), manifest, contents };
}

/** Writes the version into the store, if it is not there yet. It is on disk when this returns. */
export function pinVersion(store: string, plan: VersionPlan): Version {
  const folder = versionFolder(store, plan.id);
  if (existsSync(folder)) return loadVersion(store, plan.id);
  const parent = dirname(folder);
  mkdirSync(parent, { recursive: true });
  const temporary = join(parent, `.new-${randomBytes(6).toString("hex")}`);
  const folders = new Set([temporary]);
  const write = (path: string, content: Uint8Array) => {
    const target = join(temporary, path);
    mkdirSync(dirname(target), { recursive: true });
    for (let at = dirname(target); at !== temporary; at = dirname(at)) folders.add(at);
    const file = openSync(target, "wx", 0o644);
    writeSync(file, content);
    fsyncSync(file);
    closeSync(file);
  };
  mkdirSync(temporary);
  try {
    for (const [path, content] of plan.contents) write(path, content);
    if (plan.manifest.type !== "none" && !plan.contents.has("package.json")) {
      write("package.json", Buffer.from(`${JSON.stringify({ type: plan.manifest.type })}\n`));
    }
    write(manifestFile, Buffer.from(`${JSON.stringify(plan.manifest, null, 2)}\n`));
    for (const path of folders) syncFolder(path);
    renameSync(temporary, folder);
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    // Another one may have pinned the same version meanwhile; then that one is as good.
    if (!existsSync(folder)) throw error;
  }
  syncFolder(parent);
  return loadVersion(store, plan.id);
}

/** A pinned version, checked against its hash. Throws `version-damaged`. */
export function loadVersion(store: string, id: string): Version {
  const folder = versionFolder(store, id);
  const damaged = (reason: string, cause?: unknown) =>
    failure("version-damaged", { version: id, reason, folder }, { cause });
  if (!versionForm.test(id)) throw damaged("its name is none of a version");
  let manifest: VersionManifest;
  try {
    manifest = JSON.parse(readFileSync(join(folder, manifestFile), "utf8")) as VersionManifest;
  } catch (cause) {
    throw damaged("its manifest can't be read", cause);
  }
  if (versionId(manifest) !== id) throw damaged("its manifest was changed");
  for (const { path, sha256: expected } of manifest.files) {
    let content: Buffer;
    try {
      content = readFileSync(join(folder, path));
    } catch (cause) {
      throw damaged(`${path} can't be read`, cause);
    }
    if (sha256(content) !== expected) throw damaged(`${path} was changed`);
  }
  return { id, folder, manifest };
}

/** Ids of the pinned versions. */
export function listVersions(store: string): readonly string[] {
  const parent = join(store, "versions");
  if (!existsSync(parent)) return [];
  return readdirSync(parent)
    .filter((name) => versionForm.test(name))
    .sort();
}

/** Removes the versions that are not `needed`, and what an interrupted pin or removal left. Returns the ids removed. */
export function removeVersions(store: string, needed: ReadonlySet<string>): readonly string[] {
  const parent = join(store, "versions");
  if (!existsSync(parent)) return [];
  for (const name of readdirSync(parent)) {
    if (/^\.(new|gone)-/.test(name)) rmSync(join(parent, name), { recursive: true, force: true });
  }
  const gone = listVersions(store).filter((id) => !needed.has(id));
  for (const id of gone) removeVersion(store, id);
  return gone;
}

/** Removes one that is there. */
export function removeVersion(store: string, id: string): void {
  const folder = versionFolder(store, id);
  // Renamed first: a removal that is interrupted must not leave half a version under its name.
  const away = join(dirname(folder), `.gone-${id}`);
  renameSync(folder, away);
  rmSync(away, { recursive: true, force: true });
}

/** Packages whose installed version is no longer the one that the version was made with. */
export function movedPackages(
  folder: string,
  manifest: VersionManifest,
): readonly { readonly name: string; readonly was: string; readonly is: string }[] {
  const roots = manifest.packages.map(({ name }) => name);
  const now = new Map(lockedPackages(folder, roots).map(({ name, version }) => [name, version]));
  return manifest.packages.flatMap(({ name, version }) => {
    const is = now.get(name) ?? "missing";
    return is === version ? [] : [{ name, was: version, is }];
  });
}

function versionFolder(store: string, id: string): string {
  return join(resolve(store), "versions", id);
}

function versionId(manifest: VersionManifest): string {
  return sha256(Buffer.from(JSON.stringify(manifest))).slice(0, 32);
}

function sha256(content: Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

function syncFolder(path: string): void {
  // Windows can't open a folder; its rename is journalled.
  if (process.platform === "win32") return;
  const handle = openSync(path, "r");
  fsyncSync(handle);
  closeSync(handle);
}

function moduleType(folder: string): VersionManifest["type"] {
  for (let at = folder; ; at = dirname(at)) {
    const file = join(at, "package.json");
    if (existsSync(file)) {
      const { type } = JSON.parse(readFileSync(file, "utf8")) as { type?: unknown };
      return type === "module" || type === "commonjs" ? type : "none";
    }
    if (dirname(at) === at) return "none";
  }
}

interface Lock {
  readonly packages?: {
    readonly [path: string]:
      | { readonly version?: string; readonly dependencies?: Readonly<Record<string, string>> }
      | undefined;
  };
}

/** The packages and what they depend on, with the versions that the nearest package-lock.json holds. Sorted by name. */
function lockedPackages(folder: string, roots: readonly string[]): VersionManifest["packages"] {
  if (roots.length === 0) return [];
  const lock = nearestLock(folder);
  const found = new Map<string, Set<string>>();
  const visited = new Set<string>();
  const open = roots.map((name) => ({ from: lock?.from ?? "", name }));
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const path = lockedPath(lock?.packages ?? {}, next.from, next.name);
    const entry = path === undefined ? undefined : lock?.packages[path];
    const versions = found.get(next.name) ?? new Set();
    found.set(next.name, versions.add(entry?.version ?? installedVersion(folder, next.name)));
    if (path === undefined || visited.has(path)) continue;
    visited.add(path);
    for (const name of Object.keys(entry?.dependencies ?? {})) open.push({ from: path, name });
  }
  return [...found]
    .map(([name, versions]) => ({ name, version: [...versions].sort().join(" ") }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function nearestLock(folder: string): { from: string; packages: NonNullable<Lock["packages"]> } | undefined {
  for (let at = folder; ; at = dirname(at)) {
    const file = join(at, "package-lock.json");
    if (existsSync(file)) {
      const lock = JSON.parse(readFileSync(file, "utf8")) as Lock;
      // In a workspace the project's own packages stand below its path.
      const from = folder.slice(at.length + 1).replaceAll("\\", "/");
      return { from, packages: lock.packages ?? {} };
    }
    if (dirname(at) === at) return undefined;
  }
}

/** Where `name` is found from the package at `from`, going up as Node does. */
function lockedPath(packages: NonNullable<Lock["packages"]>, from: string, name: string): string | undefined {
  for (let at = from; ; at = at.includes("/") ? at.slice(0, at.lastIndexOf("/")) : "") {
    const path = `${at === "" ? "" : `${at}/`}node_modules/${name}`;
    if (Object.hasOwn(packages, path)) return path;
    if (at === "") return undefined;
  }
}

function installedVersion(folder: string, name: string): string {
  for (let at = folder; ; at = dirname(at)) {
    const file = join(at, "node_modules", name, "package.json");
    if (existsSync(file)) return String((JSON.parse(readFileSync(file, "utf8")) as { version?: unknown }).version);
    if (dirname(at) === at) return "unlocked";
  }
}
