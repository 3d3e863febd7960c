/** `mortise start`: runs the project's server in this process until it is told to stop. */
import { resolve } from "node:path";
import { resolveConfig } from "../../server/project/config.ts";
import { openReader } from "../../server/project/reading.ts";
import { openProjectWatch, type ProjectWatch } from "../../server/reload/watch.ts";
import { type RunningServer, startServer } from "../../server/server.ts";
import type { Context } from "../context.ts";
import { exit } from "../exit.ts";
import { logLine } from "../log-line.ts";
import { pinnedSystems } from "../pin.ts";
import { projectFolder } from "../project-folder.ts";
import { type StopRequest, stopRequest } from "../stop-request.ts";

export async function start(
  context: Context,
  _: readonly string[],
  { promote, watch }: { readonly promote?: boolean; readonly watch?: boolean },
): Promise<number> {
  const { terminal, io } = context;
  const folder = projectFolder(io.folder, context.project);
  const pretty = io.stdout.isTTY === true && !terminal.json;
  // What an upgrade left half done is taken back before it is loaded.
  pinnedSystems(folder);
  // A terminal that is closed hangs up: then nobody is there to see what runs. A service is told to look at its files in this way.
  const reloads = io.stdout.isTTY !== true;
  const stopping = stopRequest({ hangUp: !reloads });
  // Before anything is read, so that what changes meanwhile is found.
  const watching = watch === true ? openProjectWatch(folder) : undefined;
  try {
    const reader = openReader(folder);
    const { project, keep } = await reader.read();
    keep();
    const server = await startServer(project, {
      environment: io.env,
      reader,
      promote: promote === true,
      onFailed: stopping.failed,
      ...(pretty ? { log: (line: string) => terminal.line(logLine(line, terminal)) } : {}),
    });
    if (!terminal.json) {
      const say = (name: string, value: string): void => terminal.note(`  ${name.padEnd(7)} ${value}`);
      terminal.note(`${project.name} runs`);
      say("API", server.apiUrl);
      for (const { base, lifecycle, docs } of project.apis)
        if (docs !== false && lifecycle.state !== "draft" && lifecycle.state !== "retired")
          say("docs", `${server.apiUrl}${base}/docs`);
      say("admin", `${server.adminUrl} (mortise runs list, mortise keys create ...)`);
      if (watching !== undefined)
        say("watch", "what is saved is taken when it fits; what does not leaves all as it is");
      terminal.note("Ctrl-C stops it; what is open goes on at the next start.");
    }
    if (watching !== undefined) {
      const { secrets } = resolveConfig(project.config, io.env);
      takeChanges(watching, server, resolve(folder, secrets));
    }
    const stopReloading = reloads ? reloadOnSignal(server) : () => {};
    try {
      return await until(stopping, server);
    } finally {
      stopReloading();
    }
  } finally {
    watching?.close();
    stopping.close();
  }
}

/** The audit names this many files of a change. */
const namedFiles = 5;

/** The server itself logs what came of each change. */
function takeChanges(watching: ProjectWatch, server: RunningServer, secrets: string): void {
  watching.begin((changed) => {
    const more = changed.length > namedFiles ? ` and ${changed.length - namedFiles} more` : "";
    const what = changed.length === 0 ? "the secrets folder" : changed.slice(0, namedFiles).join(", ") + more;
    return server.reload(`changed: ${what}`);
  }, secrets);
}

/** `SIGHUP`: the server itself logs what came of it. Returns what ends it. */
function reloadOnSignal(server: RunningServer): () => void {
  const handler = (): void => void server.reload("SIGHUP").catch(() => {});
  process.on("SIGHUP", handler);
  return () => process.off("SIGHUP", handler);
}

async function until(stopping: StopRequest, server: RunningServer): Promise<number> {
  const why = await stopping.asked;
  await server.stop();
  return why === "signal" ? exit.done : exit.failed;
}
