/** Compiles what was generated as a strict consumer would: against the declarations of the package, many contracts in one go. */
import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));
const compiler = join(createRequire(import.meta.url).resolve("typescript/package.json"), "..", "bin", "tsc");

/** Contracts, and characters of their text, that are compiled together. */
const most = { contracts: 24, bytes: 12_000_000 } as const;

export interface Generated {
  /** Folder below the project. */
  readonly folder: string;
  readonly bytes: number;
}

/** The declarations of this checkout as `node_modules/mortise` of the project. */
export async function installDeclarations(project: string): Promise<void> {
  const home = join(project, "node_modules", "mortise");
  mkdirSync(home, { recursive: true });
  const args = ["-p", join(root, "tsconfig.build.json"), "--emitDeclarationOnly", "--outDir", join(home, "dist")];
  const { output, ended } = await tsc(args, root, 300);
  if (!ended || output.includes("error TS"))
    throw new Error(`the declarations were not made: ${output.slice(0, 2000)}`);
  // A package of its own: inside the checkout's, "mortise" would mean the checkout, with whatever was built in it last.
  writeFileSync(join(project, "package.json"), JSON.stringify({ name: "consumer", private: true, type: "module" }));
  const exports = { ".": { types: "./dist/index.d.ts" } };
  writeFileSync(join(home, "package.json"), JSON.stringify({ name: "mortise", type: "module", exports }));
}

/** Everything that a careful project may switch on. */
export const strictOptions = {
  target: "ES2024",
  lib: ["ES2024"],
  module: "NodeNext",
  moduleResolution: "NodeNext",
  types: ["node"],
  noEmit: true,
  allowImportingTsExtensions: true,
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noPropertyAccessFromIndexSignature: true,
  noImplicitOverride: true,
  noImplicitReturns: true,
  noUnusedLocals: true,
  noUnusedParameters: true,
  erasableSyntaxOnly: true,
  verbatimModuleSyntax: true,
  isolatedModules: true,
  skipLibCheck: true,
} as const;

/** The first error of each folder that has one. */
export async function compileAll(
  project: string,
  all: readonly Generated[],
  seconds: number,
): Promise<ReadonlyMap<string, string>> {
  const errors = new Map<string, string>();
  for (const group of groups(all)) {
    const found = await compileGroup(project, group, seconds);
    if (found !== undefined) for (const [folder, error] of found) errors.set(folder, error);
    else {
      // One of them is too much for the compiler: each alone says which.
      for (const one of group) {
        const alone = await compileGroup(project, [one], seconds);
        const error =
          alone === undefined ? `the compiler did not end within ${seconds} seconds` : alone.get(one.folder);
        if (error !== undefined) errors.set(one.folder, error);
      }
    }
  }
  return errors;
}

/** `undefined`: the compiler did not end by itself. */
async function compileGroup(
  project: string,
  group: readonly Generated[],
  seconds: number,
): Promise<ReadonlyMap<string, string> | undefined> {
  const file = join(project, "tsconfig.json");
  const include = group.map(({ folder }) => `${folder}/*.ts`);
  writeFileSync(file, JSON.stringify({ compilerOptions: strictOptions, include }));
  const { output, ended } = await tsc(["-p", file, "--pretty", "false"], project, seconds);
  if (!ended) return undefined;
  const errors = new Map<string, string>();
  for (const line of output.split(/\r?\n/)) {
    const [, path, place, message] = /^(\S+?\.ts)(\(\d+,\d+\)): error (TS\d+: .*)$/.exec(line) ?? [];
    const folder = group.find((one) => path?.startsWith(`${one.folder}/`))?.folder;
    if (folder === undefined) {
      if (/^error TS/.test(line)) for (const one of group) errors.set(one.folder, line);
    } else if (!errors.has(folder)) errors.set(folder, `${path!.slice(folder.length + 1)}${place} ${message}`);
  }
  return errors;
}

function* groups(all: readonly Generated[]): Generator<readonly Generated[]> {
  let group: Generated[] = [];
  let bytes = 0;
  for (const one of all) {
    if (group.length > 0 && (group.length >= most.contracts || bytes + one.bytes > most.bytes)) {
      yield group;
      [group, bytes] = [[], 0];
    }
    group.push(one);
    bytes += one.bytes;
  }
  if (group.length > 0) yield group;
}

export interface Compiled {
  readonly output: string;
  /** By itself, with or without errors in the sources. */
  readonly ended: boolean;
}

export function tsc(args: readonly string[], folder: string, seconds: number): Promise<Compiled> {
  return new Promise((resolve) => {
    const options = { cwd: folder, maxBuffer: 256 << 20, timeout: seconds * 1000, killSignal: "SIGKILL" } as const;
    execFile(process.execPath, [compiler, ...args], options, (error, stdout, stderr) => {
      const ended = error === null || error.code === 1 || error.code === 2;
      resolve({ output: stdout + stderr, ended });
    });
  });
}
