/** The house rules that a compiler does not know. */
import assert from "node:assert/strict";
import { homedir } from "node:os";
import { test } from "node:test";
import { parseSync } from "oxc-parser";
import { files, isTest, root, text, walk } from "./sources.ts";

const typescript = await files("{src,test,examples,bench}/**/*.ts");
const committed = [
  ...typescript,
  ...(await files(
    "{bin,scripts}/**/*.mjs",
    "docs/**/*.md",
    "*.{md,json}",
    "examples/**/*.{md,json,yaml,wsdl,xsd,sql}",
  )),
];
/** Generated and committed: its form is its generator's. */
const generated = (path: string): boolean => path.endsWith("/contract.ts");
/** Says in its header why it is long. */
const longWithReason = /\bone file\b|\bin one place\b|\blong because\b/i;

test("a file has at most 400 lines (a test 600), or says in its header why more", () => {
  const wrong = typescript.filter((path) => {
    const lines = text(path).split("\n");
    const header = lines.slice(0, lines.findIndex((line) => line.includes("*/")) + 1).join(" ");
    const most = isTest(path) ? 600 : 400;
    return lines.length - 1 > most && !generated(path) && !longWithReason.test(header);
  });
  assert.deepEqual(wrong, []);
});

test("a source begins with a comment that says what it is for", () => {
  const sources = typescript.filter((path) => path.startsWith("src/") && !isTest(path));
  assert.deepEqual(
    sources.filter((path) => !/^(\/\*\*|\/\/)/.test(text(path)) && !path.includes("/fixtures/")),
    [],
  );
});

/** Constructs that Node can't strip, or that hide what a module gives. */
function forbidden(path: string, source: string): string[] {
  const found: string[] = [];
  walk(parseSync(path, source).program, (node) => {
    if (node.type === "TSEnumDeclaration") found.push("enum");
    if (node.type === "TSModuleDeclaration" && node.kind !== "global" && node.declare !== true) found.push("namespace");
    if (node.type === "ExportAllDeclaration") found.push("export *");
    if (node.type === "TSParameterProperty") found.push("parameter property");
    if (node.type === "Decorator") found.push("decorator");
  });
  return found;
}

test("no enum, namespace, parameter property, decorator or export *", () => {
  assert.deepEqual(
    typescript.flatMap((path) => forbidden(path, text(path)).map((what) => `${path}: ${what}`)),
    [],
  );
  assert.deepEqual(
    forbidden("a.ts", "enum A { B }; namespace N { export const x = 1 }; class C { constructor(readonly a: 1) {} }"),
    ["enum", "namespace", "parameter property"],
  );
  assert.deepEqual(forbidden("a.ts", 'export * from "./b.ts"; @d class C {}'), ["export *", "decorator"]);
});

test("files have plain names: lower case, dashes, dots", () => {
  assert.deepEqual(
    typescript.filter((path) => !/^[a-z0-9.-]+$/.test(path.split("/").at(-1) ?? "")),
    [],
  );
});

test("no path of the machine it was written on", () => {
  const homes = [`${root}/`, `${homedir()}/`, "/home/", "/Users/"].filter((path) => path !== "//");
  assert.deepEqual(
    committed.filter((path) => path !== "test/tree/sources.test.ts" && homes.some((home) => text(path).includes(home))),
    [],
  );
});

test("nothing is left for later", () => {
  const marker = new RegExp(`\\b(${["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"].join("|")})\\b`);
  assert.deepEqual(
    committed.filter((path) => marker.test(text(path))),
    [],
  );
});

test("no test is switched off or alone", () => {
  const alone = /\b(test|it|describe|suite)\.(only|skip|todo)\(|\b(only|todo): true/;
  assert.deepEqual(
    typescript.filter((path) => path !== "test/tree/sources.test.ts" && alone.test(text(path))),
    [],
  );
});

test("Node's HTTP is taken from src/http.ts: importing it costs each thread and each command 70 ms", () => {
  const direct = /^import (?!type ).* from "(node:)?http";$/m;
  assert.deepEqual(
    typescript.filter((path) => /^(src|test)\//.test(path) && direct.test(text(path))),
    [],
  );
});

test("the engine and its store take time, chance and turns from their clock, so that a simulation holds them in its hand", () => {
  const own = /\b(setTimeout|setInterval|setImmediate|Date\.now|Math\.random)\b|\bnew Date\(\)/;
  const held = typescript.filter(
    (path) => /^src\/(process|store)\//.test(path) && !isTest(path) && !/^\/\*\* Test seam/.test(text(path)),
  );
  assert.deepEqual(
    held.filter((path) => own.test(text(path))),
    [],
  );
});
