/**
 * All files of an OpenAPI contract, and the `$ref`s between them (OpenAPI 3.1.0, section 4.6; RFC 3986 for the file,
 * RFC 6901 for the place in it). Loading reads every file that is referred to; after that everything is synchronous.
 */
import { failure, type MortiseError } from "../../errors.ts";
import { type Json, pointerNames, pointerToken } from "../../operation.ts";
import { type ParsedFile, parseFile } from "./document.ts";
import { Identities } from "./openapi-identities.ts";
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
  /** What breaks the rules and was passed over, with its place. */
  readonly notes: string[] = [];
  readonly unchecked: string[] = [];
  readonly #files: ReadonlyMap<string, ParsedFile>;
  /** `from file` + reference, to the path of the file it names. */
  readonly #paths: ReadonlyMap<string, string>;
  readonly #identities: Identities;
  /** Values that were put elsewhere (see swagger.ts), to where they stand in the text. */
  readonly #adopted = new WeakMap<object, Place>();

  private constructor(
    entry: string,
    files: ReadonlyMap<string, ParsedFile>,
    paths: ReadonlyMap<string, string>,
    identities: Identities,
  ) {
    this.#files = files;
    this.#paths = paths;
    this.#identities = identities;
    this.root = { file: entry, pointer: "", value: files.get(entry)!.value };
  }

  /** Reads all files; `check` sees the entry alone before any other file is asked for. */
  static async load(source: ContractFiles, check: (entry: Documents) => void): Promise<Documents> {
    const files = new Map<string, ParsedFile>();
    const paths = new Map<string, string>();
    const identities = new Identities();
    const waiting: ParsedFile[] = [parseFile(source.entry)];
    files.set(source.entry.path, waiting[0]!);
    check(new Documents(source.entry.path, files, paths, identities));
    for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
      const references = [...outwardReferences(file.value, file.path, identities)];
      for (const { reference, pointer } of references) {
        const key = `${file.path}\n${reference}`;
        if (paths.has(key) || identities.resource(reference, file.path) !== undefined) continue;
        const name = identities.relative(reference, file.path);
        const target = await source.read(name, file.path, `${pointer}${file.position(pointer)}`);
        paths.set(key, target.path);
        if (files.has(target.path)) continue;
        const parsed = parseFile(target);
        files.set(target.path, parsed);
        waiting.push(parsed);
      }
    }
    return new Documents(source.entry.path, files, paths, identities);
  }

  /** The place of `value` from now on, wherever it is found. Objects only. */
  adopt<T extends object>(value: T, place: Omit<Place, "value">): T {
    this.#adopted.set(value, { file: place.file, pointer: place.pointer, value });
    return value;
  }

  /** Remembers what was passed over; a hundred tell enough. */
  note(place: Place, what: string): void {
    if (this.notes.length >= 100) return;
    const note = this.#told(place, what);
    if (!this.notes.includes(note)) this.notes.push(note);
  }

  /** A note about what lets pass more than the contract says. */
  weaken(place: Place, what: string): void {
    this.note(place, what);
    if (this.unchecked.length >= 100) return;
    const note = this.#told(place, what);
    if (!this.unchecked.includes(note)) this.unchecked.push(note);
  }

  #told(place: Place, what: string): string {
    return `${place.file} at ${this.#shown(place)}: ${shortened(what)}`;
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
    if (place === undefined || isNothing(place.value)) return [];
    const all = Object.entries(this.object(place)).filter(([name]) => !name.startsWith("x-"));
    return all.map(([name, value]) => [name, this.#inside(place, name, value)]);
  }

  /** The elements of a list. Refuses what is no list. */
  elements(place: Place | undefined): Place[] {
    if (place === undefined || place.value === null) return [];
    if (!Array.isArray(place.value)) throw this.unreadable(place, "a list is expected");
    return place.value.map((value, index) => this.#inside(place, String(index), value));
  }

  object(place: Place): Members {
    const { value } = place;
    if (typeof value !== "object" || value === null || Array.isArray(value))
      throw this.unreadable(place, "an object is expected");
    return value as Members;
  }

  /** Text of the member, if it is there. A number or a truth value stands for its text; anything else is passed over. */
  text(place: Place, name: string): string | undefined {
    const member = this.member(place, name);
    if (member === undefined || member.value === null) return undefined;
    if (typeof member.value === "string") return member.value;
    if (typeof member.value !== "object") return String(member.value);
    this.note(member, "a text is expected");
    return undefined;
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
    const resource = file === "" ? undefined : this.#identities.resource(file, place.file);
    const path = resource?.file ?? (file === "" ? place.file : this.#paths.get(`${place.file}\n${file}`));
    const parsed = path === undefined ? undefined : this.#files.get(path);
    if (path === undefined || parsed === undefined)
      throw this.unreadable(place, `"${shortened(reference)}" names a file that was not read`);
    let pointer = decoded(fragment);
    if (pointer !== "" && !pointer.startsWith("/")) {
      const anchored = this.#identities.anchor(path, pointer);
      if (anchored === undefined)
        throw this.unreadable(place, `"${shortened(reference)}" names an anchor that is not there`);
      pointer = anchored;
    } else pointer = (resource?.pointer ?? "") + pointer;
    let value: unknown = parsed.value;
    for (const token of pointerNames(pointer)) {
      if (typeof value !== "object" || value === null || !Object.hasOwn(value, token))
        throw this.unreadable(place, `"${shortened(reference)}" names something that is not there`);
      value = (value as Members)[token];
    }
    return { file: path, pointer, value };
  }

  /** The target of a schema's reference; one that leads nowhere inside a file that is there is told by a note. */
  found(place: Place, reference: string): Place | undefined {
    try {
      return this.target(place, reference);
    } catch (error) {
      if (this.#isRead(place, reference)) {
        this.weaken(place, `"${shortened(reference)}" names something that is not there: any value is taken`);
        return undefined;
      }
      throw error;
    }
  }

  #isRead(place: Place, reference: string): boolean {
    const [file = ""] = split(reference);
    return file === "" || this.#paths.has(`${place.file}\n${file}`);
  }

  unreadable(place: Place, reason: string): MortiseError {
    return failure("contract-unreadable", { file: place.file, place: this.#shown(place), reason: shortened(reason) });
  }

  #shown(place: Place): string {
    const position = this.#files.get(place.file)?.position(place.pointer) ?? "";
    return `${place.pointer === "" ? "its root" : shortened(place.pointer)}${position}`;
  }

  #inside(place: Place, name: string, value: unknown): Place {
    const adopted = typeof value === "object" && value !== null ? this.#adopted.get(value) : undefined;
    return adopted ?? { file: place.file, pointer: `${place.pointer}/${pointerToken(name)}`, value };
  }
}

/** In YAML a key with nothing after it is null; some languages write an empty map as an empty list. */
function isNothing(value: unknown): boolean {
  return value === null || (Array.isArray(value) && value.length === 0);
}

/** Text of the contract's in a message, at a length that can be read. */
export function shortened(text: string): string {
  return text.length <= 300 ? text : `${text.slice(0, 300)}…`;
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
  "callbacks",
  "pathItems",
  "responses",
  "requestBodies",
  "securitySchemes",
  "securityDefinitions",
  "additionalOperations",
  "headers",
  "links",
]);
/** Data of the author's, in which `$ref` means nothing. */
const skipped = new Set(["example", "examples", "default", "enum", "const"]);
const skippedAtRoot = new Set(["info", "tags", "servers", "externalDocs"]);

/** References to other files, with their places; what gives itself a name is remembered. Without recursion. */
function* outwardReferences(
  root: Json,
  file: string,
  identities: Identities,
): Generator<{ reference: string; pointer: string }> {
  const open: { readonly value: Json; readonly pointer: string; readonly names: boolean }[] = [
    { value: root, pointer: "", names: false },
  ];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, pointer, names } = next;
    if (typeof value !== "object" || value === null) continue;
    const list = Array.isArray(value);
    if (!names && !list) {
      identities.look(value as Members, file, pointer);
      const reference = referenceOf(value);
      const target = reference === undefined ? "" : split(reference)[0]!;
      if (target !== "") yield { reference: target, pointer };
    }
    const entries = Object.entries(value);
    // the last one pushed comes first: reversed, so that the first fault of the text is the one reported
    for (let at = entries.length - 1; at >= 0; at--) {
      const [name, inner] = entries[at]!;
      if (typeof inner !== "object" || inner === null) continue;
      if (!names && !list && (skipped.has(name) || name.startsWith("x-"))) continue;
      if (pointer === "" && skippedAtRoot.has(name)) continue;
      open.push({
        value: inner as Json,
        pointer: `${pointer}/${pointerToken(name)}`,
        // `parameters` is a map in components, and a list elsewhere
        names: !names && !list && (maps.has(name) || (name === "parameters" && !Array.isArray(inner))),
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
