/** The processes of a benchmark: servers beside the measuring one, ended together. */
import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export interface MortiseProcess {
  readonly pid: number;
  readonly child: ChildProcess;
  readonly apiPort: number;
  readonly adminUrl: string;
  readonly token: string;
}

export class Children {
  readonly #all: ChildProcess[] = [];

  /** Forks a script that says `{port}` once it listens. */
  async server(file: URL, ...args: string[]): Promise<{ readonly child: ChildProcess; readonly port: number }> {
    const child = this.fork(file, ...args);
    const [{ port }] = (await once(child, "message")) as [{ port: number }];
    return { child, port };
  }

  fork(file: URL, ...args: string[]): ChildProcess {
    const child = fork(fileURLToPath(file), args, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    this.#all.push(child);
    return child;
  }

  /** `mortise start` on a project, as a process of its own; resolves when it takes requests. What it prints stands in `<store>.log`. */
  async mortise(project: URL, store: string, environment: Readonly<Record<string, string>>): Promise<MortiseProcess> {
    const binary = fileURLToPath(new URL("../bin/mortise.mjs", import.meta.url));
    const printed = `${store}.log`;
    const log = openSync(printed, "a");
    const child = spawn(process.execPath, [binary, "start", "--project", fileURLToPath(project), "--json"], {
      stdio: ["ignore", log, "inherit"],
      env: { ...process.env, ...environment, STORE: store },
    });
    closeSync(log);
    this.#all.push(child);
    for (;;) {
      if (child.exitCode !== null) throw new Error(`mortise start ended: ${readFileSync(printed, "utf8")}`);
      const admin = readAdmin(join(store, "admin.json"));
      if (admin !== undefined) {
        const { url: adminUrl, token, pid } = admin;
        // The launcher may have started a newer Node: the server says itself who it is.
        return { pid, child, adminUrl, token, apiPort: Number(new URL(admin.apiUrl).port) };
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  async end(): Promise<void> {
    for (const child of this.#all) child.kill("SIGTERM");
    await Promise.all(
      this.#all
        .filter((child) => child.exitCode === null && child.signalCode === null)
        .map((child) => once(child, "exit")),
    );
  }
}

function readAdmin(file: string): { url: string; apiUrl: string; token: string; pid: number } | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined; // not there yet
  }
}

/** An API key of the server, by its admin API. */
export async function keyOf({ adminUrl, token }: MortiseProcess, scope: string): Promise<string> {
  const response = await fetch(`${adminUrl}/keys`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ consumer: "bench", scopes: [scope], reason: "bench" }),
  });
  if (!response.ok) throw new Error(`no key: ${response.status} ${await response.text()}`);
  return ((await response.json()) as { key: string }).key;
}
