/**
 * The files of one contract, wherever they lie: a folder, or the origin of a URL. A contract is untrusted text, so what it
 * refers to is read only inside its own folder or origin: no climbing out, no link that leads out, no other host, no `file:`.
 * Every reader gets at its files through here and nowhere else.
 */
import { createHash } from "node:crypto";
import { readdir, readFile, realpath, stat } from "node:fs/promises";
import { posix, resolve, sep } from "node:path";
import { failure, MortiseError } from "../../errors.ts";
import type { Outbound } from "../../outbound/outbound.ts";

/** Redirects that the address of a contract may take. */
export const mostRedirects = 3;

/** One file of a contract. */
export interface ContractFile {
  /** Relative to the contract's folder, with forward slashes. A file that came by URL has the name it is pinned under. */
  readonly path: string;
  /** Decoded by byte order mark, else by the XML declaration, else as UTF-8. */
  readonly text: string;
  readonly bytes: Uint8Array;
  readonly sha256: string;
}

/** The opened source: the entry, and whatever it refers to. */
export interface ContractFiles {
  readonly entry: ContractFile;
  /**
   * The file that `reference` (without its fragment) names, as seen from the file `from`; each one is read once.
   * Rejects with `contract-unreadable` naming `from` and `place` (where the reference stands; default "a reference").
   */
  read(reference: string, from: string, place?: string): Promise<ContractFile>;
  /** Every file read so far: the entry first, the others by path. */
  files(): readonly ContractFile[];
}

export interface SourceOptions {
  /** Needed for a URL. */
  readonly outbound?: Outbound;
  /** Folder that references may not leave. Default: the folder of the entry. Files only. */
  readonly root?: string;
  /** The URL that a pinned contract came from: references to that origin are looked up among the pinned files. */
  readonly origin?: string;
  /** Files for absolute addresses: URL to path relative to the root. */
  readonly urls?: Readonly<Record<string, string>>;
  /** Allow private and loopback addresses. Default false. URL only. */
  readonly internal?: boolean;
  /** Bytes of one file. Default 16 MiB. */
  readonly maxFileBytes?: number;
  /** Files of one contract. Default 500. */
  readonly maxFiles?: number;
  /** Milliseconds for one fetch. Default 30,000. */
  readonly timeoutMs?: number;
  /** Told of each file that was fetched, with the headers of its answer. */
  readonly fetched?: (url: string, headers: Readonly<Record<string, string>>) => void;
}

const schemeForm = /^[a-z][a-z0-9+.-]*:/i;

/** Opens a contract by file name or by `http:`/`https:` URL. Rejects with `contract-unreadable`, or as the outbound client does. */
export async function openSource(entry: string, options: SourceOptions = {}): Promise<ContractFiles> {
  return /^https?:/i.test(entry) ? openUrl(new URL(entry), options) : openFolder(entry, options);
}

async function openFolder(entry: string, options: SourceOptions): Promise<ContractFiles> {
  const full = resolve(entry);
  const rootGiven = options.root === undefined ? resolve(full, "..") : resolve(options.root);
  let root: string;
  try {
    root = await realpath(rootGiven);
  } catch {
    throw unreadable(entry, "its folder", "there is no such folder");
  }
  const below = rootGiven.endsWith(sep) ? rootGiven : rootGiven + sep;
  const relative = full.startsWith(below) ? full.slice(below.length).split(sep).join("/") : undefined;
  if (relative === undefined) throw unreadable(entry, "its path", `it lies outside the folder ${rootGiven}`);
  const origin = options.origin === undefined ? undefined : new URL(options.origin);
  const maxBytes = options.maxFileBytes ?? 16 * 1024 * 1024;

  const locate = (reference: string, from: string): string => {
    const mapped =
      options.urls !== undefined && Object.hasOwn(options.urls, reference) ? options.urls[reference] : undefined;
    if (mapped !== undefined) return climbFree(mapped, "");
    if (origin === undefined) {
      if (schemeForm.test(reference) || reference.startsWith("//")) throw new Error(foreign);
      return climbFree(nameOf(reference), from);
    }
    return within(reference, from, origin);
  };
  const load = async (path: string): Promise<Uint8Array> => {
    const file = await realpath(resolve(root, path)).catch(() => {
      throw new Error("there is no such file");
    });
    if (!file.startsWith(root + sep)) throw new Error("it is a link that leads out of the contract's folder");
    const facts = await stat(file);
    if (facts.isDirectory() && path === relative)
      throw new Error(`it is a folder; name the file that the contract begins with${await likely(file)}`);
    if (!facts.isFile()) throw new Error("it is not a file");
    if (facts.size > maxBytes) throw new Error(`it is larger than ${maxBytes} bytes`);
    return readFile(file);
  };
  return files(relative, entry, locate, load, options);
}

/** The files of a folder that a contract may begin with, to choose from. */
async function likely(folder: string): Promise<string> {
  const names = (await readdir(folder)).filter((name) => /\.(wsdl|ya?ml|json|sql)$/i.test(name)).sort();
  const services = names.filter((name) => /\.wsdl$/i.test(name));
  const [first, ...others] = services.length > 0 ? services : names;
  if (first === undefined) return "";
  const more = others.length > 7 ? ", ..." : "";
  return `: ${[first, ...others.slice(0, 7)].join(", ")}${more}`;
}

async function openUrl(entry: URL, options: SourceOptions): Promise<ContractFiles> {
  const { outbound } = options;
  if (outbound === undefined) throw unreadable(entry.href, "its address", "no HTTP client was given to fetch it with");
  entry.hash = "";
  const addresses = new Map<string, string>([[pinnedName(entry, entry), entry.href]]);
  const locate = (reference: string, from: string): string => {
    const url = new URL(reference, addresses.get(from) ?? entry);
    if (url.origin !== entry.origin) throw new Error(foreign);
    url.hash = "";
    const path = pinnedName(url, entry);
    if (!addresses.has(path)) addresses.set(path, url.href);
    return path;
  };
  const load = async (path: string): Promise<Uint8Array> => {
    const response = await outbound.request({
      method: "GET",
      url: addresses.get(path) ?? entry.href,
      headers: { accept: "application/json, application/yaml, text/yaml, text/xml, application/xml, */*" },
      deadline: Date.now() + (options.timeoutMs ?? 30_000),
      maxResponseBytes: options.maxFileBytes ?? 16 * 1024 * 1024,
      internal: options.internal ?? false,
      redirects: mostRedirects,
    });
    if (response.status !== 200) throw new Error(`the server answered ${response.status}`);
    options.fetched?.(addresses.get(path) ?? entry.href, response.headers);
    return response.body;
  };
  return files(pinnedName(entry, entry), entry.href, locate, load, options);
}

/** Why a reference to another host is refused, whatever stands there. */
export const foreign = "it leads to another place, and only the contract's own folder or origin is read";

/** Memory, limits and errors, the same for both kinds. `locate` and `load` throw plain errors: the reason. */
async function files(
  entryPath: string,
  entryShown: string,
  locate: (reference: string, from: string) => string,
  load: (path: string) => Promise<Uint8Array>,
  options: SourceOptions,
): Promise<ContractFiles> {
  const maxFiles = options.maxFiles ?? 500;
  const pending = new Map<string, Promise<ContractFile>>();
  const done = new Map<string, ContractFile>();
  const open = (path: string): Promise<ContractFile> => {
    let file = pending.get(path);
    if (file === undefined) {
      if (pending.size >= maxFiles) throw new Error(`a contract may have at most ${maxFiles} files`);
      file = load(path).then((bytes) => {
        const sha256 = createHash("sha256").update(bytes).digest("hex");
        const read: ContractFile = Object.freeze({ path, text: decode(bytes), bytes, sha256 });
        done.set(path, read);
        return read;
      });
      pending.set(path, file);
    }
    return file;
  };
  const entry = await open(entryPath).catch((cause: Error) => {
    if (cause instanceof MortiseError) throw cause;
    throw new MortiseError("contract-unreadable", `The contract ${entryShown} can't be read: ${cause.message}.`, {
      cause,
    });
  });
  return Object.freeze({
    entry,
    async read(reference: string, from: string, place = "a reference"): Promise<ContractFile> {
      try {
        return await open(locate(reference, from));
      } catch (cause) {
        if (cause instanceof MortiseError) throw cause;
        throw unreadable(from, place, `"${shown(reference)}" can't be read: ${(cause as Error).message}`);
      }
    },
    files(): readonly ContractFile[] {
      const others = [...done.values()].filter((file) => file !== entry);
      others.sort((a, b) => (a.path < b.path ? -1 : 1));
      return [entry, ...others];
    },
  });
}

/** A relative path, seen from the file `from`, inside the root. Throws where it climbs out. */
function climbFree(path: string, from: string): string {
  if (/[\\\0]/.test(path)) throw new Error("it holds a character that no path may hold");
  if (path.startsWith("/")) throw new Error("it is an absolute path, and only the contract's own folder is read");
  const joined = posix.normalize(posix.join(posix.dirname(from), path));
  if (joined === ".." || joined.startsWith("../")) throw new Error("it climbs out of the contract's folder");
  return joined;
}

/** A reference inside a pinned contract that came from `origin`: the same names as when it was fetched. */
function within(reference: string, from: string, origin: URL): string {
  const outside = from.startsWith("_origin/");
  const path = (outside ? from.slice("_origin".length) : from).split("/").map(encodeURIComponent).join("/");
  const url = new URL(reference, new URL(path, origin));
  if (url.origin !== origin.origin) throw new Error(foreign);
  return pinnedName(url, origin);
}

/** The name that a fetched file is pinned under: its path below the entry's folder; else its path below the origin, in `_origin/`. */
function pinnedName(url: URL, entry: URL): string {
  const folder = entry.pathname.slice(0, entry.pathname.lastIndexOf("/") + 1);
  const inside = url.pathname.startsWith(folder);
  const path = inside ? url.pathname.slice(folder.length) : `_origin${url.pathname}`;
  return climbFree(nameOf(`${path === "" ? "contract" : path}${url.search}`), "");
}

/** A reference as a file name: percent-encoding undone; a query becomes part of the name. */
function nameOf(reference: string): string {
  const mark = reference.indexOf("?");
  const path = mark < 0 ? reference : reference.slice(0, mark);
  let name: string;
  try {
    name = decodeURIComponent(path);
  } catch {
    name = path; // a stray "%" is a plain character of a file name
  }
  return mark < 0 ? name : `${name}-${reference.slice(mark + 1).replace(/[^A-Za-z0-9._-]+/g, "-")}`;
}

function decode(bytes: Uint8Array): string {
  const head = Buffer.from(bytes.subarray(0, 200)).toString("latin1");
  const declared = /^<\?xml[^>]*encoding=["']([A-Za-z0-9._-]+)/.exec(head)?.[1];
  const encoding = head.startsWith("\xff\xfe")
    ? "utf-16le"
    : head.startsWith("\xfe\xff")
      ? "utf-16be"
      : (declared ?? "utf-8");
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    throw new Error(`its bytes are not ${encoding} text`);
  }
}

function shown(reference: string): string {
  return reference.length <= 200 ? reference : `${reference.slice(0, 200)}…`;
}

function unreadable(file: string, place: string, reason: string): MortiseError {
  return failure("contract-unreadable", { file, place, reason });
}

/** A contract whose files are at hand as text, the entry first; they are checked and referred to like those of a folder. */
export function openTexts(texts: Readonly<Record<string, string>>): Promise<ContractFiles> {
  const [entry = ""] = Object.keys(texts);
  const locate = (reference: string, from: string): string => climbFree(nameOf(reference), from);
  const load = (path: string): Promise<Uint8Array> =>
    Object.hasOwn(texts, path)
      ? Promise.resolve(Buffer.from(texts[path]!))
      : Promise.reject(new Error("there is no such file"));
  return files(entry, entry, locate, load, {});
}
