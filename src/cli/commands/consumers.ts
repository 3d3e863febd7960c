/** `mortise consumers ...`: who calls the published APIs, through the admin API of the running server. */
import { adminClient } from "../admin-client.ts";
import type { Context } from "../context.ts";
import { exit } from "../exit.ts";
import { type Terminal, time } from "../terminal.ts";
import { segment } from "../values.ts";

// What the admin API answers; its OpenAPI document says the same.
interface Consumer {
  readonly name: string;
  readonly plan?: string;
  readonly contact?: string;
  readonly disabledAt?: number;
  readonly reason?: string;
}

export async function listConsumers(context: Context): Promise<number> {
  const { terminal } = context;
  const answer: { consumers: Consumer[] } = await (await adminClient(context)).get("/consumers");
  terminal.result(answer, () => {
    showConsumers(terminal, answer.consumers);
    // They are known to who vouches for them, and to us when they call.
    terminal.line(
      terminal.paint(
        "dim",
        "who comes with an access token, a certificate, a signature or a password stands here only if it was set; who called: mortise apis usage <api> <version>",
      ),
    );
  });
  return exit.done;
}

function showConsumers(terminal: Terminal, consumers: readonly Consumer[]): void {
  if (consumers.length === 0) terminal.line("No consumers. Make the first one's key with: mortise keys create");
  else
    terminal.table(
      ["consumer", "plan", "contact", "state"],
      consumers.map(({ name, plan = "", contact = "", disabledAt, reason }) => [
        name,
        plan,
        contact,
        disabledAt === undefined ? "enabled" : `disabled ${time(disabledAt)}: ${reason}`,
      ]),
      (cell, column) => (column === 3 && cell.startsWith("disabled") ? "red" : undefined),
    );
}

export async function setConsumer(
  context: Context,
  [name]: readonly string[],
  options: { readonly plan?: string; readonly contact?: string; readonly reason?: string },
): Promise<number> {
  const { terminal } = context;
  const none = (text: string | undefined) => (text === "none" ? null : text);
  const client = await adminClient(context);
  const set: Consumer & { readonly notices: readonly string[] } = await client.post(`/consumers/${segment(name!)}`, {
    plan: none(options.plan),
    contact: none(options.contact),
    reason: options.reason,
  });
  terminal.result(set, () => {
    terminal.line(
      `${terminal.paint("green", "set")} ${set.name}: plan ${set.plan ?? "none"}, contact ${set.contact ?? "none"}`,
    );
    for (const notice of set.notices) terminal.note(terminal.paint("yellow", notice));
  });
  return exit.done;
}

export async function disableConsumer(
  context: Context,
  [name]: readonly string[],
  { reason }: { readonly reason: string },
): Promise<number> {
  const { terminal } = context;
  const answer: unknown = await (await adminClient(context)).post(`/consumers/${segment(name!)}/disable`, { reason });
  terminal.result(answer, () =>
    terminal.line(
      `${terminal.paint("yellow", "disabled")} ${name}: it is refused from now on, with each of its credentials`,
    ),
  );
  return exit.done;
}

export async function enableConsumer(
  context: Context,
  [name]: readonly string[],
  { reason }: { readonly reason?: string },
): Promise<number> {
  const { terminal } = context;
  const answer: unknown = await (await adminClient(context)).post(`/consumers/${segment(name!)}/enable`, { reason });
  terminal.result(answer, () => terminal.line(`${terminal.paint("green", "enabled")} ${name}`));
  return exit.done;
}
