/** `mortise deploy`, `versions`, `promote` and `rollback`: code versions, through the admin API of the running server. */
import { failure } from "../../errors.ts";
import { projectFiles } from "../../server/project/files.ts";
import { planVersion } from "../../server/versions/versions.ts";
import { type AdminClient, adminClient } from "../admin-client.ts";
import type { Context } from "../context.ts";
import { exit } from "../exit.ts";
import { projectFolder } from "../project-folder.ts";
import { count, type Style, type Terminal, time } from "../terminal.ts";
import { examine, show } from "./check.ts";

// What the admin API answers; its OpenAPI document says the same.
interface Version {
  readonly id: string;
  readonly state: "promoted" | "before" | "registered" | "draining" | "drained";
  readonly worker: string;
  readonly openRuns: number;
  readonly note: string;
  readonly registeredAt?: number;
  readonly registeredBy?: string;
  readonly promotedAt?: number;
  readonly promotedBy?: string;
  readonly promotedFor?: string;
}
interface Deployed {
  readonly version: string;
  readonly fresh: boolean;
  readonly promoted: boolean;
  readonly before?: string;
  readonly reload: readonly string[];
}

/** The first characters of an id, as people type it. */
export const short = (id: string): string => id.slice(0, 12);

interface DeployOptions {
  readonly promote?: boolean;
  readonly note: string;
  readonly types: boolean;
  readonly reason: string;
}

export async function deploy(context: Context, _: readonly string[], options: DeployOptions): Promise<number> {
  const { terminal, io } = context;
  const folder = projectFolder(io.folder, context.project);
  // Asked first: without a server the check would be in vain.
  const client = await adminClient(context, deployPatience);
  await client.get("/versions");
  const { findings } = await examine(folder, options.types);
  if (findings.some(({ level }) => level === "error")) {
    terminal.result({ deployed: false, findings }, () => {
      show(terminal, findings);
      terminal.line(terminal.paint("red", "not deployed: the project has errors"));
    });
    return exit.found;
  }
  const { id } = planVersion({ folder, processFiles: projectFiles(folder).process });
  const answer: Deployed = await client.post("/versions", {
    expect: id,
    note: options.note,
    promote: options.promote === true,
    reason: options.reason,
  });
  terminal.result({ deployed: true, ...answer }, () => {
    show(terminal, findings);
    told(terminal, answer);
    if (!answer.promoted) {
      const next = `mortise rehearse --version ${short(id)}, then mortise promote ${short(id)}`;
      terminal.line(terminal.paint("dim", `new runs start on it after: ${next}`));
    }
  });
  return exit.done;
}

/** What a deployment or a promotion did, and what it did not. */
function told(terminal: Terminal, { version, fresh, promoted, before, reload }: Deployed): void {
  const id = terminal.paint("bold", short(version));
  if (fresh) terminal.line(`${terminal.paint("green", "registered")} ${id}`);
  else if (!promoted) terminal.line(`${id} was registered before; nothing was changed`);
  if (promoted) {
    const instead = before === undefined ? "" : ` instead of ${short(before)}`;
    terminal.line(`${terminal.paint("green", "promoted")} ${id}: new runs start on it${instead}`);
    if (before !== undefined)
      terminal.line(terminal.paint("dim", "open runs stay on their version; back with: mortise rollback"));
  }
  if (reload.length > 0) {
    terminal.line(
      `${terminal.paint("yellow", "not yet in force")}, since it is no code of a process: ${reload.join(", ")}`,
    );
    terminal.line("  The server takes it, without a gap, with: mortise reload");
  }
}

const stateStyles: Readonly<Record<Version["state"], Style>> = {
  promoted: "green",
  before: "cyan",
  registered: "yellow",
  draining: "cyan",
  drained: "dim",
};
const order: readonly Version["state"][] = ["promoted", "before", "registered", "draining", "drained"];

export async function listVersions(context: Context): Promise<number> {
  const { terminal } = context;
  const { versions }: { versions: Version[] } = await (await adminClient(context)).get("/versions");
  const sorted = versions.toSorted(
    (a, b) => order.indexOf(a.state) - order.indexOf(b.state) || (b.registeredAt ?? 0) - (a.registeredAt ?? 0),
  );
  terminal.result({ versions: sorted }, () =>
    terminal.table(
      ["version", "state", "worker", "open runs", "registered", "by", "note"],
      sorted.map((version) => [
        short(version.id),
        version.state,
        version.worker,
        String(version.openRuns),
        version.registeredAt === undefined ? "" : time(version.registeredAt),
        version.registeredBy ?? "",
        version.note,
      ]),
      (cell, column) => (column === 1 ? stateStyles[cell as Version["state"]] : undefined),
    ),
  );
  return exit.done;
}

export async function showVersion(context: Context, [given]: readonly string[]): Promise<number> {
  const { terminal } = context;
  const version = await versionOf(await adminClient(context), given!);
  terminal.result(version, () => {
    const { state } = version;
    terminal.line(`${terminal.paint("bold", version.id)}  ${terminal.paint(stateStyles[state], state)}`);
    const facts: [string, string][] = [
      ["worker", version.worker],
      ["open runs", count(version.openRuns, "run")],
    ];
    if (version.note !== "") facts.push(["note", version.note]);
    if (version.registeredAt !== undefined)
      facts.push(["registered", `${time(version.registeredAt)} by ${version.registeredBy}`]);
    if (version.promotedAt !== undefined)
      facts.push(["promoted", `${time(version.promotedAt)} by ${version.promotedBy}: ${version.promotedFor}`]);
    for (const [name, value] of facts) terminal.line(`  ${terminal.paint("dim", name.padEnd(10))} ${value}`);
  });
  return exit.done;
}

interface Reasoned {
  readonly reason: string;
}

export async function promote(context: Context, [given]: readonly string[], { reason }: Reasoned): Promise<number> {
  const client = await adminClient(context, deployPatience);
  const { id } = await versionOf(client, given!);
  const answer: Deployed = await client.post(`/versions/${id}/promote`, { reason });
  context.terminal.result(answer, () => told(context.terminal, answer));
  return exit.done;
}

export async function rollback(context: Context, _: readonly string[], { reason }: Reasoned): Promise<number> {
  const client = await adminClient(context, deployPatience);
  const answer: Deployed = await client.post("/rollback", { reason });
  context.terminal.result(answer, () => told(context.terminal, answer));
  return exit.done;
}

/** A version's code is loaded twice before the server answers; a busy machine takes its time for that. */
export const deployPatience = 120_000;

/** By its id, or by the beginning of it if that is one version's only. */
export async function versionOf(client: AdminClient, given: string): Promise<Version> {
  const { versions }: { versions: Version[] } = await client.get("/versions");
  const found = versions.filter(({ id }) => id.startsWith(given.toLowerCase()));
  if (found.length === 1) return found[0]!;
  if (found.length === 0) throw failure("version-unknown", { version: given });
  throw failure("option-invalid", {
    option: "<version>",
    reason: `several versions begin with ${given}: ${found.map(({ id }) => short(id)).join(", ")}`,
  });
}
