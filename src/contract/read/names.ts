/** Names for what contracts call otherwise: valid TypeScript identifiers, readable, unique, the same every time. */

/** Members of a system object that no operation or event may take; `then` would make it a promise. */
export const reservedMembers: readonly string[] = ["schemas", "then", "constructor", "prototype"];

/** A set of names in use; `take` gives the name, or the name with the first free number from 2. */
export class Names {
  readonly #taken: Set<string>;
  /** Where the search for a free number goes on: thousands of equal names take no longer than others. */
  readonly #next = new Map<string, number>();

  constructor(taken: Iterable<string> = []) {
    this.#taken = new Set(taken);
  }

  take(name: string): string {
    let free = name;
    let n = this.#next.get(name) ?? 2;
    for (; this.#taken.has(free); n++) free = `${name}${n}`;
    if (free !== name) this.#next.set(name, n);
    this.#taken.add(free);
    return free;
  }
}

/** Names for operations and events of one system: they share an object, and `schemas` is taken. */
export function memberNames(): Names {
  return new Names(reservedMembers);
}

/** Characters of a name, at most: what is longer is cut, and told apart by a number. */
const longest = 200;

/**
 * `list_pets`, `pets.list`, `Get Pets`, `X-Request-Id` as `listPets`, `petsList`, `getPets`, `xRequestId`; `REPORT_AVAILABLE`, all in capitals, as
 * `reportAvailable`.
 */
export function camelCase(text: string): string {
  // Of several words in capitals none is an abbreviation among others.
  const shouted = text === text.toUpperCase();
  const [first, ...others] = words(text).map((word) => (shouted ? word.toLowerCase() : word));
  if (first === undefined) return "unnamed";
  const head = first === first.toUpperCase() ? first.toLowerCase() : lowerFirst(first);
  return identifier(head + others.map(upperFirst).join(""));
}

/** `order`, `io.k8s.Job`, `Order Line` as `Order`, `IoK8sJob`, `OrderLine`. Names that are identifiers keep their inside. */
export function typeName(text: string): string {
  if (/^[\p{L}$][\p{L}\p{Nd}_$]*$/u.test(text)) return cut(upperFirst(text));
  const joined = words(text).map(upperFirst).join("");
  return joined === "" ? "Unnamed" : identifier(joined);
}

/** A property name that needs no quotes, where the contract's own is no identifier. */
export function propertyName(text: string): string {
  return text.length <= longest && /^[\p{L}$][\p{L}\p{Nd}_$]*$/u.test(text) ? text : camelCase(text);
}

function words(text: string): string[] {
  return text.split(/[^\p{L}\p{Nd}]+/u).filter((word) => word !== "");
}

/** By code point: a letter may have two units. Letters that grow when they change their case ("ß") stay as they are. */
function upperFirst(word: string): string {
  const [first = ""] = word;
  const upper = first.toUpperCase();
  return (upper.length === first.length ? upper : first) + word.slice(first.length);
}

function lowerFirst(word: string): string {
  const [first = ""] = word;
  return first.toLowerCase() + word.slice(first.length);
}

function identifier(text: string): string {
  return cut(/^\p{Nd}/u.test(text) ? `_${text}` : text);
}

function cut(text: string): string {
  return text.length <= longest
    ? text
    : text
        .slice(0, longest)
        .toWellFormed()
        .replace(/\uFFFD$/, "");
}
