/**
 * All files of an OpenAPI contract, and the `$ref`s between them (OpenAPI 3.1.0, section 4.6; RFC 3986 for the file,
 * RFC 6901 for the place in it). Loading reads every file that is referred to; after that everything is synchronous.
 */
import { failure, type MortiseError } from "../../errors.ts";
import { type Json, pointerNames, pointerToken } from "../../operation.ts";
import { type ParsedFile, parseFile } from "./document.ts";
import type { ContractFiles } from "./source.ts";

/** A value and where it stands. */
export interface Place {
  readonly file: string;
  /** JSON Pointer. */
  readonly pointer: string;
  readonly value: unknown;
}
export type Members = Readonly<Record<string, unknown>>;

export class Documents {
  readonly root: Place;
  readonly #files: ReadonlyMap<string, ParsedFile>;
  /** `from file` + reference, to the path of the file it names. */
  readonly #paths: ReadonlyMap<string, string>;

  private constructor(entry: string, files: ReadonlyMap<string, ParsedFile>, paths: ReadonlyMap<string, string>) {
    this.#files = files;
    this.#paths = paths;
    this.root = { file: entry, pointer: "", value: files.get(entry)!.value };
  }

  /** Reads all files; `check` sees the entry alone before any other file is asked for. */
  static async load(source: ContractFiles, check: (entry: Documents) => void): Promise<Documents> {
    const files = new Map<string, ParsedFile>();
    const paths = new Map<string, string>();
    const waiting: ParsedFile[] = [parseFile(source.entry)];
    files.set(source.entry.path, waiting[0]!);
    check(new Documents(source.entry.path, files, paths));
    for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
      for (const { reference, pointer } of outwardReferences(file.value)) {
        const key = `${file.path}\n${reference}`;
        if (paths.has(key)) continue;
        const target = await source.read(reference, file.path, `${pointer}${file.position(pointer)}`);
        paths.set(key, target.path);
        if (files.has(target.path)) continue;
        const parsed = parseFile(target);
        files.set(target.path, parsed);
        waiting.push(parsed);
      }
    }
    return new Documents(source.entry.path, files, paths);
  }

  /** The member `name`, or `undefined` where there is none. */
  member(place: Place, name: string): Place | undefined {
    const { value } = place;
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
    const inner = (value as Members)[name];
    return inner === undefined ? undefined : this.#inside(place, name, inner);
  }

  /** The members of an object, in order, without extensions (`x-`). Refuses what is no object. */
  members(place: Place | undefined): [name: string, member: Place][] {
    // In YAML a key with nothing after it is null: an empty map.
    if (place === undefined || place.value === null) return [];
    const all = Object.entries(this.object(place)).filter(([name]) => !name.startsWith("x-"));
    return all.map(([name, value]) => [name, this.#inside(place, name, value)]);
  }

  /** The elements of a list. Refuses what is no list. */
  elements(place: Place | undefined): Place[] {
    if (place === undefined) return [];
    if (!Array.isArray(place.value)) throw this.unreadable(place, "a list is expected");
    return place.value.map((value, index) => this.#inside(place, String(index), value));
  }

  object(place: Place): Members {
    const { value } = place;
    if (typeof value !== "object" || value === null || Array.isArray(value))
      throw this.unreadable(place, "an object is expected");
    return value as Members;
  }

  /** Text of the member, if it is there. Refuses another type. */
  text(place: Place, name: string): string | undefined {
    const member = this.member(place, name);
    if (member === undefined || member.value === null) return undefined;
    if (typeof member.value !== "string") throw this.unreadable(member, "a text is expected");
    return member.value;
  }

  /** Follows `$ref`s until the thing itself. Refuses rings. */
  follow(place: Place): Place {
    const seen = new Set<string>();
    let at = place;
    for (let reference = referenceOf(at.value); reference !== undefined; reference = referenceOf(at.value)) {
      const id = `${at.file}#${at.pointer}`;
      if (seen.has(id)) throw this.unreadable(place, `"${reference}" leads in a ring to itself`);
      seen.add(id);
      at = this.target(at, reference);
    }
    return at;
  }

  /** What `reference` names, as seen from `place`. */
  target(place: Place, reference: string): Place {
    const [file = "", fragment = ""] = split(reference);
    const path = file === "" ? place.file : this.#paths.get(`${place.file}\n${file}`);
    const parsed = path === undefined ? undefined : this.#files.get(path);
    if (path === undefined || parsed === undefined)
      throw this.unreadable(place, `"${reference}" names a file that was not read`);
    const pointer = decoded(fragment);
    if (pointer !== "" && !pointer.startsWith("/"))
      throw this.unreadable(
        place,
        `"${reference}" names an anchor; write a JSON Pointer such as "#/components/schemas/Order"`,
      );
    let value: unknown = parsed.value;
    for (const token of pointerNames(pointer)) {
      if (typeof value !== "object" || value === null || !Object.hasOwn(value, token))
        throw this.unreadable(place, `"${reference}" names something that is not there`);
      value = (value as Members)[token];
    }
    return { file: path, pointer, value };
  }

  unreadable(place: Place, reason: string): MortiseError {
    const shown = `${place.pointer === "" ? "its root" : place.pointer}${this.#files.get(place.file)?.position(place.pointer) ?? ""}`;
    return failure("contract-unreadable", { file: place.file, place: shown, reason });
  }

  #inside(place: Place, name: string, value: unknown): Place {
    return { file: place.file, pointer: `${place.pointer}/${pointerToken(name)}`, value };
  }
}

/** The `$ref` of a Reference Object. */
export function referenceOf(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, "$ref")) return undefined;
  const reference = (value as Members).$ref;
  return typeof reference === "string" ? reference : undefined;
}

/** Under these keys stand names, not keywords: an `example` in there is a name as well. */
const maps = new Set([
  "properties",
  "patternProperties",
  "$defs",
  "definitions",
  "dependentSchemas",
  "schemas",
  "paths",
  "webhooks",
  "parameters",
  "responses",
  "requestBodies",
]);
/** Data of the author's, in which `$ref` means nothing; and what the reader has no use for. */
const skipped = new Set(["example", "examples", "default", "enum", "const", "links", "callbacks"]);

/** References to other files, with their places. Without recursion. */
function* outwardReferences(root: Json): Generator<{ reference: string; pointer: string }> {
  const open: { readonly value: Json; readonly pointer: string; readonly names: boolean }[] = [
    { value: root, pointer: "", names: false },
  ];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, pointer, names } = next;
    if (typeof value !== "object" || value === null) continue;
    const reference = names ? undefined : referenceOf(value);
    if (reference !== undefined) {
      const file = split(reference)[0];
      if (file !== "") yield { reference: file!, pointer };
    }
    const list = Array.isArray(value);
    // the last one pushed comes first: reversed, so that the first fault of the text is the one reported
    for (const [name, inner] of Object.entries(value).reverse()) {
      if (!names && !list && (skipped.has(name) || name.startsWith("x-"))) continue;
      open.push({
        value: inner as Json,
        pointer: `${pointer}/${pointerToken(name)}`,
        names: !names && !list && maps.has(name),
      });
    }
  }
}

function split(reference: string): [file: string, fragment: string] {
  const hash = reference.indexOf("#");
  return hash < 0 ? [reference, ""] : [reference.slice(0, hash), reference.slice(hash + 1)];
}

function decoded(fragment: string): string {
  try {
    return decodeURIComponent(fragment);
  } catch {
    return fragment;
  }
}
