/**
 * From method and path to a route. The path is checked before it is matched, so that no two readers of it can see two
 * different things; the most specific route wins (OA-8).
 */
import findMyWay, { type HTTPMethod } from "find-my-way";
import { failure } from "../errors.ts";

export interface RouteTable<T> {
  /** `path` with `{name}` for parameters. */
  add(method: string, path: string, value: T): void;
  find(
    method: string,
    path: string,
  ): { readonly value: T; readonly params: Readonly<Record<string, string>> } | undefined;
  /** What the path takes; empty if there is no such path. */
  methods(path: string): readonly string[];
}

const served = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] as const;
/** Characters of a path. */
export const longestPath = 2048;

export function createRoutes<T>(): RouteTable<T> {
  const router = findMyWay({
    caseSensitive: true,
    ignoreDuplicateSlashes: false,
    ignoreTrailingSlash: false,
    maxParamLength: longestPath,
  });
  const nothing = (): void => {};
  const find: RouteTable<T>["find"] = (method, path) => {
    const found = router.find((method === "HEAD" ? "GET" : method) as HTTPMethod, path);
    if (found === null) return undefined;
    const params = found.params as Readonly<Record<string, string>>;
    // The router takes `/orders/` for `/orders/{key}` with an empty key; we don't.
    for (const name in params) if (params[name] === "") return undefined;
    return { value: found.store as T, params };
  };
  return {
    add(method, path, value) {
      // A colon is one of the router's own signs, and of many a path (`/orders:batch`).
      router.on(method as HTTPMethod, path.replaceAll(":", "::").replace(/\{(\w+)\}/g, ":$1"), nothing, value);
    },
    find,
    methods: (path) => served.filter((method) => find(method, path) !== undefined),
  };
}

/** Characters that a path segment may hold unencoded: RFC 3986, section 3.3. */
const plain = /^(?:\/[\w.~!$&'()*+,;=:@-]*)+$/;
const encoded = /^(?:\/(?:[\w.~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})*)+$/;
/** Encoded slash, backslash, dot and control characters: decoded later, they would change the path's meaning. */
const dangerous = /%(?:2[EF]|5C|[01][0-9A-F]|7F)/i;
const dots = /\/\.{1,2}(?:\/|$)/;

/** Throws `path-refused` for what could be read in two ways; everything else passes unchanged. */
export function checkPath(path: string): void {
  const reason = refusal(path);
  if (reason !== undefined) throw failure("path-refused", { reason });
}

function refusal(path: string): string | undefined {
  if (path.length > longestPath) return `it is longer than ${longestPath} characters`;
  if (path.includes("//")) return "it has an empty segment";
  if (dots.test(path)) return "it has a segment of dots";
  if (plain.test(path)) return undefined;
  if (dangerous.test(path)) return "it has an encoded slash, dot or control character";
  if (!encoded.test(path)) return "a character in it must be percent-encoded";
  try {
    decodeURIComponent(path);
    return undefined;
  } catch {
    return "its percent-encoding is not UTF-8";
  }
}

/** Why no request can have this path of a given contract; `undefined`: one can. */
export function pathProblem(path: string): string | undefined {
  // Encoded, they are other characters than plain, and the table can't tell them apart (RFC 3986, section 2.2).
  if (/%(?:2[346BC]|3[ABDF]|40)/i.test(path)) return "it has an encoded sign that means something in addresses";
  return refusal(encodeURI(path.replace(/\{[^{}]+\}/g, "x").toWellFormed()).replace(/%25(?=[0-9A-Fa-f]{2})/g, "%"));
}

/**
 * The path of a given contract, which names its parameters as it likes, with names that the table takes: `{p1}`, `{p2}`. What is percent-encoded
 * in it stands there as the table reads requests.
 */
export function numbered(path: string): string {
  let count = 0;
  return decoded(path).replace(/\{[^{}]+\}/g, () => `{p${++count}}`);
}

function decoded(path: string): string {
  try {
    return decodeURI(path);
  } catch {
    return path;
  }
}
