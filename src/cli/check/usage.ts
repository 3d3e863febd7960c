/** What uses what in a project: which operations of which systems each process and API names, read from the sources. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Project } from "../../server/project/project.ts";
import { sourcesOf } from "../../server/project/sources.ts";
import type { Finding } from "./finding.ts";
import { type Node, parse, type Scope, scopeOf } from "./syntax.ts";

/** `erp.createSalesOrder` and what else is named, by the file of a process or API that leads to it. */
export interface Usage {
  /** File of `processes/` or `apis/`, to the system's names that it leads to: `erp.createSalesOrder`. */
  readonly byFile: ReadonlyMap<string, ReadonlySet<string>>;
  /** Files with processes that are started as children: `flow.child(shipping, ...)` names them. */
  readonly children: ReadonlySet<string>;
  /** Everything named anywhere. */
  readonly used: ReadonlySet<string>;
}

export function usageOf(project: Project): Usage {
  const scopes = new Map<string, ReadonlySet<string>>();
  const systems = new Map<string, string>();
  for (const [what, file] of project.places)
    if (what.startsWith("system ")) systems.set(file, what.slice("system ".length));
  const children = new Set<string>();
  const namedIn = (file: string): ReadonlySet<string> => {
    const known = scopes.get(file);
    if (known !== undefined) return known;
    const scope = scopeOf(parse(file, readFileSync(join(project.folder, file), "utf8")));
    const found = names(file, scope, systems);
    scopes.set(file, found);
    for (const one of childrenIn(file, scope)) children.add(one);
    return found;
  };
  const byFile = new Map<string, Set<string>>();
  const entries = [...project.places]
    .filter(([what]) => !/^(system|requirement of) /.test(what))
    .map(([, file]) => file);
  for (const entry of new Set(entries)) {
    const used = new Set<string>();
    for (const file of sourcesOf(project.folder, [entry]).files) {
      if (!file.endsWith(".ts") || systems.has(file)) continue;
      for (const name of namedIn(file)) {
        used.add(name);
        const probe = effectsOf(project, name.split(".")[0]!)?.[name.split(".")[1] ?? ""]?.probe;
        if (probe !== undefined) used.add(`${name.split(".")[0]}.${probe.call}`);
      }
    }
    byFile.set(entry, used);
  }
  return { byFile, children, used: new Set([...byFile.values()].flatMap((set) => [...set])) };
}

/** The files that `....child(process, ...)` in this file leads to. */
function childrenIn(file: string, scope: Scope): string[] {
  const found: string[] = [];
  scope.walk(scope.program, (node) => {
    if (node.type !== "CallExpression") return true;
    const callee = node.callee as Node;
    if (callee.type !== "MemberExpression" || (callee.property as Node).name !== "child") return true;
    const [process] = node.arguments as Node[];
    if (process?.type !== "Identifier") return true;
    const from = scope.imports.get(process.name as string)?.from;
    found.push(from === undefined ? file : join(dirname(file), from).replaceAll("\\", "/"));
    return true;
  });
  return found;
}

/** As `names`, of a file's text. `systems`: file of a system to its name. */
export function membersNamed(file: string, text: string, systems: ReadonlyMap<string, string>): ReadonlySet<string> {
  return names(file, scopeOf(parse(file, text)), systems);
}

/** `system.member` for each member of an imported system that the file names; `system` alone where the whole is handed on. */
function names(file: string, scope: Scope, systems: ReadonlyMap<string, string>): Set<string> {
  const local = new Map<string, string>();
  for (const [name, { from }] of scope.imports) {
    const system = systems.get(join(dirname(file), from).replaceAll("\\", "/"));
    if (system !== undefined) local.set(name, system);
  }
  const found = new Set<string>();
  scope.walk(scope.program, (node) => {
    if (node.type === "ImportDeclaration") return false;
    if (node.type === "MemberExpression" || node.type === "TSQualifiedName") {
      const system = local.get(((node.object ?? node.left) as Node).name as string);
      const member = ((node.property ?? node.right) as Node).name;
      if (system !== undefined && typeof member === "string") found.add(`${system}.${member}`);
    }
    if (node.type === "Identifier" && local.has(node.name as string)) found.add(local.get(node.name as string)!);
    return true;
  });
  return found;
}

export function usageFindings(project: Project, usage: Usage): Finding[] {
  const findings: Finding[] = [];
  const warn = (rule: Finding["rule"], what: string, message: string): void => {
    const file = project.places.get(what);
    findings.push({ level: "warning", rule, ...(file === undefined ? {} : { file }), message });
  };
  for (const name of project.systems.keys()) {
    if (!usage.used.has(name)) warn("system-unused", `system ${name}`, `no process and no API uses the system ${name}`);
  }
  const started = new Set([
    ...project.schedules.map(({ process }) => process.name),
    ...project.apis.flatMap(({ operations }) =>
      Object.values(operations).flatMap((operation) => (operation.kind === "starts" ? [operation.process.name] : [])),
    ),
  ]);
  for (const [name, { on }] of project.processes) {
    if (on !== undefined || started.has(name) || usage.children.has(project.places.get(`process ${name}`) ?? ""))
      continue;
    warn(
      "process-unreachable",
      `process ${name}`,
      `nothing starts the process ${name}: no API, no event, no schedule, no process`,
    );
  }
  for (const name of [...usage.used].sort()) {
    const [system, operation] = name.split(".") as [string, string | undefined];
    const definition = project.systems.get(system);
    if (
      operation === undefined ||
      definition === undefined ||
      !Object.hasOwn(definition.contract.operations, operation)
    )
      continue;
    const own = effectsOf(project, system)?.[operation];
    const effect = own?.effect ?? definition.contract.operations[operation]!.effect;
    if (effect === "unrepeatable" && own?.probe === undefined && inProcess(project, usage, name)) {
      warn(
        "probe-missing",
        `system ${system}`,
        `${name} is unrepeatable and has no probe: when its answer is lost, the run parks and asks a person. State a probe, keyHeader where it takes a key, or the effect, under effects`,
      );
    }
  }
  return findings;
}

type Effects = Readonly<
  Record<string, { readonly effect: string; readonly probe?: { readonly call: string } } | undefined>
>;

function effectsOf(project: Project, system: string): Effects | undefined {
  return project.systems.get(system)?.settings.effects as Effects | undefined;
}

function inProcess(project: Project, usage: Usage, name: string): boolean {
  return project.processFiles.some((file) => usage.byFile.get(file)?.has(name) === true);
}

export function requirementFindings(project: Project, usage: Usage): Finding[] {
  const findings: Finding[] = [];
  for (const requirement of project.requirements) {
    const file = project.places.get(`requirement of ${requirement.process}`);
    const place = file === undefined ? {} : { file };
    const add = (rule: Finding["rule"], level: Finding["level"], message: string): void =>
      void findings.push({ level, rule, ...place, message });
    const process = project.places.get(`process ${requirement.process}`);
    if (process === undefined) {
      add("requirement-unknown", "error", `there is no process ${requirement.process}`);
      continue;
    }
    const used = new Set([...(usage.byFile.get(process) ?? [])].map((name) => name.split(".")[0]!));
    const stated = Object.keys(requirement.systems);
    for (const name of stated) {
      if (!project.systems.has(name))
        add("requirement-system", "error", `names the system ${name}, which this project does not have`);
      else if (!used.has(name))
        add("requirement-system", "warning", `names the system ${name}, which ${requirement.process} does not use`);
    }
    for (const name of used) {
      if (!stated.includes(name))
        add(
          "requirement-system",
          "warning",
          `${requirement.process} uses the system ${name}, which the requirement does not name`,
        );
    }
  }
  for (const name of project.processes.keys()) {
    if (project.requirements.some((requirement) => requirement.process === name)) continue;
    const file = project.places.get(`process ${name}`);
    findings.push({
      level: "warning",
      rule: "requirement-missing",
      ...(file === undefined ? {} : { file }),
      message: `the process ${name} has no requirement; state one in requirements/${name}.ts`,
    });
  }
  return findings;
}
