/** `mortise watch`: is the contract that each system has now the one that is pinned? No server is needed, and nothing is changed. */
import { resolve } from "node:path";
import { asMortiseError, failure } from "../../errors.ts";
import { resolveConfig } from "../../server/config.ts";
import { changesInWords } from "../../server/contracts/changes.ts";
import { type Look, look } from "../../server/contracts/look.ts";
import { loadProject, type Project } from "../../server/project.ts";
import { resolveForCommand } from "../../server/secrets.ts";
import { usageOf } from "../check/usage.ts";
import type { Context } from "../context.ts";
import { exit } from "../exit.ts";
import { pinnedSystems, readPin, systemFolder } from "../pin.ts";
import { projectFolder } from "../project-folder.ts";
import { count } from "../terminal.ts";

interface Seen {
  readonly system: string;
  readonly look: Look;
  /** Files of processes and APIs that use what is touched. */
  readonly users: readonly string[];
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
  for (const system of name === undefined ? systems : [name]) {
    const pinned = readPin(systemFolder(folder, system));
    terminal.note(`looking at ${system}`);
    const found = await look({
      pinned,
      settings: settingsOf(project, system, io.env),
      project: folder,
      validators: [],
    });
    seen.push({ system, look: found, users: project === undefined ? [] : usersOf(project, system, found) });
  }
  const odd = seen.filter(({ look: { state } }) => state === "changed" || state === "unreadable");
  terminal.result(
    seen.map(({ system, look: found, users }) => {
      const { validators: _, ...shown } = { validators: undefined, ...found };
      return { system, ...shown, users };
    }),
    () => {
      terminal.table(
        ["system", "state", ""],
        seen.map(({ system, look: found }) => [system, found.state, wordsOf(found)]),
        (cell, column) =>
          column !== 1 ? undefined : cell === "same" ? "green" : cell === "unwatched" ? "dim" : "yellow",
      );
      for (const { system, look: found, users } of odd) {
        if (found.state !== "changed") continue;
        terminal.line();
        terminal.line(
          `${terminal.paint("bold", system)} touches ${found.touches.join(", ") || "nothing that is called"}`,
        );
        if (users.length > 0) terminal.line(`  used by ${users.join(", ")}`);
        terminal.line(`  look at the difference with git after: mortise add ${system} <where it is> --replace`);
      }
      if (odd.length === 0) terminal.line(terminal.paint("green", `${count(seen.length, "contract")}, no change`));
    },
  );
  return odd.length > 0 ? exit.found : exit.done;
}

function wordsOf(found: Look): string {
  if (found.state === "changed") return changesInWords(found.changes);
  return "reason" in found ? found.reason : "";
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

function usersOf(project: Project, system: string, found: Look): readonly string[] {
  if (found.state !== "changed") return [];
  const touched = new Set(found.touches.map((member) => `${system}.${member}`));
  return [...usageOf(project).byFile]
    .filter(([, names]) => [...names].some((name) => touched.has(name)))
    .map(([file]) => file)
    .sort();
}
