/** Every contract of a folder: read, generated, called on a fake, compiled. What the table and the JSON lines are printed from. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { runTasks } from "./children.ts";
import { compileAll, installDeclarations } from "./compile.ts";
import { findEntries } from "./entries.ts";

/** One contract, as it is printed. */
export interface Row {
  readonly file: string;
  readonly kind: "openapi" | "swagger" | "wsdl";
  readonly operations: number;
  /** Operations that were faked and called through the generated client; `null`: it did not get as far. */
  readonly called: number | null;
  readonly read: boolean;
  readonly generated: boolean;
  readonly compiled: boolean;
  /** Reading, generating and calling; the compiler's time is shared by many contracts and stands in none. */
  readonly seconds: number;
  /** What stands in the way of the first of these that is false. */
  readonly reason: string | null;
  readonly events: number;
  /** What was passed over, since it breaks the contract language's rules. */
  readonly notes: number;
}

export interface Summary {
  readonly total: number;
  /** Contracts that were read, generated and compiled, and whose operations were all called (where calls are tried). */
  readonly whole: number;
  readonly kinds: { readonly [kind: string]: { readonly total: number; readonly whole: number } };
  readonly seconds: number;
}

export interface CorpusOptions {
  readonly jobs: number;
  /** Of one contract; the compiler has four times as long for a group. */
  readonly seconds: number;
  readonly memoryMb: number;
}

export async function runCorpus(
  folders: readonly string[],
  options: CorpusOptions,
): Promise<{ readonly rows: readonly Row[]; readonly summary: Summary }> {
  const begun = performance.now();
  // Of several folders each file is told by its folder's name as well.
  const entries = folders.flatMap((folder) => {
    const prefix = folders.length === 1 ? "" : `${basename(resolve(folder))}/`;
    return findEntries(resolve(folder)).map((entry) => ({
      ...entry,
      at: resolve(folder),
      shown: `${prefix}${entry.file}`,
    }));
  });
  // Inside the checkout, so that the compiler's own packages are found without an install.
  const home = fileURLToPath(new URL("../../.mortise/", import.meta.url));
  mkdirSync(home, { recursive: true });
  const project = mkdtempSync(join(home, "corpus-"));
  try {
    const tasks = entries.map(({ at, file, urls }, index) => ({
      folder: at,
      file,
      ...(urls === undefined ? {} : { urls }),
      out: join(project, `c${index}`),
    }));
    const [outcomes] = await Promise.all([runTasks(tasks, options), installDeclarations(project)]);
    const generated = outcomes.flatMap((one, index) =>
      one.generated ? [{ folder: `c${index}`, bytes: one.bytes }] : [],
    );
    const errors = await compileAll(project, generated, options.seconds * 4);
    const rows = entries.map(({ shown: file, kind }, index): Row => {
      const { operations, events, called, read, generated: made, seconds, notes, reason } = outcomes[index]!;
      const error = errors.get(`c${index}`);
      return {
        ...{ file, kind, operations, called, read },
        generated: made,
        compiled: made && error === undefined,
        seconds: Number(seconds.toFixed(2)),
        reason: reason ?? error ?? null,
        ...{ events, notes },
      };
    });
    return { rows, summary: summaryOf(rows, (performance.now() - begun) / 1000) };
  } finally {
    rmSync(project, { recursive: true, force: true });
  }
}

export function isWhole({ read, generated, compiled, called, operations }: Row): boolean {
  return read && generated && compiled && (called === null || called === operations);
}

function summaryOf(rows: readonly Row[], seconds: number): Summary {
  const kinds: Record<string, { total: number; whole: number }> = {};
  for (const row of rows) {
    kinds[row.kind] ??= { total: 0, whole: 0 };
    kinds[row.kind]!.total++;
    if (isWhole(row)) kinds[row.kind]!.whole++;
  }
  const whole = rows.filter(isWhole).length;
  return { total: rows.length, whole, kinds, seconds: Number(seconds.toFixed(1)) };
}
