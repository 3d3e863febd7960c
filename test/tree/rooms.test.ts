/** Imports point one way: the arrows between the rooms of src/, from the sources themselves. Type imports count. */
import assert from "node:assert/strict";
import { dirname, join } from "node:path/posix";
import { test } from "node:test";
import { files, importsOf, isTest, text } from "./sources.ts";

/** What each room may import besides itself. A file directly in src/ is a room by its name. */
const arrows: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  "module-url": [],
  clock: [],
  slots: [],
  uncached: [],
  http: [],
  "when-needed": [],
  operation: ["errors"],
  retry: ["operation"],
  store: ["errors", "operation", "module-url", "slots", "clock"],
  formats: ["errors", "operation", "module-url"],
  outbound: ["errors", "module-url", "slots", "when-needed"],
  contract: ["formats", "outbound", "operation", "errors", "module-url", "uncached", "when-needed"],
  connectors: ["contract", "formats", "outbound", "operation", "errors", "module-url", "retry"],
  fakes: ["contract", "connectors", "formats", "outbound", "operation", "errors", "module-url", "http"],
  process: ["operation", "errors", "module-url", "retry"],
  "process/embedded": ["process", "store", "operation", "errors", "module-url", "slots", "clock", "retry"],
  publish: [
    "contract",
    "store",
    "outbound",
    "formats",
    "operation",
    "errors",
    "module-url",
    "slots",
    "when-needed",
    "http",
  ],
  observe: ["contract", "store", "operation", "errors", "module-url"],
  testing: [
    "contract",
    "connectors",
    "fakes",
    "process",
    "process/embedded",
    "store",
    "operation",
    "errors",
    "clock",
    "retry",
  ],
};
const lower = Object.keys(arrows);
/** The top: the composition root sees every room, commands see the root, and the public names are picked from the rooms. */
const top: Readonly<Record<string, readonly string[]>> = {
  server: lower,
  cli: ["server", "contract", "testing", "fakes", "operation", "errors", "module-url", "http"],
  main: ["cli", "errors"],
  index: [...lower, "server"],
};
const allowed: Readonly<Record<string, readonly string[]>> = { ...arrows, ...top };

/** The rooms inside the engine. What stands beside them puts them together, or is what they say to each other and to those who observe. */
const inEngine: Readonly<Record<string, readonly string[]>> = {
  history: [],
  attempts: ["history"],
  store: ["history"],
  run: ["attempts", "history", "store"],
  worker: ["run", "attempts", "history", "store"],
  front: ["history", "store"],
};
const saidBetween: ReadonlySet<string> = new Set([
  "src/process/embedded/wire.ts",
  "src/process/embedded/verdict.ts",
  "src/process/embedded/facts.ts",
]);

function roomOf(path: string): string {
  const parts = path.split("/").slice(1);
  if (parts.length === 1) return parts[0]!.replace(/\.ts$/, "");
  return parts[0] === "process" && parts[1] === "embedded" ? "process/embedded" : parts[0]!;
}

/** The arrows of one file that point the wrong way. */
function violations(path: string, source: string): string[] {
  const from = roomOf(path);
  const wrong: string[] = [];
  for (const { specifier, line } of importsOf(path, source)) {
    if (!specifier.startsWith(".")) {
      if (specifier === "mortise" || specifier.startsWith("mortise/"))
        wrong.push(`${path}:${line} imports its own package by name`);
      continue;
    }
    const target = join(dirname(path), specifier);
    if (!target.startsWith("src/")) wrong.push(`${path}:${line} imports ${target}, outside src/`);
    else {
      const to = roomOf(target);
      if (to !== from && allowed[from]?.includes(to) !== true) wrong.push(`${path}:${line} ${from} imports ${to}`);
    }
  }
  return wrong;
}

test("imports between the rooms point one way", async () => {
  const sources = (await files("src/**/*.ts")).filter((path) => !isTest(path));
  assert.ok(sources.length > 10);
  for (const path of sources)
    assert.ok(roomOf(path) in allowed, `${path} is in no room; give the room its arrows in this test and in DESIGN`);
  assert.deepEqual(
    sources.flatMap((path) => violations(path, text(path))),
    [],
  );
});

test("imports between the engine's rooms point one way", async () => {
  const engine = "src/process/embedded/";
  const sources = (await files(`${engine}*/**/*.ts`)).filter((path) => !isTest(path));
  const roomIn = (path: string) => (saidBetween.has(path) ? undefined : path.slice(engine.length).split("/")[0]);
  const wrong = sources.flatMap((path) =>
    importsOf(path, text(path)).flatMap(({ specifier, line }) => {
      const target = specifier.startsWith(".") ? join(dirname(path), specifier) : "";
      const [from, to] = [roomIn(path) as string, target.startsWith(engine) ? roomIn(target) : undefined];
      const allowed = to === undefined || to === from || inEngine[from]?.includes(to) === true;
      return allowed ? [] : [`${path}:${line} imports ${target}`];
    }),
  );
  assert.deepEqual([...new Set(sources.map(roomIn))].sort(), Object.keys(inEngine).sort());
  assert.deepEqual(wrong, []);
});

test("the arrows have no cycle", () => {
  const seen = new Map<string, "open" | "done">();
  const visit = (room: string, path: readonly string[]): void => {
    assert.notEqual(seen.get(room), "open", `cycle: ${[...path, room].join(" -> ")}`);
    if (seen.get(room) === "done") return;
    seen.set(room, "open");
    for (const next of allowed[room] ?? []) visit(next, [...path, room]);
    seen.set(room, "done");
  };
  for (const room of Object.keys(allowed)) visit(room, []);
  // Those of the engine's rooms are listed from the lowest up.
  for (const [at, [room, below]] of Object.entries(inEngine).entries())
    for (const one of below) assert.ok(Object.keys(inEngine).indexOf(one) < at, `${room} -> ${one}`);
});

test("no file imports itself round about, but for types that speak of each other", async () => {
  const sources = (await files("src/**/*.ts")).filter((path) => !isTest(path));
  const known = new Set(sources);
  const imports = new Map(
    sources.map((path) => [
      path,
      importsOf(path, text(path))
        .filter(({ specifier, loads }) => loads && specifier.startsWith("."))
        .map(({ specifier }) => join(dirname(path), specifier))
        .filter((target) => known.has(target)),
    ]),
  );
  const seen = new Map<string, "open" | "done">();
  const visit = (path: string, way: readonly string[]): void => {
    if (seen.get(path) === "open") assert.fail(`circle: ${[...way.slice(way.indexOf(path)), path].join(" -> ")}`);
    if (seen.get(path) === "done") return;
    seen.set(path, "open");
    for (const next of imports.get(path) ?? []) visit(next, [...way, path]);
    seen.set(path, "done");
  };
  for (const path of sources) visit(path, []);
});

test("the logger, the metrics and the tracer are imported by observe and server only", async () => {
  const sources = (await files("src/**/*.ts")).filter((path) => !isTest(path));
  const wrong = sources.filter(
    (path) =>
      !["observe", "server"].includes(roomOf(path)) &&
      importsOf(path, text(path)).some(({ specifier }) => /^(pino|prom-client|@opentelemetry\/)/.test(specifier)),
  );
  assert.deepEqual(wrong, []);
});

test("a wrong arrow is found in every form of import", () => {
  const planted: Record<string, string> = {
    import: 'import { x } from "../process/flow.ts";',
    "import type": 'import type { Flow } from "../process/flow.ts";',
    "inline type": 'import { type Flow } from "../process/flow.ts";',
    "side effect": 'import "../process/flow.ts";',
    "re-export": 'export { x } from "../process/flow.ts";',
    "export all": 'export * from "../process/flow.ts";',
    dynamic: 'const f = await import("../process/flow.ts");',
    "type query": 'type F = import("../process/flow.ts").Flow;',
    worker: 'new Worker(moduleUrl("../process/flow", import.meta.url));',
  };
  for (const [form, source] of Object.entries(planted))
    assert.deepEqual(violations("src/publish/a.ts", source), ["src/publish/a.ts:1 publish imports process"], form);
  assert.deepEqual(violations("src/process/a.ts", 'import "./embedded/e.ts";'), [
    "src/process/a.ts:1 process imports process/embedded",
  ]);
  assert.equal(violations("src/errors.ts", 'import "../test/x.ts";').length, 1);
  assert.equal(violations("src/store/a.ts", 'import "mortise";').length, 1);
  assert.deepEqual(violations("src/server/a.ts", 'import "../process/embedded/e.ts"; import "node:fs";'), []);
});
