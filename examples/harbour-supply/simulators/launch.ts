/** Starts a simulator as a process of its own and talks to its control server: used by `start.ts` and by tests. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Behaviour } from "./control.ts";
import type { Line } from "./ledger.ts";
import { send } from "./send.ts";

export type SimulatorName = "shop" | "erp" | "warehouse" | "payments" | "carrier";

export interface Simulator {
  readonly name: SimulatorName;
  readonly process: ChildProcess;
  /** `http://127.0.0.1:<port>` of its service. */
  readonly url: string;
  readonly port: number;
  readonly controlPort: number;
  /** Tells it how to behave. */
  behave(behaviour: Behaviour): Promise<void>;
  /** Any command of its control server; rejects unless it says 200. */
  command(name: string, body: object): Promise<unknown>;
  ledger(): Promise<Line[]>;
  /** SIGTERM, and waits for the end; `SIGKILL` on request. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/** Resolves when the simulator listens; rejects if it ends before. Its standard error is passed on. */
export async function launch(
  name: SimulatorName,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Simulator> {
  const child = spawn(process.execPath, [fileURLToPath(new URL(`./${name}.ts`, import.meta.url)), ...args], {
    // It ends when its standard input does, so a launcher that is killed leaves nothing running.
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, ...environment, SIMULATOR_ENDS_WITH_STDIN: "1" },
    // Ctrl-C in a terminal reaches the whole foreground group; the launcher decides the order of the end.
    detached: true,
  });
  const ready = await firstLine(child, name);
  const control = `http://127.0.0.1:${ready.control}`;
  const command = async (verb: string, body: object): Promise<unknown> => {
    const answer = await send(`${control}/_${verb}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    if (answer.status !== 200) throw new Error(`${name} refused _${verb}: ${answer.body}`);
    return JSON.parse(answer.body);
  };
  return {
    name,
    process: child,
    url: `http://127.0.0.1:${ready.port}`,
    port: ready.port,
    controlPort: ready.control,
    command,
    async behave(behaviour) {
      await command("control", behaviour);
    },
    async ledger() {
      return JSON.parse((await send(`${control}/_ledger`)).body) as Line[];
    },
    async stop(signal = "SIGTERM") {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, "exit");
      child.kill(signal);
      await ended;
    },
  };
}

function firstLine(child: ChildProcess, name: string): Promise<{ port: number; control: number }> {
  return new Promise((resolve, reject) => {
    if (child.stdout === null) return reject(new Error("no standard output"));
    const lines = createInterface({ input: child.stdout });
    lines.once("line", (line) => {
      lines.close();
      child.stdout?.resume();
      resolve(JSON.parse(line) as { port: number; control: number });
    });
    child.once("error", reject);
    child.once("exit", (code) =>
      reject(new Error(`the ${name} simulator ended with code ${code} before it was ready`)),
    );
  });
}
