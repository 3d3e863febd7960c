/**
 * A contract from wherever a command may name it: a file, a URL, a file at a git revision (`HEAD~1:systems/erp/erp.wsdl`), a pinned
 * `contract.json`, or the name of a system of the project.
 */
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, posix, resolve } from "node:path";
import { promisify } from "node:util";
import { type ContractModel, frozen } from "../contract/model.ts";
import { readContract } from "../contract/read/read-contract.ts";
import { type ContractFiles, openSource } from "../contract/read/source.ts";
import { failure } from "../errors.ts";
import { readPin, systemFolder, withUrl } from "./pin.ts";

const run = promisify(execFile);
/** Files of one folder at a revision. */
const mostFiles = 500;

export interface ReadOptions {
  /** Working directory. */
  readonly folder: string;
  /** Of the project, if there is one. */
  readonly project?: string;
  readonly internal?: boolean;
  /** Folder that references may reach. */
  readonly root?: string;
}

export interface ReadContract {
  readonly model: ContractModel;
  /** Absent: a pinned model, whose own files were not read. */
  readonly opened?: ContractFiles;
}

/** Rejects with `contract-unreadable`, `contract-source`, or as the outbound client does. */
export async function contractFrom(from: string, name: string, options: ReadOptions): Promise<ReadContract> {
  if (/^https?:/i.test(from)) return fromUrl(from, name, options);
  const file = resolve(options.folder, from);
  if (existsSync(file)) return fromFile(file, name, options);
  const { project } = options;
  if (
    project !== undefined &&
    /^[a-z0-9-]+$/.test(from) &&
    existsSync(join(systemFolder(project, from), "contract.json"))
  )
    return { model: frozen(readPin(systemFolder(project, from))) };
  const colon = from.indexOf(":");
  if (colon > 0) return fromRevision(from.slice(0, colon), from.slice(colon + 1), name, options);
  throw failure("contract-source", { source: from, reason: "there is no such file, and no system of this name" });
}

async function fromUrl(from: string, name: string, { internal = false, folder }: ReadOptions): Promise<ReadContract> {
  const { readLive } = await import("../server/contracts/live.ts");
  const source = { location: from, system: name, project: folder, folder, internal, schemas: [], tables: [] };
  const { model, files } = await readLive(source);
  return { model: withUrl(model, from), opened: files };
}

async function fromFile(file: string, name: string, { root, folder }: ReadOptions): Promise<ReadContract> {
  if (basename(file) === "contract.json") return { model: frozen(readPin(dirname(file))) };
  const opened = await openSource(file, { root: root === undefined ? dirname(file) : resolve(folder, root) });
  return { model: await readContract(opened, name), opened };
}

/** The file, and what lies beside and below it, as it was: a contract may be many files. */
async function fromRevision(revision: string, path: string, name: string, options: ReadOptions): Promise<ReadContract> {
  const source = `${revision}:${path}`;
  const git = async (args: readonly string[], encoding: "utf8" | "buffer"): Promise<string | Buffer> => {
    try {
      const { stdout } = await run("git", args, { cwd: options.folder, encoding, maxBuffer: 32 * 1024 * 1024 });
      return stdout;
    } catch (cause) {
      const said = String((cause as { stderr?: unknown }).stderr ?? (cause as Error).message);
      throw failure("contract-source", { source, reason: said.trim().split("\n")[0] ?? "git failed" }, { cause });
    }
  };
  if (revision.startsWith("-")) throw failure("contract-source", { source, reason: "this is no revision" });
  // As git has it: from the top of the repository, or with ./ from the current folder.
  const prefix = ((await git(["rev-parse", "--show-prefix"], "utf8")) as string).trim();
  const entry = posix.normalize(path.startsWith("./") || path.startsWith("../") ? posix.join(prefix, path) : path);
  const beside = posix.dirname(entry);
  const listed = (await git(
    ["ls-tree", "-r", "-z", "--name-only", "--full-tree", revision, "--", beside === "." ? "." : `${beside}/`],
    "utf8",
  )) as string;
  const files = listed.split("\0").filter((each) => each !== "");
  if (!files.includes(entry))
    throw failure("contract-source", { source, reason: "there is no such file at that revision" });
  const wanted =
    basename(entry) === "contract.json" ? [entry] : files.filter((each) => isContract(each) || each === entry);
  if (wanted.length > mostFiles)
    throw failure("contract-source", { source, reason: `its folder has more than ${mostFiles} files` });
  const folder = mkdtempSync(join(tmpdir(), "mortise-revision-"));
  try {
    for (const each of wanted) {
      const target = join(folder, posix.relative(beside, each));
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, (await git(["cat-file", "blob", `${revision}:${each}`], "buffer")) as Buffer);
    }
    const main = join(folder, basename(entry));
    if (basename(entry) === "contract.json")
      return { model: frozen(JSON.parse(readFileSync(main, "utf8")) as ContractModel) };
    const opened = await openSource(main, { root: folder });
    return { model: await readContract(opened, name), opened };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function isContract(path: string): boolean {
  return /\.(ya?ml|json|wsdl|xsd|xml|sql)$/i.test(path);
}
