/** `mortise secrets ...`: secrets of the running server. Values go in, by a prompt or a pipe; none comes out. */
import { failure } from "../../errors.ts";
import { adminClient } from "../admin-client.ts";
import type { Context } from "../context.ts";
import { exit } from "../exit.ts";
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

export async function setSecret(context: Context, [name]: readonly string[], { reason }: Reasoned): Promise<number> {
  const { terminal, io } = context;
  // Asked first: without a server the value would be typed in vain.
  const client = await adminClient(context);
  await client.get("/secrets");
  if (io.secret === undefined) throw failure("option-invalid", { option: "<value>", reason: "pipe it in" });
  const value = await io.secret(`Value of ${name} (it is not shown): `);
  const secret: Secret = await client.post(`/secrets/${segment(name!)}`, { value, reason });
  terminal.result(secret, () => {
    terminal.line(`${terminal.paint("green", "set")} ${name}: ${inForce(secret)}`);
    if (secret.warning !== undefined) terminal.line(`${terminal.paint("yellow", "careful")} ${secret.warning}`);
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
