/**
 * From method and path to a route. The path is checked before it is matched, so that no two readers of it can see two
 * different things; the most specific route wins (OA-8).
 */
import type { HTTPMethod } from "find-my-way";
import { failure } from "../errors.ts";
import { whenNeeded } from "../when-needed.ts";

const findMyWay = whenNeeded<typeof import("find-my-way")>("find-my-way");

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

/** Methods and paths as they were added, and what finds the number of each. It is never added to once a table was asked. */
interface Router {
  readonly routes: readonly string[];
  readonly finder: Finder;
}
type Finder = ReturnType<ReturnType<typeof findMyWay>>;

/** What tables that come one after the other share: the router of the one that was asked last. */
export interface RouterShelf {
  router?: Router;
}

/**
 * A table. One that has the same methods and paths, in the same order, as the one before it on its shelf has its router too: a reload changes what
 * is behind them, and the router makes functions of text for each path, which V8 keeps for long.
 */
export function createRoutes<T>(shelf: RouterShelf = {}): RouteTable<T> {
  const values: T[] = [];
  const routes: string[] = [];
  /** As long as nothing differs. */
  let before = shelf.router;
  let router = before?.finder ?? newFinder();
  let asked = false;

  function differ(): void {
    before = undefined;
    router = newFinder();
    for (const [number, route] of routes.entries()) addTo(router, route, number);
  }
  function finish(): void {
    asked = true;
    if (before !== undefined && before.routes.length > routes.length) differ();
    shelf.router = before ?? { routes, finder: router };
  }

  const find: RouteTable<T>["find"] = (method, path) => {
    if (!asked) finish();
    const found = router.find((method === "HEAD" ? "GET" : method) as HTTPMethod, path);
    if (found === null) return undefined;
    const params = found.params as Readonly<Record<string, string>>;
    // The router takes `/orders/` for `/orders/{key}` with an empty key; we don't.
    for (const name in params) if (params[name] === "") return undefined;
    return { value: values[(found.store as number) - 1] as T, params };
  };
  return {
    add(method, path, value) {
      if (asked) throw new TypeError("a table that was asked is not added to");
      const route = `${method} ${path}`;
      if (before !== undefined && before.routes[routes.length] !== route) differ();
      if (before === undefined) addTo(router, route, routes.length);
      routes.push(route);
      values.push(value);
    },
    find,
    methods: (path) => served.filter((method) => find(method, path) !== undefined),
  };
}

function newFinder(): Finder {
  return findMyWay()({
    caseSensitive: true,
    ignoreDuplicateSlashes: false,
    ignoreTrailingSlash: false,
    maxParamLength: longestPath,
  });
}

const nothing = (): void => {};

/** Throws where another route takes the same requests. */
function addTo(finder: Finder, route: string, number: number): void {
  const cut = route.indexOf(" ");
  // A colon is one of the router's own signs, and of many a path (`/orders:batch`).
  const path = route
    .slice(cut + 1)
    .replaceAll(":", "::")
    .replace(/\{(\w+)\}/g, ":$1");
  // From 1: the router takes 0 for nothing.
  finder.on(route.slice(0, cut) as HTTPMethod, path, nothing, number + 1);
}

/** Characters that a path segment may hold unencoded: RFC 3986, section 3.3. */
const plain = /^(?:\/[\w.~!$&'()*+,;=:@-]*)+$/;
const encoded = /^(?:\/(?:[\w.~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})*)+$/;
/** Encoded slash, backslash, dot and control characters: decoded later, they would change the path's meaning. */
const dangerous = /%(?:2[EF]|5C|[01][0-9A-F]|7F)/i;
const dots = /\/\.{1,2}(?:\/|$)/;

/** Throws `path-refused` for what could be read in two ways; everything else passes unchanged. `slashes`: encoded ones, of either kind, may stand in a name. */
export function checkPath(path: string, slashes = false): void {
  const reason = refusal(path, slashes);
  if (reason !== undefined) throw failure("path-refused", { reason });
}

function refusal(path: string, slashes = false): string | undefined {
  if (path.length > longestPath) return `it is longer than ${longestPath} characters`;
  if (path.includes("//")) return "it has an empty segment";
  if (dots.test(path)) return "it has a segment of dots";
  if (plain.test(path)) return undefined;
  if (dangerous.test(slashes ? path.replace(/%(?:2F|5C)/gi, "") : path))
    return "it has an encoded slash, dot or control character";
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
