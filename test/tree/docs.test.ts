/** What the docs show is true: TypeScript compiles, commands exist, links lead somewhere. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { files, root, text } from "./sources.ts";

const pages = [
  "README.md",
  "CONTRIBUTING.md",
  "SECURITY.md",
  "CHANGELOG.md",
  ...(await files("docs/**/*.md", "examples/*/README.md")),
];

interface Block {
  readonly page: string;
  readonly line: number;
  readonly language: string;
  /** What stands after the language: `ts in=systems/erp`, `ts fragment`. */
  readonly info: string;
  readonly code: string;
}

function blocks(page: string): Block[] {
  const found: Block[] = [];
  const lines = text(page).split("\n");
  for (let at = 0; at < lines.length; at++) {
    const open = /^(\s*)```(\w+)\s*(.*)$/.exec(lines[at]!);
    if (open === null) continue;
    const start = at + 1;
    while (++at < lines.length && !/^\s*```\s*$/.test(lines[at]!));
    const code = lines.slice(start, at).map((line) => line.slice(open[1]!.length));
    found.push({ page, line: start, language: open[2]!, info: open[3]!.trim(), code: code.join("\n") });
  }
  return found;
}

const all = pages.flatMap(blocks);

/**
 * A block is a module of its own, compiled inside the checkout, so that "mortise" means the sources. Its relative imports lead
 * into Harbour Supply (`in=systems/erp`: as if it stood in that folder). `fragment` shows a part and is not compiled;
 * `project=path` is compiled and run by guide.test.ts.
 */
test("every ts block compiles", { timeout: 120_000 }, async () => {
  const project = join(root, "examples", "harbour-supply");
  mkdirSync(join(root, ".mortise"), { recursive: true });
  const home = mkdtempSync(join(root, ".mortise", "docs-"));
  try {
    const origin = new Map<string, Block>();
    let number = 0;
    for (const block of all) {
      if (block.language !== "ts" || /^(fragment$|project=)/.test(block.info)) continue;
      const folder = join(home, block.page.replace(/[^a-z0-9]+/gi, "-"));
      const file = join(folder, `block-${++number}.ts`);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, `${inHarbour(block, project)}\nexport {};\n`);
      origin.set(file, block);
    }
    assert.ok(origin.size > 0);
    const config = {
      extends: "../../tsconfig.json",
      compilerOptions: {
        noUnusedLocals: false,
        noUnusedParameters: false,
        paths: {
          mortise: [join(root, "src", "index.ts")],
          "mortise/testing": [join(root, "src", "testing", "index.ts")],
        },
      },
      include: ["**/*.ts"],
      exclude: [],
    };
    writeFileSync(join(home, "tsconfig.json"), JSON.stringify(config));
    const output = await run([join(root, "node_modules/typescript/bin/tsc"), "-p", home, "--pretty", "false"]);
    const complaints = output.split("\n").filter((line) => /error TS/.test(line));
    const named = complaints.map((line) => {
      const [, path, row] = /^(.*?)\((\d+),/.exec(line) ?? [];
      const block = path === undefined ? undefined : (origin.get(join(root, path)) ?? origin.get(path));
      return block === undefined
        ? line
        : `${block.page}:${block.line + Number(row)} ${line.slice(line.indexOf("error"))}`;
    });
    assert.deepEqual(named, []);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
});

test("every mortise command in a sh block exists, with its options", async () => {
  const { commandTree } = await import("../../src/cli/program.ts");
  const tree = commandTree();
  const wrong: string[] = [];
  for (const block of all) {
    if (!["sh", "bash", "console"].includes(block.language)) continue;
    for (const line of block.code.split(/\n|&&/)) {
      const typed = /^\s*(?:\$ )?(?:npx )?mortise(?=\s|$)(.*)$/.exec(line)?.[1]?.replace(/\s#.*$/, "");
      if (typed === undefined) continue;
      const words = typed
        .trim()
        .split(/\s+/)
        .filter((word) => word !== "");
      let node = tree;
      while (words[0] !== undefined && node.commands[words[0]] !== undefined) node = node.commands[words.shift()!]!;
      const bare = Object.keys(node.commands).length > 0 && words[0] !== undefined && !words[0].startsWith("-");
      const unknown = words.filter((word) => word.startsWith("--") && !node.options.includes(word.split("=")[0]!));
      if (bare || unknown.length > 0) wrong.push(`${block.page}:${block.line} ${line.trim()}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test("every npm script in a sh block exists", () => {
  const { scripts } = JSON.parse(text("package.json")) as { scripts: Record<string, string> };
  const guide = (page: string): boolean => page.startsWith("docs/guide/");
  const wrong = all
    .filter(({ language, page }) => ["sh", "bash", "console"].includes(language) && !guide(page))
    .flatMap(({ code, page }) => [...code.matchAll(/\bnpm run ([\w:]+)/g)].map(([, name]) => ({ page, name: name! })))
    .filter(({ name }) => scripts[name] === undefined);
  assert.deepEqual(wrong, []);
});

test("sources and tests that a page names are there", () => {
  const named = pages.flatMap((page) =>
    [...text(page).matchAll(/`((?:src|test|bench|scripts)\/[^`\s*{]+\.(?:ts|mjs))`/g)].map(([, file]) => [
      page,
      file as string,
    ]),
  );
  assert.ok(named.length > 20);
  assert.deepEqual(
    named.filter(([, file]) => !existsSync(join(root, file as string))),
    [],
  );
});

test("links between pages lead to a file, and to a heading of it", () => {
  const wrong: string[] = [];
  for (const page of pages) {
    const prose = text(page)
      .replace(/^```[\s\S]*?^```/gm, "")
      .replace(/`[^`\n]*`/g, "");
    for (const [, target] of prose.matchAll(/\]\(([^)\s]+)\)|(?:src|srcset|href)="([^"]+)"/g)) {
      if (target === undefined || /^[a-z]+:/.test(target)) continue;
      const [path, anchor] = target.split("#") as [string, string | undefined];
      const file = path === "" ? page : join(dirname(page), path);
      if (!existsSync(join(root, file))) wrong.push(`${page}: ${target}`);
      else if (anchor !== undefined && file.endsWith(".md") && !anchors(file).has(anchor))
        wrong.push(`${page}: ${target}`);
    }
  }
  assert.deepEqual(wrong, []);
});

/** The anchors that a reader's web page makes of a Markdown page's headings. */
function anchors(page: string): Set<string> {
  const headings = text(page)
    .replace(/^```[\s\S]*?^```/gm, "")
    .matchAll(/^#+ (.*)$/gm);
  return new Set(
    [...headings].map(([, heading]) =>
      heading!
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );
}

/** A block's code, its relative imports leading into Harbour Supply, as if it stood in the folder `in=` (default: one like apis/). */
function inHarbour({ code, info }: Block, project: string): string {
  const folder = join(project, /\bin=(\S+)/.exec(info)?.[1] ?? "apis");
  return code.replace(
    /(from\s+")(\.\.?\/[^"]+)"/g,
    (_, before: string, path: string) => `${before}${join(folder, path)}"`,
  );
}

/** What Node prints when it runs `args`, whatever the exit code. */
function run(args: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: root, maxBuffer: 16 << 20 }, (_, stdout, stderr) =>
      resolve(stdout + stderr),
    );
  });
}

/** After a change: UPDATE_DOCS=1 npm test -- test/tree/docs.test.ts */
test("the indexes of the errors and of the decisions name every code and every page", async () => {
  const errors = ["docs/reference/errors/README.md", "| page | errors |\n|---|---|\n"] as const;
  const rows = (await files("docs/reference/errors/*.md"))
    .filter((page) => page !== errors[0])
    .map((page) => {
      const name = page.split("/").at(-1)!;
      const codes = [...text(page).matchAll(/^## `?([a-z0-9-]+)`?$/gm)].map(
        ([, code]) => `[\`${code}\`](${name}#${code})`,
      );
      return `| [${name.replace(".md", "").replace("-", " ")}](${name}) | ${codes.join(", ")} |\n`;
    });
  index(...errors, rows);
  const decisions = (await files("docs/decisions/[0-9]*.md"))
    .filter((page) => !page.includes("/0000-"))
    .map((page) => {
      const name = page.split("/").at(-1)!;
      const title = /^# (?:\d+:? )?(.*)$/m.exec(text(page))?.[1] ?? name;
      return `- [${name.slice(0, 4)}](${name}): ${title}\n`;
    });
  index("docs/decisions/README.md", "and take the next number.\n\n", decisions);
  const contents = text("docs/README.md");
  const pages = await files("docs/{guide,reference}/*.md");
  assert.deepEqual(
    pages.filter((page) => !contents.includes(`(${page.slice("docs/".length)})`)),
    [],
    "add them to docs/README.md",
  );
});

/** What follows `head` on `page` must be `rows`. */
function index(page: string, head: string, rows: readonly string[]): void {
  const before = text(page);
  assert.ok(before.includes(head), `${page} has its head`);
  const wanted = before.slice(0, before.indexOf(head) + head.length) + rows.join("");
  if (process.env.UPDATE_DOCS === "1") writeFileSync(join(root, page), wanted);
  assert.equal(text(page), wanted, "write it anew with UPDATE_DOCS=1");
}
