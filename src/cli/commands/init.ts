/**
 * `mortise init`: a small project that runs as it stands. Runs on old Nodes too (from 20), so it imports nothing but Node's own
 * modules and what does the same.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { failure } from "../../errors.ts";
import type { Context } from "../context.ts";
import { exit } from "../exit.ts";
import { projectFiles } from "../template.ts";

export function init(
  { terminal, io }: Context,
  [given]: readonly string[],
  options: { readonly name?: string; readonly mortise?: string },
): number {
  const folder = resolve(io.folder, given!);
  if (existsSync(folder) && readdirSync(folder).some((name) => !allowed.has(name)))
    throw failure("folder-not-empty", { folder });
  const name = options.name ?? packageName(basename(folder));
  if (!/^[a-z0-9][a-z0-9._-]{0,100}$/.test(name)) throw failure("name-invalid", { what: "project", name });

  const home = fileURLToPath(new URL("../../../", import.meta.url));
  const own = JSON.parse(readFileSync(join(home, "package.json"), "utf8")) as OwnPackage;
  const checkout = existsSync(join(home, "src", "main.ts"));
  const dependency = options.mortise ?? specifier(home, checkout, own.version);
  const files = projectFiles({
    name,
    mortise: dependency,
    typescript: own.devDependencies.typescript,
    nodeTypes: own.devDependencies["@types/node"],
    nodePackages: Number((io.env.MORTISE_MACHINE_NODE ?? process.versions.node).split(".")[0]) < 24,
    checkout: isCheckout(dependency, folder),
  });
  try {
    for (const [path, text] of Object.entries(files)) {
      const file = join(folder, path);
      mkdirSync(dirname(file), { recursive: true });
      if (!existsSync(file)) writeFileSync(file, text);
    }
  } catch (cause) {
    throw failure("folder-unwritable", { folder, reason: (cause as NodeJS.ErrnoException).code ?? "" }, { cause });
  }
  const here = relative(io.folder, folder);
  terminal.result({ folder, name, files: Object.keys(files) }, () => {
    terminal.line(`${terminal.paint("green", "made")} ${here === "" ? "a project in this folder" : here}`);
    for (const [path, what] of tour) terminal.line(`  ${path.padEnd(26)} ${terminal.paint("dim", what)}`);
    terminal.line();
    if (dependency.startsWith("file:")) {
      terminal.line(`It depends on the Mortise at ${dependency.slice("file:".length)}.`);
      terminal.line();
    }
    terminal.line("Next:");
    if (here !== "") terminal.line(`  cd ${/^[\w./-]+$/.test(here) ? here : `"${here}"`}`);
    terminal.line(`  npm start        ${terminal.paint("dim", "installs what is missing, and runs it")}`);
    terminal.line(`  npm run check    ${terminal.paint("dim", "checks it without starting it")}`);
  });
  return exit.done;
}

interface OwnPackage {
  readonly version: string;
  readonly devDependencies: Readonly<Record<"typescript" | "@types/node", string>>;
}

/** What a folder may hold already: a project often begins as an empty repository. */
const allowed = new Set([".git", ".gitignore", ".gitattributes", "LICENSE", "README.md", ".DS_Store"]);

const tour: readonly (readonly [string, string])[] = [
  ["mortise.config.ts", "ports, store, limits"],
  ["processes/quote.ts", "a process: a price, and a question to people"],
  ["apis/quotes.v1.ts", "the API that starts it"],
  ["requirements/quote.ts", "what the business expects of it"],
  ["systems/", "empty: mortise add <name> <contract>"],
];

function packageName(folder: string): string {
  const name = folder
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, "-")
    .replace(/^[^a-z0-9]+|-+$/g, "");
  return name === "" ? "project" : name;
}

/**
 * How a new project depends on this Mortise: as this one came here. Where npm keeps no record of that (a global install), the
 * project depends on the copy that is installed: nothing else surely is the same.
 */
function specifier(home: string, checkout: boolean, version: string): string {
  const modules = dirname(resolve(home));
  const record = join(modules, ".package-lock.json");
  // <somewhere>/node_modules/mortise: npm's record of what it installed there says from where.
  if (!checkout && existsSync(record)) {
    const { packages } = JSON.parse(readFileSync(record, "utf8")) as {
      packages: Readonly<Record<string, { readonly resolved?: string }>>;
    };
    const from = packages["node_modules/mortise"]?.resolved;
    return from?.startsWith("file:") === true
      ? `file:${slashes(resolve(dirname(modules), from.slice("file:".length)))}`
      : `^${version}`;
  }
  return `file:${slashes(resolve(home))}`;
}

/** Whether the dependency leads to sources. With `--mortise` it may be another one than this. */
function isCheckout(dependency: string, project: string): boolean {
  if (!dependency.startsWith("file:")) return false;
  return existsSync(join(resolve(project, dependency.slice("file:".length)), "src", "main.ts"));
}

function slashes(path: string): string {
  return path.replaceAll("\\", "/");
}
