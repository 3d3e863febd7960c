/**
 * Masks sensitive values for everything that people or logs get to see (P8). Paths are relative to the value, such as
 * `card.number` or `lines.*.note`; `*` stands for any element or property.
 */
import type { Json } from "../operation.ts";

/** What stands in the place of a masked value. */
export const masked = "•••";

/** A prepared set of paths. Make it once per operation. */
export type Mask = (value: Json) => Json;

interface Branch {
  /** A path ends here: whatever it is, it goes. */
  end: boolean;
  readonly names: Map<string, Branch>;
  any: Branch | undefined;
}

/** Masks nothing. */
export const unchanged: Mask = (value) => value;

/** A function that returns the value with everything at `paths` masked. The given value is never changed. */
export function maskAt(paths: readonly string[]): Mask {
  if (paths.length === 0) return unchanged;
  const root: Branch = { end: false, names: new Map(), any: undefined };
  for (const path of paths) {
    let branch = root;
    for (const name of path === "" ? [] : path.split(".")) branch = grow(branch, name);
    branch.end = true;
  }
  return (value) => apply(value, [root]);
}

/** The paths of `paths` that lie below `prefix`, without it: those of `placeOrder.input` out of a system's list. */
export function pathsBelow(paths: readonly string[], prefix: string): readonly string[] {
  const wanted = prefix.split(".");
  const found: string[] = [];
  for (const path of paths) {
    const names = path.split(".");
    if (wanted.every((name, index) => names[index] === name || names[index] === "*"))
      found.push(names.slice(wanted.length).join("."));
  }
  return found;
}

function grow(branch: Branch, name: string): Branch {
  const known = name === "*" ? branch.any : branch.names.get(name);
  if (known !== undefined) return known;
  const fresh: Branch = { end: false, names: new Map(), any: undefined };
  if (name === "*") branch.any = fresh;
  else branch.names.set(name, fresh);
  return fresh;
}

/** A value can lie on several paths at once: `a.*` and `a.b` meet in `b`. */
function apply(value: Json, branches: readonly Branch[]): Json {
  if (branches.length === 0) return value;
  if (branches.some((branch) => branch.end)) return masked;
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((inner: Json, index) => apply(inner, below(branches, String(index))));
  // fromEntries: a property called __proto__ stays data
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, apply(inner, below(branches, name))]));
}

function below(branches: readonly Branch[], name: string): Branch[] {
  const found: Branch[] = [];
  for (const branch of branches) {
    const named = branch.names.get(name);
    if (named !== undefined) found.push(named);
    if (branch.any !== undefined) found.push(branch.any);
  }
  return found;
}

/** Tells of every text and number of `before` that is masked in `after`. */
export function eachHidden(before: Json, after: Json, tell: (value: string | number) => void): void {
  if (before === after) return;
  if (after === masked) {
    eachLeaf(before, tell);
    return;
  }
  if (typeof before !== "object" || before === null) return;
  for (const [name, inner] of Object.entries(before))
    eachHidden(inner as Json, (after as Readonly<Record<string, Json>>)[name] ?? null, tell);
}

function eachLeaf(value: Json, tell: (value: string | number) => void): void {
  if (typeof value === "object" && value !== null)
    for (const inner of Object.values(value)) eachLeaf(inner as Json, tell);
  else if (value !== masked && (typeof value === "string" || typeof value === "number")) tell(value);
}
