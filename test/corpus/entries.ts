/** Which files of a folder are contracts: OpenAPI and Swagger by their content, WSDL by its root element, and nothing that another file holds as a part. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, posix } from "node:path";
import { parse } from "yaml";

export interface Entry {
  /** Relative to the folder, with forward slashes. */
  readonly file: string;
  readonly kind: "openapi" | "swagger" | "wsdl";
  /** Files for absolute addresses, from a `manifest.yml` beside it: URL to path relative to the folder. */
  readonly urls?: Readonly<Record<string, string>>;
}

const skipped = new Set(["node_modules", ".git"]);
const largestBytes = 64 * 1024 * 1024;

/** The entry files below `folder`, sorted. */
export function findEntries(folder: string): readonly Entry[] {
  const texts = new Map<string, string>();
  for (const file of walk(folder, "")) {
    if (!/\.(ya?ml|json|wsdl|xml|xsd|asmx)$/i.test(file)) continue;
    if (statSync(join(folder, file)).size <= largestBytes) texts.set(file, decoded(readFileSync(join(folder, file))));
  }
  const kinds = new Map<string, Entry["kind"]>();
  const parts = new Map<string, Set<string>>();
  for (const [file, text] of texts) {
    const kind = kindOf(file, text);
    if (kind !== undefined) kinds.set(file, kind);
    const urls = mapped(folder, file, texts).urls ?? {};
    parts.set(file, new Set(namedIn(file, text, urls).filter((target) => target !== file)));
  }
  const reached = (from: string): ReadonlySet<string> => {
    const found = new Set<string>();
    const open = [from];
    for (let at = open.pop(); at !== undefined; at = open.pop())
      for (const next of parts.get(at) ?? [])
        if (!found.has(next)) {
          found.add(next);
          open.push(next);
        }
    return found;
  };
  const below = new Map([...kinds.keys()].map((file) => [file, reached(file)]));
  // A file that another one holds is a part of that, unless both hold each other: then the first one is the entry.
  const isPart = (file: string): boolean =>
    [...below].some(
      ([other, all]) => other !== file && all.has(file) && !(below.get(file)!.has(other) && file < other),
    );
  return [...kinds]
    .filter(([file]) => !isPart(file))
    .map(([file, kind]) => ({ file, kind, ...mapped(folder, file, texts) }))
    .sort((a, b) => (a.file < b.file ? -1 : 1));
}

function* walk(folder: string, below: string): Generator<string> {
  for (const one of readdirSync(join(folder, below), { withFileTypes: true })) {
    const path = below === "" ? one.name : `${below}/${one.name}`;
    if (one.isDirectory()) {
      if (!skipped.has(one.name)) yield* walk(folder, path);
    } else if (one.isFile()) yield path;
  }
}

function kindOf(file: string, text: string): Entry["kind"] | undefined {
  const start = text
    .slice(0, 200_000)
    .replace(/^\uFEFF/, "")
    .trimStart();
  if (start.startsWith("<")) {
    const [, root] = /<(?:[\w.-]+:)?([A-Za-z]+)[\s>]/.exec(start.replace(/<!--[\s\S]*?-->|<\?[\s\S]*?\?>/g, "")) ?? [];
    return root === "definitions" && text.includes("http://schemas.xmlsoap.org/wsdl/") ? "wsdl" : undefined;
  }
  if (!/\.(ya?ml|json)$/i.test(file)) return undefined;
  // the member must stand at the root: at the start of a line, or as the first ones of a JSON object
  const [, name] =
    /^["']?(openapi|swagger)["']?\s*:\s*["']?\d/m.exec(text) ??
    /^\s*\{(?:[^{}[\]]|\{[^{}]*\})*?"(openapi|swagger)"\s*:\s*"?\d/.exec(start) ??
    /^(?:\t| {1,8})"(openapi|swagger)"\s*:\s*"?\d/m.exec(text) ??
    [];
  return name as "openapi" | "swagger" | undefined;
}

/** Files that a text names, as paths in the folder. */
function namedIn(file: string, text: string, urls: Readonly<Record<string, string>>): string[] {
  const form = /(?:\$ref["']?\s*:\s*|(?:schemaLocation|location)\s*=\s*)(?:"([^"#\n]+)|'([^'#\n]+)|([^\s"'#,}]+))/g;
  const names: string[] = [];
  for (const [, double, single, bare] of text.matchAll(form)) {
    const name = double ?? single ?? bare!;
    const known = Object.hasOwn(urls, name) ? urls[name] : undefined;
    if (known !== undefined) names.push(known);
    if (/^[a-z][a-z0-9+.-]*:/i.test(name)) continue;
    let plain = name;
    try {
      plain = decodeURIComponent(name);
    } catch {
      // a stray "%" is a plain character
    }
    names.push(posix.normalize(posix.join(posix.dirname(file), plain)));
  }
  return names;
}

/** The addresses of a `manifest.yml` beside the file: a map, or a list of pairs. */
function mapped(folder: string, file: string, texts: ReadonlyMap<string, string>): Pick<Entry, "urls"> {
  const text = texts.get(posix.join(posix.dirname(file), "manifest.yml"));
  if (text === undefined || !/https?:/.test(text)) return {};
  try {
    const read: unknown = parse(text);
    if (typeof read !== "object" || read === null) return {};
    const pairs = Object.entries(read).flatMap(([url, path]) =>
      typeof path === "string" ? [[url, posix.join(posix.dirname(file), path)] as const] : [],
    );
    const there = pairs.filter(([, path]) => statSync(join(folder, path), { throwIfNoEntry: false }) !== undefined);
    return there.length === 0 ? {} : { urls: Object.fromEntries(there) };
  } catch {
    return {};
  }
}

function decoded(bytes: Buffer): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return bytes.toString("utf16le");
  return bytes.toString("utf8");
}
