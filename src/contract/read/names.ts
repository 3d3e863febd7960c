/** Names for what contracts call otherwise: valid TypeScript identifiers, readable, unique, the same every time. */

/** Members of a system object that no operation or event may take; `then` would make it a promise. */
export const reservedMembers: readonly string[] = ["schemas", "then", "constructor", "prototype"];

/** A set of names in use; `take` gives the name, or the name with the first free number from 2. */
export class Names {
  readonly #taken: Set<string>;

  constructor(taken: Iterable<string> = []) {
    this.#taken = new Set(taken);
  }

  take(name: string): string {
    let free = name;
    for (let n = 2; this.#taken.has(free); n++) free = `${name}${n}`;
    this.#taken.add(free);
    return free;
  }
}

/** Names for operations and events of one system: they share an object, and `schemas` is taken. */
export function memberNames(): Names {
  return new Names(reservedMembers);
}

/** `list_pets`, `pets.list`, `Get Pets`, `X-Request-Id` as `listPets`, `petsList`, `getPets`, `xRequestId`. */
export function camelCase(text: string): string {
  const [first, ...others] = words(text);
  if (first === undefined) return "unnamed";
  const head = first === first.toUpperCase() ? first.toLowerCase() : first[0]!.toLowerCase() + first.slice(1);
  return identifier(head + others.map(upperFirst).join(""));
}

/** `order`, `io.k8s.Job`, `Order Line` as `Order`, `IoK8sJob`, `OrderLine`. Names that are identifiers keep their inside. */
export function typeName(text: string): string {
  if (/^[\p{L}$][\p{L}\p{Nd}_$]*$/u.test(text)) return upperFirst(text);
  const joined = words(text).map(upperFirst).join("");
  return joined === "" ? "Unnamed" : identifier(joined);
}

/** A property name that needs no quotes, where the contract's own is no identifier. */
export function propertyName(text: string): string {
  return /^[\p{L}$][\p{L}\p{Nd}_$]*$/u.test(text) ? text : camelCase(text);
}

function words(text: string): string[] {
  return text.split(/[^\p{L}\p{Nd}]+/u).filter((word) => word !== "");
}

function upperFirst(word: string): string {
  return word[0]!.toUpperCase() + word.slice(1);
}

function identifier(text: string): string {
  return /^\p{Nd}/u.test(text) ? `_${text}` : text;
}
