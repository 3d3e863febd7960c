/** Starts the scenario as a child process, under strace where a system call is to be watched or to kill. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { childEnvironment } from "./environment.ts";
import { filesOf, type ScenarioOptions } from "./scenario.ts";

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last of what it wrote to standard error. */
  readonly errors: string;
}

export interface Child {
  /** Resolves when the child printed the word; `false` if it ended before. */
  said(word: "ready" | "idle"): Promise<boolean>;
  readonly exit: Promise<Exit>;
  kill(): void;
}

const scenario = fileURLToPath(new URL("./scenario.ts", import.meta.url));

export function startChild(options: ScenarioOptions, strace: readonly string[] = []): Child {
  const [program, ...before] = strace.length === 0 ? [] : ["strace", ...strace];
  const script = [scenario, JSON.stringify(options)];
  const child: ChildProcess =
    program === undefined
      ? spawn(process.execPath, script, { env: childEnvironment() })
      : spawn(program, [...before, process.execPath, ...script], { env: childEnvironment() });
  const words = new Set<string>();
  const waiting: (() => void)[] = [];
  const wake = () => {
    for (const look of waiting.splice(0)) look();
  };
  let errors = "";
  let over = false;
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    errors = (errors + text).slice(-4000);
  });
  createInterface({ input: child.stdout as NodeJS.ReadableStream }).on("line", (line) => {
    words.add(line);
    wake();
  });
  const exit = new Promise<Exit>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      over = true;
      wake();
      resolve({ code, signal, errors });
    });
  });
  return {
    exit,
    said: (word) =>
      new Promise((resolve) => {
        const look = () => {
          if (words.has(word)) resolve(true);
          else if (over) resolve(false);
          else waiting.push(look);
        };
        look();
      }),
    // A tracer that is killed leaves its child to its end: standard input closes, and the scenario ends by that.
    kill: () => child.kill("SIGKILL"),
  };
}

/** Runs the scenario to its end. Throws unless it ended by itself and well. */
export async function runToEnd(options: ScenarioOptions, where: string, limitMs = 120_000): Promise<void> {
  const child = startChild(options);
  const timer = setTimeout(() => child.kill(), limitMs);
  try {
    const { code, signal, errors } = await child.exit;
    if (code !== 0) throw new Error(`${where}: the scenario ended with ${String(signal ?? code)}\n${errors}`);
  } finally {
    clearTimeout(timer);
    child.kill();
  }
}

/** strace's options that leave only calls on the database's files; each `call` is counted by itself. */
export function onDatabase(folder: string, more: readonly string[]): string[] {
  const { database } = filesOf(folder);
  const paths = ["", "-wal", "-journal"].flatMap((ending) => ["-P", `${database}${ending}`]);
  return ["-f", "-qq", ...paths, ...more];
}

/** Why strace can't be used here, or `undefined`. */
export function whyNoStrace(): string | undefined {
  if (process.platform !== "linux") return "strace is there on Linux only";
  try {
    execFileSync("strace", ["-f", "-qq", "-o", "/dev/null", "true"], { stdio: "pipe" });
    return undefined;
  } catch (error) {
    return `strace can't be used here (apt-get install strace): ${(error as Error).message.split("\n")[0] ?? ""}`;
  }
}
