/** Code that runs text, or starts other programs, stands where it is allowed and nowhere else: data is never evaluated. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSync } from "oxc-parser";
import { files, importsOf, isTest, type Node, text, walk } from "./sources.ts";

/** Who may start other programs: the command line, for git and the type checker. Nothing of it is loaded by a server. */
const starters: readonly string[] = ["src/cli/"];
const runners = /^(?:node:)?(?:vm|child_process|cluster|repl|inspector(?:\/promises)?)$/;
/**
 * The one file of the server that runs text: the loader of the project's own modules (docs/decisions/0046-modules-that-go.md), which are code that somebody
 * deployed. It may have this module, and no other of the runners.
 */
const loader = { path: "src/server/project/modules/modules.ts", specifier: "node:vm" } as const;
/** Who may load with it: what reads the project's files, and what reads a code version, which is a snapshot of them. */
const loading: readonly string[] = ["src/server/project/reading.ts", "src/server/versions/load-sources.ts"];
/** Names that make code of a text. */
const makers: ReadonlySet<unknown> = new Set(["eval", "Function", "AsyncFunction", "GeneratorFunction"]);

function evaluations(path: string): string[] {
  const found: string[] = [];
  const { program } = parseSync(path, text(path), { sourceType: "module" });
  walk(program, (node) => {
    const callee = node.callee as Node | undefined;
    if (node.type === "CallExpression" || node.type === "NewExpression") {
      if (makers.has(callee?.name)) found.push(`${path}: ${String(callee?.name)}`);
      const [first] = node.arguments as readonly Node[];
      const timer = /^set(Timeout|Interval|Immediate)$/.test(String(callee?.name));
      if (timer && typeof first?.value === "string") found.push(`${path}: a timer of text`);
      if (callee?.name === "Worker" && /eval:\s*true/.test(text(path))) found.push(`${path}: a worker of text`);
    }
    // `constructor.constructor("...")`, the way around the name.
    const property = node.property as Node | undefined;
    if (
      node.type === "MemberExpression" &&
      property?.name === "constructor" &&
      (node.object as Node).type === "MemberExpression"
    )
      found.push(`${path}: the constructor of a constructor`);
    if (node.type === "MemberExpression" && (node.object as Node).name === "process" && property?.name === "binding")
      found.push(`${path}: process.binding`);
  });
  for (const { specifier } of importsOf(path, text(path)))
    if (
      runners.test(specifier) &&
      !starters.some((place) => path.startsWith(place)) &&
      !(path === loader.path && specifier === loader.specifier)
    )
      found.push(`${path}: ${specifier}`);
  return found;
}

/** Helpers of tests, which no server loads. */
const ofTests: ReadonlySet<string> = new Set(["src/process/embedded/clock-jumps.ts"]);

test("attack 28: no code of the server evaluates text or starts another program", async () => {
  const all = (await files("src/**/*.ts")).filter((path) => !isTest(path) && !ofTests.has(path));
  assert.ok(all.length > 300);
  assert.deepEqual(all.flatMap(evaluations), []);
});

test("attack 28: the server's own rooms load nothing of the command line, where programs are started", async () => {
  const all = (await files("src/**/*.ts")).filter(
    (path) => !path.startsWith("src/cli/") && !isTest(path) && path !== "src/main.ts",
  );
  const wrong = all.flatMap((path) =>
    importsOf(path, text(path)).flatMap(({ specifier }) =>
      /\/cli\//.test(specifier) ? [`${path}: ${specifier}`] : [],
    ),
  );
  assert.deepEqual(wrong, []);
});

test("attack 28: the loader of the project's modules is used for its files and its code versions, and for nothing else", async () => {
  const all = (await files("src/**/*.ts")).filter((path) => !isTest(path));
  const users = all.filter((path) =>
    importsOf(path, text(path)).some(({ specifier }) =>
      /(^|\/)modules\/modules\.ts$|^\.\/modules\.ts$/.test(specifier),
    ),
  );
  assert.deepEqual(users, loading);
  // What it runs is what it read from a file of the folder that it was given: no text comes in by a parameter.
  assert.deepEqual(text(loader.path).match(/new Script\(.*?,/g), ["new Script(rewritten.code,"]);
  assert.match(text(loader.path), /const text = readFileSync\(file, "utf8"\);/);
});
