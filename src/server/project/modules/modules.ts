/**
 * The project's modules in the front, loaded so that they can be loaded again. What Node imports stays in memory for ever; what is loaded here is gone
 * once nothing uses it (docs/decisions/0046-modules-that-go.md). Files are read once per round; a module whose text, and that of all it
 * needs, is what it was stays the very module that it was, with its state.
 *
 *  M1  Packages, Mortise and Node's own modules are imported by Node, once, as from the project's folder.
 *  M2  Imports are live, cycles run in the language's order, top-level await is waited for, a missing export is an error.
 *  M3  Nothing of a round is kept before `keep` is called: a round that fails leaves what was.
 *
 * Besides Node's import this is the only place where the server runs text as code: the project's own files, whose deployment is the right to run code.
 * test/tree/evaluation.test.ts says who may use it.
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { Script } from "node:vm";
import { uncached } from "../../../uncached.ts";
import { type Exports, importProblem } from "../files.ts";
import { importsOf, projectPath, type SourceProblem } from "../sources.ts";
import { importFrom } from "./native.ts";
import { type Rewritten, rewriteModule, whole } from "./rewrite.ts";

export interface Modules {
  /** Loads `files` (relative to the folder). What they throw becomes problems. */
  load(files: readonly string[]): Promise<Round>;
}

export interface Round {
  /** What each file exports; without those that failed. */
  readonly modules: ReadonlyMap<string, Exports>;
  readonly problems: readonly SourceProblem[];
  /** From now on what did not change is taken from this round. */
  keep(): void;
}

export interface ModulesOptions {
  /** Absolute. */
  readonly folder: string;
  /** Where packages are looked up. Default: the folder. */
  readonly packages?: string;
}

type Parsed =
  | { readonly kind: "module"; readonly rewritten: Rewritten; readonly script: Script }
  | { readonly kind: "json" }
  /** CommonJS: imported by Node, and so never anew. */
  | { readonly kind: "native" };

/** A file of a round. */
interface Unit {
  readonly path: string;
  readonly text: string;
  readonly parsed: Parsed;
  /** Files of the folder that it needs, by what it calls them. */
  readonly needs: ReadonlyMap<string, string>;
}

interface Instance {
  readonly unit: Unit;
  /** Hash of its text and of all that it needs. */
  readonly key: string;
  /** Told when it is entered. */
  own: Readonly<Record<string, () => unknown>>;
  /** By what the module calls it. */
  readonly to: Map<string, Target>;
  state: "made" | "wired" | "running" | "done";
  failed: { readonly error: unknown } | undefined;
  run: (() => Promise<void>) | undefined;
  namespace: Exports | undefined;
}

/** What a request leads to: a module of the folder, or what Node imported. */
type Target =
  | { readonly kind: "own"; readonly instance: Instance }
  | { readonly kind: "native"; readonly exports: Exports };

export function openModules({ folder, packages = folder }: ModulesOptions): Modules {
  let kept: ReadonlyMap<string, Instance> = new Map();

  return {
    async load(files) {
      const units = new Map<string, Unit>();
      const problems: SourceProblem[] = [];
      const told = (problem: SourceProblem): void => {
        const text = JSON.stringify(problem);
        if (!problems.some((known) => JSON.stringify(known) === text)) problems.push(problem);
      };
      const broken = new Set<string>();
      for (const open = [...files]; open.length > 0; ) {
        const path = open.pop() as string;
        if (units.has(path) || broken.has(path)) continue;
        try {
          const unit = unitOf(folder, path, kept.get(path)?.unit);
          units.set(path, unit);
          open.push(...unit.needs.values());
        } catch (error) {
          broken.add(path);
          told(importProblem(folder, path, error));
        }
      }
      const instances = new Map<string, Instance>();
      for (const [path, unit] of units) {
        const key = keyOf(units, path);
        const before = kept.get(path);
        instances.set(
          path,
          before?.key === key && before.state === "done" && before.failed === undefined ? before : made(unit, key),
        );
      }
      const modules = new Map<string, Exports>();
      if (broken.size === 0) {
        const round = { folder, packages, instances };
        for (const path of files) {
          const instance = instances.get(path) as Instance;
          try {
            await link(round, instance);
            await evaluate(instance);
            modules.set(path, namespaceOf(instance));
          } catch (error) {
            told(error instanceof LinkError ? error.problem : importProblem(folder, path, error));
          }
        }
      }
      return {
        modules,
        problems,
        keep() {
          kept = instances;
        },
      };
    },
  };
}

function unitOf(folder: string, path: string, before: Unit | undefined): Unit {
  const file = join(folder, path);
  const text = readFileSync(file, "utf8");
  if (before?.text === text) return before;
  const needs = new Map<string, string>();
  if (!/\.[cm]?[jt]s$/.test(path)) return { path, text, parsed: { kind: "json" }, needs };
  for (const { specifier } of importsOf(text, path).imports) {
    if (!/^\.\.?\//.test(specifier)) continue;
    const target = resolve(dirname(file), decodeURIComponent(specifier.replace(/[?#].*$/, "")));
    needs.set(specifier, projectPath(folder, target));
  }
  // Read by pinnedContract, beside the contract.ts that calls it.
  if (basename(path) === "contract.ts" && existsSync(join(dirname(file), "contract.json")))
    needs.set("contract.json", projectPath(folder, join(dirname(file), "contract.json")));
  const rewritten = /\.c[jt]s$/.test(path) ? undefined : rewriteModule(path, text);
  if (rewritten === undefined) return { path, text, parsed: { kind: "native" }, needs };
  const filename = pathToFileURL(file).href;
  const script = uncached(() => new Script(rewritten.code, { filename, columnOffset: -rewritten.prefix }));
  return { path, text, parsed: { kind: "module", rewritten, script }, needs };
}

/** Of a file and everything that it needs, in whatever circle. */
function keyOf(units: ReadonlyMap<string, Unit>, from: string): string {
  const seen = new Set<string>();
  for (const open = [from]; open.length > 0; ) {
    const path = open.pop() as string;
    if (seen.has(path)) continue;
    seen.add(path);
    open.push(...(units.get(path)?.needs.values() ?? []));
  }
  const hash = createHash("sha256");
  for (const path of [...seen].sort()) hash.update(`${path}\0${units.get(path)?.text ?? ""}\0`);
  return hash.digest("base64url");
}

function made(unit: Unit, key: string): Instance {
  return { unit, key, own: {}, to: new Map(), state: "made", failed: undefined, run: undefined, namespace: undefined };
}

interface Linking {
  readonly folder: string;
  readonly packages: string;
  readonly instances: ReadonlyMap<string, Instance>;
}

class LinkError extends Error {
  readonly problem: SourceProblem;
  constructor(problem: SourceProblem) {
    super(problem.message);
    this.problem = problem;
  }
}

/** Finds what a module and all that it needs lead to, and then enters them: their exports are known, and their functions declared. */
async function link(round: Linking, instance: Instance): Promise<void> {
  const fresh: Instance[] = [];
  await wire(round, instance, fresh);
  for (const one of fresh) check(one);
  for (const one of fresh) await enter(round, one);
}

async function wire(round: Linking, instance: Instance, fresh: Instance[]): Promise<void> {
  if (instance.state !== "made") return;
  instance.state = "wired";
  fresh.push(instance);
  const { path, text, parsed, needs } = instance.unit;
  if (parsed.kind === "json") {
    let value: { readonly read: unknown } | undefined;
    instance.own = {
      default() {
        value ??= { read: JSON.parse(text) };
        return value.read;
      },
    };
    return;
  }
  const place = placeOf(round, path);
  if (parsed.kind === "native") {
    const exports = await importFrom(pathToFileURL(join(round.folder, path)).href, place);
    instance.own = Object.fromEntries(Object.keys(exports).map((name) => [name, () => exports[name]]));
    return;
  }
  const { requests, later } = parsed.rewritten;
  for (const from of [...requests.map((request) => request.from), ...later]) {
    if (instance.to.has(from)) continue;
    const own = round.instances.get(needs.get(from) ?? "");
    if (own !== undefined) {
      instance.to.set(from, { kind: "own", instance: own });
      await wire(round, own, fresh);
    } else if (!later.includes(from)) instance.to.set(from, { kind: "native", exports: await importFrom(from, place) });
  }
}

/** As the language's own loader: before anything runs. */
function check({ unit, to }: Instance): void {
  if (unit.parsed.kind !== "module") return;
  const { requests, again } = unit.parsed.rewritten;
  const asked = [
    ...requests.flatMap(({ from, line, names }) => names.map(({ imported }) => ({ from, line, imported }))),
    ...again.map(({ from, imported }) => {
      const line = requests.find((request) => request.from === from)?.line ?? 1;
      return { from, line, imported };
    }),
  ];
  for (const { from, line, imported } of asked) {
    if (imported === whole || namesOf(to.get(from) as Target).includes(imported)) continue;
    const message = `The requested module '${from}' does not provide an export named '${imported}'`;
    throw new LinkError({ file: unit.path, line, message });
  }
}

async function enter({ folder, packages }: Linking, instance: Instance): Promise<void> {
  const { path, parsed } = instance.unit;
  if (parsed.kind !== "module") return;
  const { to } = instance;
  const scope = Object.create(null) as object;
  for (const { from, names } of parsed.rewritten.requests)
    for (const { imported, local } of names) {
      const target = to.get(from) as Target;
      Object.defineProperty(scope, local, { get: () => use(target, imported) });
    }
  const file = join(folder, path);
  const url = pathToFileURL(file).href;
  const place = placeOf({ packages }, path);
  const meta = Object.assign(Object.create(null), { url, filename: file, dirname: dirname(file) });
  const load = async (specifier: unknown): Promise<unknown> => {
    const target = to.get(String(specifier));
    if (target?.kind !== "own") return importFrom(String(specifier), place);
    await evaluate(target.instance);
    return namespaceOf(target.instance);
  };
  type Entered = AsyncGenerator<undefined, void, undefined>;
  const make = parsed.script.runInThisContext() as (scope: object) => (...given: unknown[]) => Entered;
  const tell = (own: Instance["own"]): void => {
    instance.own = own;
  };
  const entered = make(scope)(tell, meta, load);
  await entered.next();
  instance.run = async () => void (await entered.next());
}

/** Where packages are looked up from. */
function placeOf({ packages }: Pick<Linking, "packages">, path: string): string {
  return pathToFileURL(join(packages, path)).href;
}

/** Runs it after all that it needs, each once. */
async function evaluate(instance: Instance): Promise<void> {
  if (instance.failed !== undefined) throw instance.failed.error;
  if (instance.state === "running" || instance.state === "done") return;
  instance.state = "running";
  try {
    for (const target of needed(instance)) if (target.kind === "own") await evaluate(target.instance);
    await instance.run?.();
  } catch (error) {
    instance.failed = { error };
    throw error;
  } finally {
    instance.state = "done";
    instance.run = undefined;
  }
}

/** As `read`, for the code that imports: what is not there yet is its error, at its place. */
function use(target: Target, name: string): unknown {
  try {
    return read(target, name);
  } catch (error) {
    throw error instanceof ReferenceError ? new ReferenceError(error.message) : error;
  }
}

/** What has to run before it: not what it may import later. */
function needed({ unit, to }: Instance): readonly Target[] {
  if (unit.parsed.kind !== "module") return [];
  return unit.parsed.rewritten.requests.map(({ from }) => to.get(from) as Target);
}

function read(target: Target, name: string): unknown {
  if (name === whole) return target.kind === "native" ? target.exports : namespaceOf(target.instance);
  return lookUp(target, name)?.();
}

/** The binding of an export, its own or of a module that it is exported again from. */
function lookUp(target: Target, name: string, seen = new Set<Instance>()): (() => unknown) | undefined {
  if (target.kind === "native") return name in target.exports ? () => target.exports[name] : undefined;
  const { instance } = target;
  if (seen.has(instance)) return undefined;
  seen.add(instance);
  const { own, to, unit } = instance;
  if (Object.hasOwn(own, name)) return own[name];
  if (unit.parsed.kind !== "module") return undefined;
  const { again, stars } = unit.parsed.rewritten;
  const named = again.find((one) => one.name === name);
  if (named !== undefined) {
    const next = to.get(named.from) as Target;
    return named.imported === whole ? () => read(next, whole) : lookUp(next, named.imported, seen);
  }
  if (name === "default") return undefined;
  for (const from of stars) {
    const found = lookUp(to.get(from) as Target, name, seen);
    if (found !== undefined) return found;
  }
  return undefined;
}

function namesOf(target: Target, seen = new Set<Instance>()): readonly string[] {
  if (target.kind === "native") return Object.keys(target.exports);
  const { own, to, unit } = target.instance;
  if (seen.has(target.instance)) return [];
  seen.add(target.instance);
  if (unit.parsed.kind !== "module") return Object.keys(own);
  const { own: names, again, stars } = unit.parsed.rewritten;
  const starred = stars.flatMap((from) => namesOf(to.get(from) as Target, seen)).filter((name) => name !== "default");
  return [...new Set([...names, ...again.map(({ name }) => name), ...starred])].sort();
}

function namespaceOf(instance: Instance): Exports {
  if (instance.namespace !== undefined) return instance.namespace;
  const target: Target = { kind: "own", instance };
  const namespace: object = Object.create(null, { [Symbol.toStringTag]: { value: "Module" } });
  for (const name of namesOf(target))
    Object.defineProperty(namespace, name, { get: lookUp(target, name) as () => unknown, enumerable: true });
  instance.namespace = Object.freeze(namespace) as Exports;
  return instance.namespace;
}
