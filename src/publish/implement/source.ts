/** The documents of a given contract as they were pinned, byte for byte, and as one document. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join, posix } from "node:path";
import type { Contract } from "../../contract/contract.ts";
import { parseFile } from "../../contract/read/document.ts";
import { failure } from "../../errors.ts";
import { type Json, pointerToken } from "../../operation.ts";

export interface ContractSource {
  /** The entry first. `path`: relative to the contract's folder. */
  readonly files: readonly { readonly path: string; readonly bytes: Uint8Array; readonly text: string }[];
  /** All of it in one document: other files stand below `x-files`, and references lead there. */
  readonly document: { readonly [member: string]: Json };
}

const known = new WeakMap<object, ContractSource>();

/** Throws `contract-pin-changed` and `contract-pin-unreadable`. */
export function sourceOf(contract: Contract): ContractSource {
  const before = known.get(contract.model);
  if (before !== undefined) return before;
  const { folder, model } = contract;
  if (folder === undefined)
    throw failure("contract-pin-unreadable", { file: model.name, reason: "it was not read from a folder" });
  const files = model.source.files.map(({ path, sha256 }) => {
    const file = join(folder, path);
    let bytes: Buffer;
    try {
      bytes = readFileSync(file);
    } catch (cause) {
      throw failure("contract-pin-unreadable", { file, reason: (cause as Error).message }, { cause });
    }
    if (createHash("sha256").update(bytes).digest("hex") !== sha256) throw failure("contract-pin-changed", { file });
    return { path, bytes, text: bytes.toString("utf8").replace(/^\ufeff/, ""), sha256 };
  });
  const source = { files, document: bundled(files, model.source.url) };
  known.set(contract.model, source);
  return source;
}

type Parsed = ReadonlyMap<string, Json>;
/** Members whose value is an example or a constant: a `$ref` inside is no reference. */
const data: ReadonlySet<string> = new Set(["example", "default", "const", "enum", "value"]);

function bundled(
  files: readonly {
    readonly path: string;
    readonly text: string;
    readonly bytes: Uint8Array;
    readonly sha256: string;
  }[],
  url: string | undefined,
): ContractSource["document"] {
  const parsed: Parsed = new Map(files.map((file) => [file.path, parseFile(file).value]));
  const [entry] = files;
  if (entry === undefined) return {};
  const whole = rewritten(parsed.get(entry.path) ?? null, entry.path, entry.path, parsed, url);
  const others = files.slice(1).map(({ path }): [string, Json] => {
    return [path, rewritten(parsed.get(path) ?? null, path, entry.path, parsed, url)];
  });
  const document = whole as { readonly [member: string]: Json };
  return others.length === 0 ? document : { ...document, "x-files": Object.fromEntries(others) };
}

function rewritten(value: Json, from: string, entry: string, parsed: Parsed, url: string | undefined): Json {
  const walk = (inner: Json, depth: number): Json => {
    if (typeof inner !== "object" || inner === null || depth > 500) return inner;
    if (Array.isArray(inner)) return inner.map((one: Json) => walk(one, depth + 1));
    return Object.fromEntries(
      Object.entries(inner).map(([name, one]): [string, Json] => {
        if ((name === "$ref" || name === "operationRef") && typeof one === "string") return [name, moved(one)];
        if (name === "mapping" && typeof one === "object" && one !== null && !Array.isArray(one))
          return [name, Object.fromEntries(Object.entries(one).map(([key, to]) => [key, mapping(to as Json)]))];
        return [name, data.has(name) ? one : walk(one as Json, depth + 1)];
      }),
    );
  };
  const mapping = (to: Json): Json => (typeof to === "string" && /[#/.]/.test(to) ? moved(to) : to);
  const moved = (reference: string): string => {
    const cut = reference.indexOf("#");
    const file = cut < 0 ? reference : reference.slice(0, cut);
    const fragment = cut < 0 ? "" : reference.slice(cut + 1);
    const target = file === "" ? from : fileOf(file, from, parsed, url);
    // A name of its own ($id, an anchor) finds its place by itself.
    if (target === undefined || (fragment !== "" && !fragment.startsWith("/"))) return reference;
    return target === entry ? `#${fragment}` : `#/x-files/${encodeURIComponent(pointerToken(target))}${fragment}`;
  };
  return walk(value, 0);
}

/** The pinned file that a reference names. */
function fileOf(reference: string, from: string, parsed: Parsed, url: string | undefined): string | undefined {
  let path: string;
  try {
    if (/^[a-z][a-z0-9+.-]*:/i.test(reference)) {
      if (url === undefined || new URL(reference).origin !== new URL(url).origin) return undefined;
      path = decodeURIComponent(new URL(reference).pathname);
      return [...parsed.keys()].find((one) => path.endsWith(`/${one}`));
    }
    path = posix.normalize(posix.join(posix.dirname(from), decodeURIComponent(reference)));
  } catch {
    return undefined;
  }
  return parsed.has(path) ? path : undefined;
}
