/**
 * Pinned contracts: of systems in `systems/<name>/`, of APIs that are to be implemented in `apis/<name>/`. Each has the contract's own files,
 * `contract.json` and `contract.ts`.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type ContractModel, frozen } from "../contract/model.ts";
import { onlyOf, unknownNames } from "../contract/only.ts";
import { readContract } from "../contract/read/read-contract.ts";
import { type ContractFile, openSource } from "../contract/read/source.ts";
import { type ContractOf, writeContract } from "../contract/write/typescript.ts";
import { failure } from "../errors.ts";
import { closest } from "../server/admin/closest.ts";
import { type Change, settle } from "./change.ts";

/** Names of systems that have a pinned contract, sorted. What an upgrade left half done is taken back first. */
export function pinnedSystems(project: string): readonly string[] {
  return pinnedIn(join(project, "systems"));
}

/** One pinned contract of a project. */
export interface Pinned {
  readonly of: ContractOf;
  readonly name: string;
  /** Absolute. */
  readonly folder: string;
  /** Relative to the project: `systems/erp`, `apis/stock.v1`. */
  readonly place: string;
}

/** All of them: systems first. */
export function pinnedContracts(project: string): readonly Pinned[] {
  const of = (kind: ContractOf, place: string) =>
    pinnedIn(join(project, place)).map(
      (name): Pinned => ({ of: kind, name, folder: join(project, place, name), place: `${place}/${name}` }),
    );
  return [...of("system", "systems"), ...of("api", "apis")];
}

function pinnedIn(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  for (const name of readdirSync(folder)) settle(join(folder, name));
  return readdirSync(folder)
    .filter((name) => existsSync(join(folder, name, "contract.json")))
    .sort();
}

export function apiFolder(project: string, name: string): string {
  return join(project, "apis", name);
}

export function systemFolder(project: string, name: string): string {
  return join(project, "systems", name);
}

/** The pin as it stands there. Throws `contract-pin-unreadable`. */
export function readPin(folder: string): ContractModel {
  settle(folder);
  const file = join(folder, "contract.json");
  try {
    return JSON.parse(readFileSync(file, "utf8")) as ContractModel;
  } catch (cause) {
    throw failure("contract-pin-unreadable", { file, reason: (cause as Error).message }, { cause });
  }
}

/** The contract read again from the files that are pinned, as much of it as before, or as `only` says. Rejects with `contract-unreadable`. */
export async function readPinned(folder: string, name: string, only?: string): Promise<ContractModel> {
  const { source } = readPin(folder);
  const entry = source.files[0]?.path ?? "";
  const opened = await openSource(join(folder, entry), {
    root: folder,
    ...(source.url === undefined ? {} : { origin: source.url }),
  });
  const model = withUrl(await readContract(opened, name), source.url);
  if (only !== undefined) return chooseOnly(model, only);
  return source.only === undefined ? model : onlyOf(model, source.only);
}

/** The part of a contract that `--only` names: `placeOrder,getOrder`; `*` is all of it. Throws `option-invalid` for a name that it does not have. */
export function chooseOnly(model: ContractModel, only: string | undefined): ContractModel {
  if (only === undefined || only.trim() === "*") return model;
  const names = only.split(",").map((name) => name.trim());
  const unknown = unknownNames(model, names);
  if (unknown.length === 0) return onlyOf(model, names);
  const all = [...Object.keys(model.operations), ...Object.keys(model.events)];
  const meant = unknown.map((name) => closest(name, all));
  const named = unknown.map((name, at) =>
    meant[at] === undefined ? JSON.stringify(name) : `${JSON.stringify(name)} (did you mean ${meant[at]}?)`,
  );
  const lost = unknown.filter((_, at) => meant[at] === undefined);
  const near = all.filter((one) => lost.some((name) => name !== "" && one.toLowerCase().includes(name.toLowerCase())));
  const offered = near.length > 0 ? near : all;
  const more = offered.length > 20 ? `, and ${offered.length - 20} more` : "";
  const has = lost.length === 0 ? "" : `; it has ${offered.slice(0, 20).join(", ")}${more}`;
  throw failure("option-invalid", {
    option: "--only",
    reason: `the contract has no operation or event ${named.join(", ")}${has}`,
  });
}

/** The model, with where it was fetched from. */
export function withUrl(model: ContractModel, url: string | undefined): ContractModel {
  return url === undefined ? model : frozen({ ...model, source: { ...model.source, url } });
}

/** What a pin consists of besides the contract's own files: path in its folder to text. */
export function written(model: ContractModel, of: ContractOf = "system"): Readonly<Record<string, string>> {
  return writeContract(model, of);
}

/** Writes what differs, and gives the names of those files. */
export function writeTexts(folder: string, texts: Readonly<Record<string, string>>): readonly string[] {
  const changed: string[] = [];
  for (const [path, text] of Object.entries(texts)) {
    const file = join(folder, path);
    if (existsSync(file) && readFileSync(file, "utf8") === text) continue;
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    changed.push(path);
  }
  return changed;
}

const ours = ["contract.json", "contract.ts", "index.ts"];

/** A pin as one change: the contract's own files, what is read from them, and without those of the pin before that are gone. */
export function pinChange(
  files: readonly ContractFile[],
  model: ContractModel,
  before?: ContractModel,
  of: ContractOf = "system",
): Change {
  checkNames(files);
  const write = new Map<string, Uint8Array>(files.map(({ path, bytes }) => [path, bytes]));
  for (const [path, text] of Object.entries(written(model, of))) write.set(path, Buffer.from(text));
  const remove = (before?.source.files ?? [])
    .map(({ path }) => path)
    .filter((path) => !write.has(path) && !ours.includes(path));
  return { write, remove };
}

function checkNames(files: readonly ContractFile[]): void {
  for (const { path } of files) {
    if (ours.includes(path))
      throw failure("option-invalid", {
        option: "<contract>",
        reason: `its file ${path} has a name that the pin needs; rename it`,
      });
  }
}
