/** Readable, stable names: of named schemas, and of the properties of one object. */
import type { QName } from "../model.ts";

/** Gives each component one name; the first of a local name keeps it, a later one of another namespace gets a suffix. */
export class SchemaNames {
  readonly #byComponent = new Map<string, string>();
  readonly #taken = new Set<string>();

  /** The name of the component `key`, made from `name` the first time. */
  of(key: string, name: QName): { readonly name: string; readonly fresh: boolean } {
    const known = this.#byComponent.get(key);
    if (known !== undefined) return { name: known, fresh: false };
    const base = identifier(name.local);
    let candidate = base;
    if (this.#taken.has(candidate)) candidate = `${base}_${namespaceWord(name.namespace)}`;
    const suffixed = candidate;
    for (let n = 2; this.#taken.has(candidate); n++) candidate = `${suffixed}${n}`;
    this.#taken.add(candidate);
    this.#byComponent.set(key, candidate);
    return { name: candidate, fresh: true };
  }
}

/** A name of XML as one that needs no escaping in a JSON Pointer, in a URL or in TypeScript. */
export function identifier(local: string): string {
  const plain = local.replace(/[^A-Za-z0-9_]/g, "_");
  return /^[0-9]/.test(plain) || plain === "" || plain === "__proto__" ? `_${plain}` : plain;
}

/** The last telling word of a namespace: `urn:example:orders:v2` gives `orders_v2`, `http://x.org/common` gives `common`. */
function namespaceWord(namespace: string): string {
  const words = namespace.split(/[^A-Za-z0-9]+/).filter((word) => word !== "");
  const last = words.at(-1) ?? "none";
  return /^v?[0-9]+$/i.test(last) && words.length > 1 ? `${words.at(-2)}_${last}` : last;
}

/** A property name that `taken` does not hold yet: `id`, else `id` with `suffix`, else with a number. */
export function propertyName(local: string, suffix: string, taken: (name: string) => boolean): string {
  // A property of this name would be read as the prototype of the object.
  const base = local === "__proto__" ? "_proto_" : local;
  if (!taken(base)) return base;
  if (suffix !== "" && !taken(`${base}${suffix}`)) return `${base}${suffix}`;
  for (let n = 2; ; n++) if (!taken(`${base}${n}`)) return `${base}${n}`;
}
