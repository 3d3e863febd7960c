/** `mortise secrets ...`: secrets of the running server, or of the store while none runs. Values go in, by a prompt or a pipe; none comes out. */
import { failure, MortiseError, plainName } from "../../errors.ts";
import { type AdminClient, adminClient, user } from "../admin-client.ts";
import type { Context } from "../context.ts";
import { exit } from "../exit.ts";
import { projectFolder } from "../project-folder.ts";
import { time } from "../terminal.ts";
import { segment } from "../values.ts";

interface Secret {
  readonly name: string;
  readonly in?: "file" | "store" | "environment" | "nowhere";
  readonly usedBy: readonly string[];
  readonly setAt?: number;
  readonly setBy?: string;
  readonly warning?: string;
}

interface Reasoned {
  readonly reason: string;
}

export async function listSecrets(context: Context): Promise<number> {
  const { terminal } = context;
  const { secrets }: { secrets: Secret[] } = await (await adminClient(context)).get("/secrets");
  terminal.result({ secrets }, () => {
    if (secrets.length === 0)
      terminal.line("No secrets: nothing in the project refers to one, and the store has none.");
    else
      terminal.table(
        ["secret", "from", "set in the store", "by", "used by"],
        secrets.map((secret) => [
          secret.name,
          secret.in ?? (secret.setAt === undefined ? "" : "unused"),
          secret.setAt === undefined ? "" : time(secret.setAt),
          secret.setBy ?? "",
          secret.usedBy.join(", "),
        ]),
        (cell, column) => (column === 1 && cell === "unused" ? "dim" : undefined),
      );
    for (const { name, in: where, setAt } of secrets)
      if (where === "file" && setAt !== undefined)
        terminal.line(`${terminal.paint("yellow", "twice")} ${name} is in the store and in a file: the file counts`);
  });
  return exit.done;
}

export async function setSecret(
  context: Context,
  [name]: readonly string[],
  { reason, offline }: Reasoned & { readonly offline?: boolean },
): Promise<number> {
  if (offline === true) return setOffline(context, name!, reason);
  const { terminal, io } = context;
  // Asked first: without a server the value would be typed in vain.
  const client = await asked(context, name!);
  if (io.secret === undefined) throw failure("option-invalid", { option: "<value>", reason: "pipe it in" });
  const value = await io.secret(`Value of ${name} (it is not shown): `);
  const secret: Secret = await client.post(`/secrets/${segment(name!)}`, { value, reason });
  terminal.result(secret, () => {
    terminal.line(`${terminal.paint("green", "set")} ${name}: ${inForce(secret)}`);
    if (secret.warning !== undefined) terminal.line(`${terminal.paint("yellow", "careful")} ${secret.warning}`);
  });
  return exit.done;
}

/** The server, which answered; where there is none, the other way is said. */
async function asked(context: Context, name: string): Promise<AdminClient> {
  try {
    const client = await adminClient(context);
    await client.get("/secrets");
    return client;
  } catch (error) {
    if (error instanceof MortiseError && error.code === "server-unreachable")
      context.terminal.note(
        `Where no server runs, this writes it into the store itself: mortise secrets set ${plainName(name)} --offline`,
      );
    throw error;
  }
}

/** Into the store itself, while no server runs. */
async function setOffline({ terminal, io, project }: Context, name: string, reason: string): Promise<number> {
  const { openOfflineSecrets } = await import("../../server/secrets/offline.ts");
  const folder = projectFolder(io.folder, project);
  // Asked first, and given back: the value would be typed in vain, and a server kept from starting by a prompt that nobody answers.
  await (await openOfflineSecrets(folder, io.env)).close();
  if (io.secret === undefined) throw failure("option-invalid", { option: "<value>", reason: "pipe it in" });
  const value = await io.secret(`Value of ${name} (it is not shown): `);
  const secrets = await openOfflineSecrets(folder, io.env);
  let set: { readonly warning?: string };
  try {
    set = await secrets.set({ name, value, by: `local:${user()}`, reason });
  } finally {
    await secrets.close();
  }
  terminal.result({ name, ...set }, () => {
    terminal.line(`${terminal.paint("green", "set")} ${name}: in the store, and in force from the next start on`);
    if (set.warning !== undefined) terminal.line(`${terminal.paint("yellow", "careful")} ${set.warning}`);
  });
  return exit.done;
}

export async function removeSecret(context: Context, [name]: readonly string[], { reason }: Reasoned): Promise<number> {
  const { terminal } = context;
  const secret: Secret = await (await adminClient(context)).post(`/secrets/${segment(name!)}/remove`, { reason });
  terminal.result(secret, () => {
    const now = secret.in === undefined ? "nothing used it" : `its value comes from the ${secret.in} now`;
    terminal.line(`${terminal.paint("green", "removed")} ${name} from the store: ${now}`);
  });
  return exit.done;
}

function inForce({ in: where, usedBy }: Secret): string {
  if (usedBy.length === 0) return "nothing uses it yet";
  if (where === "file") return "but a file of this name stands in the secrets folder, and the file counts";
  return `in force for the next call of ${usedBy.join(", ")}`;
}
