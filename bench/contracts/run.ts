/**
 * Contracts: reading the largest OpenAPI contract and writing its types, by the npm package openapi-typescript on the same file, each in a
 * process of its own, in turns. `ratio` is Mortise's time by the other's. And what checking a call costs: the CPU time of validating input and output of
 * a call of 1 KB, by the CPU time of that whole call (`validationShare`).
 */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { gunzipSync } from "node:zlib";
import { Children } from "../children.ts";
import { type BenchOptions, median, printer } from "../report.ts";
import { validationShare } from "./calls.ts";

const run = promisify(execFile);
const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const largest = new URL("../../src/contract/read/fixtures/large/square.yaml.gz", import.meta.url);

interface Timed {
  /** From the start of the process to its end. */
  readonly wholeMs: number;
  /** CPU time of the process up to then: what others on the machine do does not count. */
  readonly cpuMs: number;
  /** Reading the file, and making the text; without loading the program. */
  readonly workMs: number;
  readonly bytes: number;
}

export async function runContracts(options: BenchOptions): Promise<void> {
  const print = printer(options);
  await installBaseline();
  const folder = mkdtempSync(join(tmpdir(), "mortise-contracts-"));
  const children = new Children();
  try {
    const file = join(folder, "contract.yaml");
    writeFileSync(file, gunzipSync(readFileSync(largest)));
    const found: { name: "mortise" | "openapi-typescript"; timed: Timed }[] = [];
    for (let round = 0; round <= options.rounds; round++) {
      for (const [name, script] of [
        ["mortise", here("./ours.ts")],
        ["openapi-typescript", here("./baseline/theirs.mjs")],
      ] as const) {
        const timed = await time(script, file);
        if (round === 0) continue;
        found.push({ name, timed });
        print({ bench: "contracts", round, name, ...timed });
      }
    }
    const of = (name: "mortise" | "openapi-typescript", what: "wholeMs" | "workMs" | "cpuMs") =>
      median(found.filter((one) => one.name === name).map(({ timed }) => timed[what])) as number;
    const share = await validationShare(children, options);
    print({
      bench: "contracts",
      ratio: of("mortise", "wholeMs") / of("openapi-typescript", "wholeMs"),
      cpuRatio: of("mortise", "cpuMs") / of("openapi-typescript", "cpuMs"),
      workRatio: of("mortise", "workMs") / of("openapi-typescript", "workMs"),
      mortiseMs: of("mortise", "wholeMs"),
      baselineMs: of("openapi-typescript", "wholeMs"),
      ...share,
      node: process.version,
    });
  } finally {
    await children.end();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function time(script: string, file: string): Promise<Timed> {
  const begun = performance.now();
  const { stdout } = await run(process.execPath, [...process.execArgv, script, file]);
  const wholeMs = performance.now() - begun;
  return { wholeMs, ...(JSON.parse(stdout) as Omit<Timed, "wholeMs">) };
}

/** The baseline has a lock of its own: it wants another major version of the compiler than the project. */
async function installBaseline(): Promise<void> {
  const url = pathToFileURL(here("../../scripts/install.mjs")).href;
  const { ensureInstalled } = (await import(url)) as { ensureInstalled(folder: string): void };
  ensureInstalled(here("./baseline"));
}
