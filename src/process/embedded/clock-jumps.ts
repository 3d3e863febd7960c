/** Test seam: drives the installation of clock-jumps-child.ts and moves its clock. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";

export interface State {
  readonly status: string;
  readonly output?: unknown;
  /** Of the operation that follows the wait. */
  readonly calls: number;
}

export interface Installation {
  /** Moves the wall clock by so many milliseconds from where it is. */
  move(ms: number): void;
  /** Starts the process of this name, and gives its status once it waits. */
  start(name: string): Promise<string>;
  /** After what is due was done. */
  state(name: string): Promise<State>;
  /** Resolves when it has ended or asks. */
  ended(name: string): Promise<State>;
  stop(): Promise<string>;
  open(): Promise<string>;
}

export async function installation(t: TestContext): Promise<Installation> {
  const folder = mkdtempSync(join(tmpdir(), "mortise-clock-"));
  const file = join(folder, "clock");
  let offset = 0;
  const move = (ms: number) => {
    offset += ms;
    // Whole or not at all: every thread reads it at any time.
    writeFileSync(`${file}.new`, String(offset));
    renameSync(`${file}.new`, file);
  };
  move(0);
  const [clock, module] = ["clock", "child"].map((name) =>
    fileURLToPath(new URL(`./clock-jumps-${name}${import.meta.url.slice(-3)}`, import.meta.url)),
  ) as [string, string];
  const { NODE_TEST_CONTEXT: _, ...environment } = process.env;
  const child: ChildProcess = spawn(process.execPath, ["--import", clock, module, folder], {
    env: { ...environment, MORTISE_TEST_CLOCK: file },
    stdio: ["pipe", "pipe", "inherit"],
  });
  const gone = once(child, "close");
  t.after(async () => {
    child.stdin?.end();
    await gone;
    rmSync(folder, { recursive: true });
  });
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
  const ask = async (command: string, name = ""): Promise<never> => {
    child.stdin?.write(`${command} ${name}\n`);
    const { value, done } = await lines.next();
    if (done === true) throw new Error(`the installation ended at ${command} ${name}`);
    return JSON.parse(value) as never;
  };
  return {
    move,
    start: (name) => ask("start", name),
    state: (name) => ask("state", name),
    ended: (name) => ask("ended", name),
    stop: () => ask("stop"),
    open: () => ask("open"),
  };
}
