/** Which REST operations a request can mean: templates are matched without backtracking, the most literal first. */
import type { ContractModel, OperationModel, RestBinding } from "../contract/model.ts";
import { type Pair, pairsOf } from "../contract/rest-values.ts";

export interface Route {
  readonly operation: OperationModel;
  readonly binding: RestBinding;
  readonly parts: readonly Part[];
  /** A query that stands in the path itself: `/?action=List`, `/near?lat={lat}`. */
  readonly fixed: readonly { readonly name: string; readonly parts: readonly Part[] }[];
  /** Literal characters: more of them is more certain. */
  readonly literal: number;
}
/** A literal text, or the name of a parameter. */
type Part = { readonly text: string } | { readonly name: string };

export interface Match {
  readonly route: Route;
  /** By the parameter's name on the wire; still encoded. */
  readonly values: Readonly<Record<string, string>>;
}

export class Routes {
  readonly #routes: readonly Route[];
  /** Paths of the contract's own servers: whoever calls with them in front is understood too. */
  readonly #bases: readonly string[];

  constructor(model: ContractModel) {
    const routes: Route[] = [];
    for (const operation of Object.values(model.operations))
      if (operation.binding.protocol === "rest") routes.push(routeOf(operation, operation.binding));
    this.#routes = routes.toSorted((a, b) => b.literal - a.literal || b.fixed.length - a.fixed.length);
    this.#bases = model.servers
      .map((server) => (URL.parse(server, "http://localhost")?.pathname ?? "").replace(/\/+$/, ""))
      .filter((base) => base !== "");
  }

  /** What can be meant, likeliest first. */
  find(
    method: string,
    path: string,
    query: readonly Pair[],
    preferred: (operation: string) => boolean,
  ): readonly Match[] {
    const found = this.#matching(path, query).filter(({ route }) => route.binding.method === method);
    return found.toSorted(
      (a, b) => Number(preferred(b.route.operation.name)) - Number(preferred(a.route.operation.name)),
    );
  }

  /** Methods that the path takes. */
  methods(path: string, query: readonly Pair[]): readonly string[] {
    return [...new Set(this.#matching(path, query).map(({ route }) => route.binding.method))].sort();
  }

  #matching(path: string, query: readonly Pair[]): readonly Match[] {
    const direct = this.#at(path, query);
    if (direct.length > 0) return direct;
    for (const base of this.#bases) {
      if (!path.startsWith(`${base}/`) && path !== base) continue;
      const below = this.#at(path.slice(base.length) || "/", query);
      if (below.length > 0) return below;
    }
    return [];
  }

  #at(path: string, query: readonly Pair[]): readonly Match[] {
    const matches: Match[] = [];
    for (const route of this.#routes) {
      const values = valuesOf(route.parts, path);
      const inQuery = values === undefined ? undefined : fixedIn(route.fixed, query);
      if (inQuery !== undefined) matches.push({ route, values: { ...values, ...inQuery } });
    }
    return matches;
  }
}

function routeOf(operation: OperationModel, binding: RestBinding): Route {
  const [path = "", query = ""] = binding.path.split("#", 1)[0]!.split("?", 2);
  const names = new Set(binding.parameters.filter((each) => each.in === "path").map((each) => each.name));
  const partsOf = (template: string): readonly Part[] => {
    const parts: Part[] = [];
    for (const text of template.split(/(\{[^{}]+\})/)) {
      if (text === "") continue;
      const name = text.slice(1, -1);
      if (text.startsWith("{") && names.has(name)) parts.push({ name });
      else parts.push({ text: encoded(text) });
    }
    return parts;
  };
  const parts = partsOf(path);
  const literal = parts.reduce((sum, part) => sum + ("text" in part ? part.text.length : 0), 0);
  const fixed = pairsOf(query).map(([name, value]) => ({ name, parts: partsOf(value) }));
  return { operation, binding, parts, fixed, literal };
}

/** The values of the parameters in the fixed query; `undefined`: the query is another one. */
function fixedIn(fixed: Route["fixed"], query: readonly Pair[]): Readonly<Record<string, string>> | undefined {
  const values: Record<string, string> = Object.create(null);
  for (const { name, parts } of fixed) {
    const found = query
      .filter(([given]) => given === name)
      .map(([, value]) => valuesOf(parts, value))
      .find((each) => each !== undefined);
    if (found === undefined) return undefined;
    Object.assign(values, found);
  }
  return values;
}

/** As the client writes it (connectors/rest-request.ts). */
function encoded(text: string): string {
  try {
    return encodeURI(decodeURI(text));
  } catch {
    return encodeURI(text);
  }
}

function valuesOf(parts: readonly Part[], path: string): Readonly<Record<string, string>> | undefined {
  const values: Record<string, string> = Object.create(null);
  let at = 0;
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i]!;
    if ("text" in part) {
      if (!path.startsWith(part.text, at)) return undefined;
      at += part.text.length;
      continue;
    }
    // Up to the next literal; the last one ends the path, and the last dot is that of `{name}.{format}`.
    const next = parts[i + 1];
    let end: number;
    if (next === undefined) end = path.length;
    else if (!("text" in next)) end = i + 2 === parts.length ? extensionAt(path, at) : Math.min(at + 1, path.length);
    else if (i + 2 === parts.length) end = path.endsWith(next.text) ? path.length - next.text.length : -1;
    else if (next.text === "." && i + 3 === parts.length) end = path.lastIndexOf(".");
    else end = path.indexOf(next.text, at + 1);
    const value = end <= at ? "" : path.slice(at, end);
    if (value === "" || value.includes("/")) return undefined;
    values[part.name] = value;
    at = end;
  }
  return at === path.length ? values : undefined;
}

/** Where the second of `{name}{extension}` begins: at the last dot, else after one character. */
function extensionAt(path: string, at: number): number {
  const dot = path.lastIndexOf(".");
  return dot > at ? dot : Math.min(at + 1, path.length);
}
