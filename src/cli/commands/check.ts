/** `mortise check`: looks through a project without starting it, and without its secrets. */
import { asMortiseError } from "../../errors.ts";
import { publicationOf } from "../../server/apis/publication.ts";
import { loadProject, type Project, type ProjectProblem } from "../../server/project/project.ts";
import { clearNotices } from "../../server/secrets/encryption.ts";
import { typeFindings } from "../check/compile.ts";
import { contractFindings } from "../check/contracts.ts";
import type { Finding } from "../check/finding.ts";
import { foreignUses } from "../check/foreign.ts";
import { requirementFindings, usageFindings, usageOf } from "../check/usage.ts";
import type { Context } from "../context.ts";
import { exit } from "../exit.ts";
import { pinnedContracts } from "../pin.ts";
import { projectFolder } from "../project-folder.ts";
import { count, type Terminal } from "../terminal.ts";

interface Options {
  readonly strict?: boolean;
  readonly types: boolean;
}

export async function check(context: Context, _: readonly string[], options: Options): Promise<number> {
  const { terminal, io } = context;
  const folder = projectFolder(io.folder, context.project);
  const { project, findings, unused } = await examine(folder, options.types);
  const errors = findings.filter(({ level }) => level === "error").length;
  const warnings = findings.length - errors;
  const good = errors === 0 && (options.strict !== true || warnings === 0);
  const needs = project === undefined ? [] : references(project);
  terminal.result({ ok: good, errors, warnings, findings, unusedOperations: unused, needs }, () => {
    show(terminal, findings);
    if (project !== undefined) {
      const { systems, processes, apis, requirements, schedules } = project;
      const parts = [
        count(pinnedContracts(folder).length, "contract"),
        count(systems.size, "system"),
        count(processes.size, "process", "processes"),
        count(apis.length, "API"),
        count(requirements.length, "requirement"),
        ...(schedules.length === 0 ? [] : [count(schedules.length, "schedule")]),
      ];
      terminal.line(terminal.paint("dim", `looked at ${parts.join(", ")}`));
      if (unused.length > 0) {
        const list = unused.length <= 6 ? `: ${unused.join(", ")}` : "; --json lists them";
        terminal.line(
          terminal.paint("dim", `${count(unused.length, "operation")} that no process and no API uses${list}`),
        );
      }
      if (needs.length > 0) terminal.line(terminal.paint("dim", `to start, it needs ${needs.join(", ")}`));
    }
    if (findings.length === 0) terminal.line(terminal.paint("green", "all is well"));
    else {
      const summary = `${count(errors, "error")}, ${count(warnings, "warning")}`;
      terminal.line(terminal.paint(errors > 0 ? "red" : "yellow", summary));
    }
  });
  return good ? exit.done : exit.found;
}

export interface Examined {
  /** Absent where it can't be loaded. */
  readonly project?: Project;
  readonly findings: readonly Finding[];
  /** Operations that nothing uses: `erp.deleteOrder`. */
  readonly unused: readonly string[];
}

/** Everything that can be found out about a project without starting it. `types`: run the compiler too. */
export async function examine(folder: string, types: boolean): Promise<Examined> {
  const compiled = types ? typeFindings(folder) : Promise.resolve([]);
  const contracts = await contractFindings(folder);
  const { project, findings: loading } = await load(folder);
  const findings = [...contracts, ...loading, ...(await compiled)];
  if (project === undefined) return { findings, unused: [] };
  const usage = usageOf(project);
  findings.push(
    ...(await publicationFindings(project)),
    ...foreignFindings(project),
    ...clearNotices(project).map((message): Finding => ({ level: "warning", rule: "sensitive-in-clear", message })),
    ...usageFindings(project, usage),
    ...requirementFindings(project, usage),
  );
  const unused = [...project.systems.values()].flatMap(({ name, contract }) =>
    Object.keys(contract.operations)
      .map((operation) => `${name}.${operation}`)
      .filter((operation) => !usage.used.has(operation)),
  );
  return { project, findings, unused };
}

/** The project, or what keeps it from being loaded. */
async function load(folder: string): Promise<{ readonly project?: Project; readonly findings: Finding[] }> {
  try {
    return { project: await loadProject(folder), findings: [] };
  } catch (error) {
    const { code, message, details } = asMortiseError(error);
    if (code !== "project-invalid" || !Array.isArray(details))
      return { findings: [{ level: "error", rule: "project", message }] };
    const findings = (details as ProjectProblem[]).map(
      (problem): Finding => ({ level: "error", rule: "project", ...problem }),
    );
    return { findings };
  }
}

async function publicationFindings(project: Project): Promise<Finding[]> {
  const { problems, notices, damaged } = await publicationOf(project);
  const findings = [...problems, ...damaged].map(
    ({ file, message, lock }): Finding => ({
      level: "error",
      rule: lock === undefined ? "project" : "published-contract",
      file,
      message,
    }),
  );
  for (const { file, message } of notices) findings.push({ level: "warning", rule: "unpublished", file, message });
  return findings;
}

function foreignFindings(project: Project): Finding[] {
  return foreignUses(project.folder, project.processFiles).map(({ file, line, process, what, instead }) => ({
    level: "error",
    rule: "foreign",
    file,
    line,
    message: `${process} ${what}, which a replay can't repeat; write ${instead}`,
  }));
}

/** Prints them, each with its place. */
export function show(terminal: Terminal, findings: readonly Finding[]): void {
  for (const { level, rule, file, line, message } of findings) {
    const place =
      file === undefined ? "" : `${terminal.paint("bold", line === undefined ? file : `${file}:${line}`)}  `;
    terminal.line(
      `${place}${terminal.paint(level === "error" ? "red" : "yellow", level)}  ${terminal.paint("dim", rule)}`,
    );
    for (const line of message.split("\n")) terminal.line(`  ${line}`);
  }
  if (findings.length > 0) terminal.line();
}

/** What a start needs from outside: environment variables without a fallback, and secrets. */
function references(project: Project): string[] {
  const found = new Set<string>();
  const open: unknown[] = [project.config.options, ...[...project.systems.values()].map(({ settings }) => settings)];
  while (open.length > 0) {
    const value = open.pop();
    if (typeof value !== "object" || value === null) continue;
    const { kind, name, fallback } = value as { kind?: unknown; name?: unknown; fallback?: unknown };
    if (typeof name === "string" && kind === "secret") found.add(`the secret ${name}`);
    else if (typeof name === "string" && kind === "env") {
      if (fallback === undefined) found.add(name);
    } else open.push(...Object.values(value));
  }
  return [...found].sort();
}
