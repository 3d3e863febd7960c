/** What the definitions of a project say of themselves and of each other that can't be: found when it is loaded. */
import { compileSchema } from "../../contract/validate.ts";
import type { AnyProcess } from "../../process/define.ts";
import { patternOf } from "../schedules/ticks.ts";
import type { Project } from "./project.ts";
import type { SourceProblem } from "./sources.ts";

type Defined = Pick<Project, "systems" | "processes" | "apis" | "schedules" | "places">;

export function definitionProblems(project: Defined): readonly SourceProblem[] {
  return [...processFindings(project), ...apiFindings(project), ...scheduleFindings(project)];
}

function processFindings({ processes, systems, places }: Defined): SourceProblem[] {
  const problems: SourceProblem[] = [];
  for (const process of processes.values()) {
    const { name, on } = process;
    const file = places.get(`process ${name}`) as string;
    for (const message of processProblems(process)) problems.push({ file, message: `${name}: ${message}` });
    if (on === undefined) continue;
    const events = systems.get(on.system)?.contract.events ?? {};
    if (!Object.hasOwn(events, on.name))
      problems.push({ file, message: `${name} starts on ${on.system}.${on.name}, which no system here has` });
  }
  return problems;
}

function apiFindings({ apis, systems, processes, places }: Defined): SourceProblem[] {
  const problems: SourceProblem[] = [];
  for (const api of apis) {
    const file = places.get(`API ${api.name} ${api.version}`) as string;
    for (const [name, operation] of Object.entries(api.operations)) {
      if (operation.kind === "calls") {
        const { system, name: called } = operation.operation;
        if (!Object.hasOwn(systems.get(system)?.contract.operations ?? {}, called))
          problems.push({ file, message: `${name} calls ${system}.${called}, which no system here has` });
      } else if (processes.get(operation.process.name) !== operation.process) {
        const message = `${name} names the process ${operation.process.name}, which no file in processes/ exports`;
        problems.push({ file, message });
      }
    }
  }
  return problems;
}

function scheduleFindings({ schedules, processes, places }: Defined): SourceProblem[] {
  const problems: SourceProblem[] = [];
  for (const { name, process, cron, timeZone } of schedules) {
    const file = places.get(`schedule ${name}`) as string;
    if (processes.get(process.name) !== process)
      problems.push({
        file,
        message: `${name} starts the process ${process.name}, which no file in processes/ exports`,
      });
    try {
      const next = patternOf(cron, timeZone).next(Date.now());
      if (next === undefined) problems.push({ file, message: `${name}: cron "${cron}" names no time that will come` });
    } catch (error) {
      problems.push({ file, message: `${name}: ${(error as Error).message}` });
    }
  }
  return problems;
}

/** What the types would have said, and the schemas: they are compiled here, so that no caller is the first to find out. */
function processProblems(process: AnyProcess): readonly string[] {
  const problems = (["key", "run"] as const)
    .filter((name) => typeof process[name] !== "function")
    .map((name) => `${name} must be a function`);
  for (const name of ["input", "output"] as const) {
    try {
      compileSchema(process[name])(null);
    } catch (error) {
      problems.push(`its ${name} schema can't be used: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return problems;
}
