/** Which REST operations a request can mean: templates are matched without backtracking, the most literal first. */
import type { ContractModel, OperationModel, RestBinding } from "../contract/model.ts";
import { type Pair, pairsOf } from "../contract/rest-values.ts";

export interface Route {
  readonly operation: OperationModel;
  readonly binding: RestBinding;
  readonly parts: readonly Part[];
  /** A query that stands in the path itself: `/?action=List`. */
  readonly fixed: readonly Pair[];
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
      if (!route.fixed.every(([name, value]) => query.some(([n, v]) => n === name && v === value))) continue;
      const values = valuesOf(route.parts, path);
      if (values !== undefined) matches.push({ route, values });
    }
    return matches;
  }
}

function routeOf(operation: OperationModel, binding: RestBinding): Route {
  const [path = "", query = ""] = binding.path.split("#", 1)[0]!.split("?", 2);
  const names = new Set(binding.parameters.filter((each) => each.in === "path").map((each) => each.name));
  const parts: Part[] = [];
  for (const text of path.split(/(\{[^{}]+\})/)) {
    if (text === "") continue;
    const name = text.slice(1, -1);
    if (text.startsWith("{") && names.has(name)) parts.push({ name });
    else parts.push({ text: encoded(text) });
  }
  const literal = parts.reduce((sum, part) => sum + ("text" in part ? part.text.length : 0), 0);
  return { operation, binding, parts, fixed: pairsOf(query), literal };
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
    // Up to the next literal; the last one ends the path.
    const next = parts[i + 1];
    let end: number;
    if (next === undefined) end = path.length;
    else if (!("text" in next)) end = Math.min(at + 1, path.length);
    else if (i + 2 === parts.length) end = path.endsWith(next.text) ? path.length - next.text.length : -1;
    else end = path.indexOf(next.text, at + 1);
    const value = end <= at ? "" : path.slice(at, end);
    if (value === "" || value.includes("/")) return undefined;
    values[part.name] = value;
    at = end;
  }
  return at === path.length ? values : undefined;
}
