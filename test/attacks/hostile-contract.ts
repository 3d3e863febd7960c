/**
 * A contract that means harm, taken through everything that is done with contracts: read, types generated, compared with itself and with a
 * changed version, faked, and each operation called. In a worker with little memory; what it did is counted there.
 */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { isMainThread, parentPort, Worker } from "node:worker_threads";
import { compareContracts } from "../../src/contract/compare/compare.ts";
import type { ContractModel } from "../../src/contract/model.ts";
import { writeContract } from "../../src/contract/write/typescript.ts";
import { MortiseError } from "../../src/errors.ts";
import { callAll } from "../../src/fakes/call-all.ts";
import { openContract } from "../../src/fakes/open.ts";

export interface Outcome {
  /** Where it was refused, and how. */
  readonly refused?: { readonly stage: string; readonly code: string; readonly message: string };
  readonly operations: number;
  readonly events: number;
  /** Operations that were called, and answered as the contract says; the reasons of the others. */
  readonly called: number;
  readonly uncalled: readonly string[];
  /** Findings of the comparison with itself, and the verdict of the one with a version whose texts are shorter. */
  readonly differsFromItself: number;
  readonly changed: string;
  /** Everything that was made of it: model, types, findings. */
  readonly made: string;
  /** The processor's time of the worker, ms. */
  readonly cpuMs: number;
  /** What stands on Object.prototype afterwards. */
  readonly polluted: readonly string[];
}

/** Megabytes of a worker's heap. */
const heapMb = 512;
const patienceMs = 90_000;

/** `entry`: a URL, or the first of the files, which lie in a folder `contract` beside a folder `outside`. */
export async function takeThrough(
  files: Readonly<Record<string, string | Uint8Array>>,
  entry?: string,
): Promise<Outcome> {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "mortise-hostile-")));
  try {
    for (const [name, text] of Object.entries({ "../outside/secret.txt": "CANARY-outside", ...files })) {
      const path = join(root, "contract", name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
    }
    const at = entry ?? join(root, "contract", Object.keys(files)[0]!);
    return await asked({ at, root: join(root, "contract") });
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

interface Task {
  readonly at: string;
  readonly root: string;
}

let worker: Worker | undefined;

/** One worker for one contract after the other; one that hangs, or has no memory left, is replaced. */
async function asked(task: Task): Promise<Outcome> {
  worker ??= new Worker(fileURLToPath(import.meta.url), {
    resourceLimits: { maxOldGenerationSizeMb: heapMb, maxYoungGenerationSizeMb: 32, stackSizeMb: 4 },
  });
  const here = worker;
  let answered: (outcome: Outcome) => void = () => {};
  let failed: (reason: unknown) => void = () => {};
  const ended = (code: number): void => failed(new Error(`the worker ended with ${code}`));
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<Outcome>((resolve, reject) => {
      answered = resolve;
      failed = reject;
      here.on("message", answered);
      here.on("error", failed);
      here.on("exit", ended);
      timer = setTimeout(() => reject(new Error(`no end after ${patienceMs} ms`)), patienceMs);
      here.postMessage(task);
    });
  } catch (error) {
    worker = undefined;
    await here.terminate();
    throw error;
  } finally {
    clearTimeout(timer);
    here.off("message", answered);
    here.off("error", failed);
    here.off("exit", ended);
  }
}

export async function endWorker(): Promise<void> {
  await worker?.terminate();
}

async function work({ at, root }: Task): Promise<Outcome> {
  const begun = process.cpuUsage();
  let stage = "read";
  let model: ContractModel | undefined;
  let refused: Outcome["refused"];
  let outcome = { called: 0, uncalled: [] as string[], differsFromItself: 0, changed: "", made: "" };
  try {
    const url = /^https?:/.test(at);
    const again = (): Promise<ContractModel> =>
      openContract(at, "system", url ? { internal: true } : { root }).then((opened) => opened.model);
    model = await again();
    stage = "generate";
    const written = writeContract(model);
    for (const [name, text] of Object.entries(written)) if (name.endsWith(".ts")) stripTypeScriptTypes(text);
    stage = "compare";
    const itself = compareContracts(model, await again()).findings;
    const changes = compareContracts(model, shortened(model));
    stage = "call";
    const calls =
      model.source.language === "openapi" || model.source.language === "wsdl"
        ? await callAll(model, { faults: false })
        : [];
    outcome = {
      called: calls.filter(({ ok }) => ok).length,
      uncalled: calls.flatMap(({ ok, operation, reason }) => (ok ? [] : [`${operation.slice(0, 50)}: ${reason}`])),
      differsFromItself: itself.length,
      changed: changes.verdict,
      made: JSON.stringify([written, changes, calls]),
    };
  } catch (error) {
    const code = error instanceof MortiseError ? error.code : (error as Error).name;
    refused = { stage, code, message: (error as Error).message };
  }
  const { user, system } = process.cpuUsage(begun);
  const polluted = Object.getOwnPropertyNames(Object.prototype).filter((name) => !known.has(name));
  return {
    ...(refused === undefined ? {} : { refused }),
    operations: Object.keys(model?.operations ?? {}).length,
    events: Object.keys(model?.events ?? {}).length,
    ...outcome,
    cpuMs: (user + system) / 1000,
    polluted,
  };
}

const known = new Set(Object.getOwnPropertyNames(Object.prototype));

/** Every text at most three characters long. */
function shortened<T>(value: T): T {
  if (Array.isArray(value)) return value.map(shortened) as T;
  if (typeof value !== "object" || value === null) return value;
  const copy = Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, shortened(inner as unknown)]));
  return (copy.type === "string" && copy.enum === undefined ? { ...copy, maxLength: 3 } : copy) as T;
}

if (!isMainThread)
  parentPort!.on("message", (task: Task) => void work(task).then((outcome) => parentPort!.postMessage(outcome)));
