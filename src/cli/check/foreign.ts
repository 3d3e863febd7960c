/**
 * Finds what a process may not do, from its sources: await anything but verbs of `flow`, read the clock, draw random numbers,
 * start timers or calls of its own. Such code gives another answer when it is run again. What can't be seen here (a package's
 * insides, a computed name) is found by the check of the replay (P4).
 *
 * Followed are: the function `run` of each `defineProcess`, functions of the project that it calls, and code that is handed to
 * them. Not followed is the code of `flow.step(...)`, which may do anything.
 */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { type Node, parse, type Scope, scopeOf } from "./syntax.ts";

export interface ForeignUse {
  /** Relative to the project. */
  readonly file: string;
  readonly line: number;
  readonly process: string;
  readonly what: string;
  readonly instead: string;
}

/** Calls by the text of the callee. */
const calls: Readonly<Record<string, string>> = {
  "Date.now": "flow.now()",
  "performance.now": "flow.now()",
  "process.hrtime": "flow.now()",
  "process.hrtime.bigint": "flow.now()",
  Date: "flow.now()",
  "Math.random": "flow.random()",
  "crypto.randomUUID": "flow.uuid()",
  randomUUID: "flow.uuid()",
  "crypto.getRandomValues": "flow.random()",
  randomBytes: "flow.step(...)",
  randomInt: "flow.random()",
  setTimeout: "flow.sleep(...)",
  setInterval: "flow.sleep(...)",
  setImmediate: "flow.sleep(...)",
  fetch: "flow.call(...) of a system, or flow.step(...)",
};
const combinators = new Set(["Promise.all", "Promise.race", "Promise.any", "Promise.allSettled"]);

/** Every foreign use in `files` (relative to `folder`) and in what they call. */
export function foreignUses(folder: string, files: readonly string[]): ForeignUse[] {
  const scopes = new Map<string, Scope>();
  const scope = (file: string): Scope => {
    const known = scopes.get(file) ?? scopeOf(parse(file, readFileSync(file, "utf8")));
    scopes.set(file, known);
    return known;
  };
  const found: ForeignUse[] = [];
  for (const path of files) {
    const file = resolve(folder, path);
    for (const { name, run } of processesIn(scope(file))) {
      const flow = (run.params as Node[])[0];
      const search = new Search(folder, name, scope, found);
      search.body(file, run, flow?.type === "Identifier" ? (flow.name as string) : undefined);
    }
  }
  return found;
}

function processesIn(scope: Scope): { readonly name: string; readonly run: Node }[] {
  const found: { name: string; run: Node }[] = [];
  scope.walk(scope.program, (node) => {
    if (node.type !== "CallExpression" || textOf(node.callee) !== "defineProcess") return true;
    const [options] = node.arguments as Node[];
    if (options?.type !== "ObjectExpression") return true;
    const fields = options.properties as Node[];
    const field = (name: string): Node | undefined =>
      fields.find((one) => one.type === "Property" && (one.key as Node).name === name)?.value as Node | undefined;
    const run = resolved(scope, field("run"));
    const name = field("name");
    if (run !== undefined) found.push({ name: typeof name?.value === "string" ? name.value : "process", run });
    return true;
  });
  return found;
}

/** A function expression, also behind a name of the same file. */
function resolved(scope: Scope, node: Node | undefined): Node | undefined {
  if (node?.type === "Identifier") return scope.functions.get(node.name as string);
  return node !== undefined && /Function/.test(node.type) ? node : undefined;
}

/** `a.b.c` of a chain of plain names, else "". */
function textOf(node: unknown): string {
  const at = node as Node;
  if (at.type === "Identifier") return at.name as string;
  if (at.type === "MemberExpression" && at.computed !== true) {
    const object = textOf(at.object);
    return object === "" ? "" : `${object}.${(at.property as Node).name as string}`;
  }
  return "";
}

class Search {
  readonly #folder: string;
  readonly #process: string;
  readonly #scope: (file: string) => Scope;
  readonly #found: ForeignUse[];
  readonly #seen = new Set<Node>();

  constructor(folder: string, process: string, scope: (file: string) => Scope, found: ForeignUse[]) {
    this.#folder = folder;
    this.#process = process;
    this.#scope = scope;
    this.#found = found;
  }

  /** Looks through one function. `flow` is what its flow is called there, if it has one. */
  body(file: string, fn: Node, flow: string | undefined): void {
    if (this.#seen.has(fn)) return;
    this.#seen.add(fn);
    const scope = this.#scope(file);
    scope.walk(fn.body as Node, (node) => {
      if (node.type === "AwaitExpression" && !this.#durable(node.argument as Node, flow))
        this.#report(
          file,
          node,
          `awaits ${shown(scope, node.argument as Node)}`,
          "flow.call(...), or flow.step(...) around it",
        );
      if (node.type === "ForOfStatement" && node.await === true)
        this.#report(file, node, "has a for await loop", "flow.step(...) around it");
      if (node.type === "NewExpression" && textOf(node.callee) === "Date" && (node.arguments as Node[]).length === 0)
        this.#report(file, node, "reads the clock with new Date()", "new Date(flow.now())");
      if (node.type !== "CallExpression") return true;
      const callee = textOf(node.callee);
      if (flow !== undefined && callee === `${flow}.map`) {
        this.#items(file, scope, node, flow);
        return false;
      }
      if (flow !== undefined && callee === `${flow}.step`) {
        this.#steps(file, node, flow);
        return false;
      }
      const instead = Object.hasOwn(calls, callee) && !scope.declared.has(callee) ? calls[callee] : undefined;
      if (instead !== undefined) this.#report(file, node, `calls ${callee}()`, instead);
      this.#follow(file, scope, node, callee, flow);
      return true;
    });
  }

  /** The code of a step may do anything; its name and options belong to the process. */
  #steps(file: string, node: Node, flow: string): void {
    const [name] = node.arguments as Node[];
    if (name !== undefined) this.body(file, { type: "Arrow", body: name }, flow);
  }

  /** A function of the project that is called: its code belongs to the process. */
  #follow(file: string, scope: Scope, node: Node, callee: string, flow: string | undefined): void {
    const given = (node.arguments as Node[]).findIndex((one) => flow !== undefined && textOf(one) === flow);
    const enter = (target: string, fn: Node): void => {
      const parameter = given < 0 ? undefined : ((fn.params as Node[])[given] as Node | undefined);
      this.body(target, fn, parameter?.type === "Identifier" ? (parameter.name as string) : undefined);
    };
    const own = scope.functions.get(callee);
    if (own !== undefined) {
      enter(file, own);
      return;
    }
    const imported = scope.imports.get(callee);
    if (imported === undefined || !imported.from.startsWith(".")) return;
    const target = join(dirname(file), imported.from);
    if (!/\.[cm]?ts$/.test(target) || !existsSync(target) || relative(this.#folder, target).startsWith("..")) return;
    const other = this.#scope(target).functions.get(imported.name);
    if (other !== undefined) enter(target, other);
  }

  /** The function of a map has a flow of its own, as its second parameter, and shows only what it returns. */
  #items(file: string, scope: Scope, node: Node, flow: string): void {
    const [items, each] = node.arguments as Node[];
    if (items !== undefined) this.body(file, { type: "Block", body: items } as Node, flow);
    const own = resolved(scope, each);
    const imported = each?.type === "Identifier" ? scope.imports.get(each.name as string) : undefined;
    if (own !== undefined) this.#item(file, own);
    else if (imported?.from.startsWith(".") === true) {
      const target = join(dirname(file), imported.from);
      if (!/\.[cm]?ts$/.test(target) || !existsSync(target) || relative(this.#folder, target).startsWith("..")) return;
      const other = this.#scope(target).functions.get(imported.name);
      if (other !== undefined) this.#item(target, other);
    }
  }

  #item(file: string, fn: Node): void {
    const parameter = (fn.params as Node[])[1];
    this.body(file, fn, parameter?.type === "Identifier" ? (parameter.name as string) : undefined);
    const { walk } = this.#scope(file);
    const own = new Set<string>();
    walk(fn, (node) => {
      if (node.type === "VariableDeclarator" || /Function/.test(node.type))
        for (const name of namesIn(node)) own.add(name);
      return true;
    });
    walk(fn.body as Node, (node) => {
      const target = (
        node.type === "AssignmentExpression" ? node.left : node.type === "UpdateExpression" ? node.argument : undefined
      ) as Node | undefined;
      if (target?.type === "Identifier" && !own.has(target.name as string))
        this.#report(
          file,
          node,
          `writes to ${String(target.name)} from a function of flow.map`,
          "what the function returns",
        );
      return true;
    });
  }

  /** Whether what is awaited is a verb of flow, or made of verbs. */
  #durable(node: Node, flow: string | undefined): boolean {
    switch (node.type) {
      case "CallExpression": {
        const callee = textOf(node.callee);
        const args = node.arguments as Node[];
        // What is given to them is waited for too.
        if (flow !== undefined && (callee === `${flow}.all` || callee === `${flow}.race`))
          return args.every((one) => !/^(Array|Object)Expression$/.test(one.type) || this.#durable(one, flow));
        if (flow !== undefined && callee.startsWith(`${flow}.`)) return true;
        if (flow !== undefined && args.some((one) => textOf(one) === flow)) return true;
        if (combinators.has(callee)) return args.every((one) => this.#durable(one, flow));
        const object = (node.callee as Node).object as Node | undefined;
        const method = ((node.callee as Node).property as Node | undefined)?.name;
        // flow.call(...).then(...), list.map((one) => flow.call(...))
        if (["then", "catch", "finally"].includes(method as string))
          return object !== undefined && this.#durable(object, flow);
        return args.some((one) => /Function/.test(one.type) && mentions(one, flow));
      }
      // A promise kept under a name: where it was made is looked at there.
      case "Identifier":
      case "MemberExpression":
        return true;
      case "ArrayExpression":
        return (node.elements as (Node | null)[]).every((one) => one === null || this.#durable(one, flow));
      case "ObjectExpression":
        return (node.properties as Node[]).every((one) =>
          this.#durable((one.type === "Property" ? one.value : one) as Node, flow),
        );
      case "SpreadElement":
      case "TSAsExpression":
      case "TSNonNullExpression":
      case "TSSatisfiesExpression":
        return this.#durable((node.argument ?? node.expression) as Node, flow);
      case "ConditionalExpression":
        return this.#durable(node.consequent as Node, flow) && this.#durable(node.alternate as Node, flow);
      case "LogicalExpression":
        return this.#durable(node.left as Node, flow) && this.#durable(node.right as Node, flow);
      case "Literal":
        return true;
      default:
        return false;
    }
  }

  #report(file: string, node: Node, what: string, instead: string): void {
    this.#found.push({
      file: relative(this.#folder, file).replaceAll("\\", "/"),
      line: this.#scope(file).lineOf(node),
      process: this.#process,
      what,
      instead,
    });
  }
}

/** Names that a declaration or the parameters of a function bind. */
function namesIn(node: Node): string[] {
  const found: string[] = [];
  const open: unknown[] = node.type === "VariableDeclarator" ? [node.id] : [...(node.params as Node[])];
  while (open.length > 0) {
    const value = open.pop();
    if (typeof value !== "object" || value === null) continue;
    const { type, name } = value as Node;
    if (type === "Identifier") found.push(name as string);
    for (const inner of Object.values(value)) open.push(inner);
  }
  return found;
}

/** Whether the name stands anywhere in a piece of code. */
function mentions(node: Node, name: string | undefined): boolean {
  if (name === undefined) return false;
  const open: unknown[] = [node];
  while (open.length > 0) {
    const value = open.pop();
    if (typeof value !== "object" || value === null) continue;
    if ((value as Node).type === "Identifier" && (value as Node).name === name) return true;
    for (const inner of Object.values(value)) open.push(inner);
  }
  return false;
}

function shown(scope: Scope, node: Node): string {
  const text = scope.textOf(node).replace(/\s+/g, " ");
  return text.length <= 60 ? text : `${text.slice(0, 57)}...`;
}
