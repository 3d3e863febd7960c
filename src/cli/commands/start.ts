/** `mortise start`: runs the project's server in this process until it is told to stop. */
import { loadProject } from "../../server/project.ts";
import { type RunningServer, startServer } from "../../server/server.ts";
import type { Context } from "../context.ts";
import { exit } from "../exit.ts";
import { logLine } from "../log-line.ts";
import { projectFolder } from "../project-folder.ts";

/** A terminal, the shell and npm may each pass the same Ctrl-C on; one that comes later is meant as another. */
const sameSignalMs = 1000;

export async function start(
  context: Context,
  _: readonly string[],
  { promote }: { readonly promote?: boolean },
): Promise<number> {
  const { terminal, io } = context;
  const folder = projectFolder(io.folder, context.project);
  const pretty = io.stdout.isTTY === true && !terminal.json;
  const stopping = stopRequest();
  try {
    const project = await loadProject(folder);
    const server = await startServer(project, {
      environment: io.env,
      promote: promote === true,
      onFailed: stopping.failed,
      ...(pretty ? { log: (line: string) => terminal.line(logLine(line, terminal)) } : {}),
    });
    if (!terminal.json) {
      const say = (name: string, value: string): void => terminal.note(`  ${name.padEnd(7)} ${value}`);
      terminal.note(`${project.name} runs`);
      say("API", server.apiUrl);
      for (const { base, lifecycle } of project.apis)
        if (lifecycle.state !== "draft") say("docs", `${server.apiUrl}${base}/docs`);
      say("admin", `${server.adminUrl} (mortise runs list, mortise keys create ...)`);
      terminal.note("Ctrl-C stops it; what is open goes on at the next start.");
    }
    return await until(stopping, server);
  } finally {
    stopping.close();
  }
}

interface StopRequest {
  readonly asked: Promise<"signal" | "failed">;
  failed(): void;
  close(): void;
}

/** Resolves at the first signal. The second ends the process at once: everything accepted is on disk in any case (P1). */
function stopRequest(): StopRequest {
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  let first: number | undefined;
  let resolve: (why: "signal" | "failed") => void = () => {};
  const asked = new Promise<"signal" | "failed">((settle) => {
    resolve = settle;
  });
  const handler = (): void => {
    first ??= performance.now();
    resolve("signal");
    if (performance.now() - first > sameSignalMs) process.exit(130);
  };
  for (const signal of signals) process.on(signal, handler);
  // Whoever launched this process with a channel is gone: so is the one who would stop it.
  const left = (): void => resolve("signal");
  process.on("disconnect", left);
  return {
    asked,
    failed: () => resolve("failed"),
    close() {
      for (const signal of signals) process.off(signal, handler);
      process.off("disconnect", left);
    },
  };
}

async function until(stopping: StopRequest, server: RunningServer): Promise<number> {
  const why = await stopping.asked;
  await server.stop();
  return why === "signal" ? exit.done : exit.failed;
}
