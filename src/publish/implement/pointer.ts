/** Places in the document of a given contract. */
import type { RestBinding } from "../../contract/model.ts";

export type Member = { [name: string]: unknown };

/** The value behind a reference inside the document; an empty object where it leads nowhere. */
export function followed(document: object, value: unknown): Member {
  let found = value;
  for (let hops = 0; hops < 32; hops++) {
    const reference = (found as Member | undefined)?.$ref;
    if (typeof reference !== "string" || !reference.startsWith("#/")) break;
    found = lookUp(document as Member, reference.slice(1));
  }
  return isObject(found) ? found : {};
}

/** A path item with what its reference leads to; members beside a reference count (OpenAPI 3.1.0, "Path Item Object"). */
export function pathItem(document: object, path: string): Member {
  const paths = (document as Member).paths;
  const written = isObject(paths) && Object.hasOwn(paths, path) ? paths[path] : undefined;
  const { $ref: _, ...beside } = isObject(written) ? written : {};
  return { ...followed(document, written), ...beside };
}

/** An operation as it is written. */
export function writtenOperation(document: object, { path, method }: RestBinding): Member {
  const operation = pathItem(document, path)[method.toLowerCase()];
  return isObject(operation) ? operation : {};
}

export function isObject(value: unknown): value is Member {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function lookUp(document: Member, pointer: string): unknown {
  let found: unknown = document;
  for (const token of pointer.split("/").slice(1)) {
    let name: string;
    try {
      name = decodeURIComponent(token).replaceAll("~1", "/").replaceAll("~0", "~");
    } catch {
      return undefined;
    }
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, name)) return undefined;
    found = (found as Member)[name];
  }
  return found;
}
