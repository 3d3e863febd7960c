/** `mortise watch`: is the contract that each system has now the one that is pinned? No server is needed, and nothing is changed. */
import { resolve } from "node:path";
import { asMortiseError, failure } from "../../errors.ts";
import { changesInWords } from "../../server/contracts/changes.ts";
import { type Look, type Looked, lookClosely } from "../../server/contracts/look.ts";
import { resolveConfig } from "../../server/project/config.ts";
import { loadProject, type Project } from "../../server/project/project.ts";
import { resolveForCommand } from "../../server/secrets/secrets.ts";
import type { Context } from "../context.ts";
import { exit } from "../exit.ts";
import { Desk } from "../impact/desk.ts";
import { printImpact, summaryLine } from "../impact/report.ts";
import { type Study, study } from "../impact/study.ts";
import { pinnedSystems, readPin, systemFolder } from "../pin.ts";
import { projectFolder } from "../project-folder.ts";
import { count, type Terminal } from "../terminal.ts";

interface Seen {
  readonly system: string;
  readonly look: Look;
  /** Where it is watched. */
  readonly url?: string;
  /** Of a contract that changed: what that touches in the project. */
  readonly study?: Study;
}

export async function watch(context: Context, [name]: readonly string[]): Promise<number> {
  const { terminal, io } = context;
  const folder = projectFolder(io.folder, context.project);
  const systems = pinnedSystems(folder);
  if (name !== undefined && !systems.includes(name))
    throw failure("system-missing", { name, systems: systems.join(", ") || "none yet" });
  const project = await loadProject(folder).catch((error: unknown) => {
    terminal.note(`The project can't be loaded, so databases are left out: ${asMortiseError(error).message}`);
    return undefined;
  });
  const seen: Seen[] = [];
  const desk = new Desk();
  try {
    for (const system of name === undefined ? systems : [name]) {
      const pinned = readPin(systemFolder(folder, system));
      terminal.note(`looking at ${system}`);
      const looked: Looked = await lookClosely({
        pinned,
        settings: settingsOf(project, system, io.env),
        project: folder,
        validators: [],
      });
      const { look, model } = looked;
      const { url } = pinned.source;
      seen.push({
        system,
        look,
        ...(url === undefined ? {} : { url }),
        ...(look.state === "changed" && model !== undefined ? { study: await study(desk, folder, pinned, model) } : {}),
      });
    }
  } finally {
    desk.close();
  }
  const odd = seen.filter(({ look: { state } }) => state === "changed" || state === "unreadable");
  terminal.result(seen.map(asJson), () => show(terminal, seen));
  return odd.length > 0 ? exit.found : exit.done;
}

function asJson({ system, look, study: found }: Seen): unknown {
  if (look.state !== "changed") {
    const { validators: _, ...shown } = { validators: undefined, ...look };
    return { system, ...shown, users: [] };
  }
  const { judged, changes } = look;
  return {
    system,
    state: look.state,
    changes,
    // Of the contract by itself; and of what the project uses of it.
    contractVerdict: judged.verdict,
    verdict: found?.impact.verdict ?? judged.verdict,
    touches: judged.touches,
    findings: found?.impact.findings ?? judged.findings,
    ...(found?.untyped === undefined ? {} : { untyped: found.untyped }),
    users: usersOf(found),
  };
}

/** Files of processes and APIs that lead to what is touched. */
function usersOf(found: Study | undefined): readonly string[] {
  const files = (found?.impact.findings ?? [])
    .filter(({ verdict }) => verdict !== "safe")
    .flatMap(({ touches }) => touches.flatMap(({ by }) => by));
  return [...new Set(files)].filter((file) => !file.startsWith("systems/")).sort();
}

function show(terminal: Terminal, seen: readonly Seen[]): void {
  terminal.table(
    ["system", "state", ""],
    seen.map(({ system, look, study: found }) => [system, look.state, wordsOf(look, found)]),
    (cell, column) => (column !== 1 ? undefined : cell === "same" ? "green" : cell === "unwatched" ? "dim" : "yellow"),
  );
  for (const { system, look, study: found, url } of seen) {
    if (look.state !== "changed" || found === undefined) continue;
    terminal.line();
    terminal.line(`${terminal.paint("bold", system)}  ${terminal.paint("dim", changesInWords(look.changes))}`);
    terminal.line();
    printImpact(terminal, found.impact);
    if (found.untyped !== undefined)
      terminal.line(`Which fields are used is not known, so all of them count: ${found.untyped}`);
    terminal.line(
      `Look at it closely, and take it over: mortise upgrade ${system}${url === undefined ? " --from <its database>" : ""}`,
    );
  }
  if (seen.every(({ look: { state } }) => state !== "changed" && state !== "unreadable"))
    terminal.line(terminal.paint("green", `${count(seen.length, "contract")}, no change`));
}

function wordsOf(look: Look, found: Study | undefined): string {
  if (look.state === "changed") {
    if (found === undefined) return changesInWords(look.changes);
    return found.impact.findings.length === 0 ? "nothing changed for anybody who calls it" : summaryLine(found.impact);
  }
  return "reason" in look ? look.reason : "";
}

/** The settings with what this environment gives; a system whose secrets are not here is looked at without. */
function settingsOf(project: Project | undefined, system: string, environment: Context["io"]["env"]) {
  const definition = project?.systems.get(system);
  if (project === undefined || definition === undefined) return undefined;
  try {
    const { secrets } = resolveConfig(project.config, environment);
    return resolveForCommand(resolve(project.folder, secrets), definition, environment);
  } catch {
    return undefined;
  }
}
