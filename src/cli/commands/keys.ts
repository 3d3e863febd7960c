/** `mortise keys ...`: API keys of consumers, through the admin API of the running server. */
import { adminClient } from "../admin-client.ts";
import type { Context } from "../context.ts";
import { exit } from "../exit.ts";
import { time } from "../terminal.ts";
import { durationOption, segment } from "../values.ts";

interface Key {
  readonly id: string;
  readonly consumer: string;
  readonly scopes: readonly string[];
  readonly environment: string;
  readonly createdBy: string;
  readonly createdAt: number;
  readonly expiresAt?: number;
  readonly revokedAt?: number;
  readonly rotatedFrom?: string;
  readonly exposedAt?: number;
  /** `by`: the operation, `orders 1.0.0 placeOrder`. */
  readonly lastUsed?: { readonly at: number; readonly by: string };
}

export async function createKey(
  context: Context,
  [consumer]: readonly string[],
  options: { readonly scope: readonly string[]; readonly environment?: string; readonly expires?: string },
): Promise<number> {
  const { terminal } = context;
  const expiresAt =
    options.expires === undefined ? undefined : Math.ceil(Date.now() + durationOption("--expires", options.expires));
  const client = await adminClient(context);
  const made: { key: string; record: Key; notices: readonly string[] } = await client.post("/keys", {
    consumer,
    scopes: options.scope,
    environment: options.environment,
    expiresAt,
  });
  terminal.result(made, () => {
    terminal.line(made.key);
    const scopes = made.record.scopes.length === 0 ? "no scopes" : made.record.scopes.join(", ");
    for (const notice of made.notices) terminal.note(terminal.paint("yellow", notice));
    terminal.note(
      `Key ${made.record.id} of ${made.record.consumer} (${scopes}). It is shown this once; only its hash is stored.`,
    );
  });
  return exit.done;
}

export async function rotateKey(
  context: Context,
  [id]: readonly string[],
  options: { readonly overlap: string; readonly expires?: string; readonly reason: string },
): Promise<number> {
  const { terminal } = context;
  const now = Date.now();
  const validUntil = Math.ceil(now + durationOption("--overlap", options.overlap));
  const expiresAt =
    options.expires === undefined ? undefined : Math.ceil(now + durationOption("--expires", options.expires));
  const client = await adminClient(context);
  const made: { key: string; record: Key } = await client.post(`/keys/${segment(id!)}/rotate`, {
    validUntil,
    expiresAt,
    reason: options.reason,
  });
  terminal.result(made, () => {
    terminal.line(made.key);
    terminal.note(
      `Key ${made.record.id} of ${made.record.consumer} follows ${id}, which is valid until ${time(validUntil)} at the latest. It is shown this once; only its hash is stored.`,
    );
  });
  return exit.done;
}

export async function listKeys(
  context: Context,
  _: readonly string[],
  { consumer }: { readonly consumer?: string },
): Promise<number> {
  const { terminal } = context;
  const answer: { keys: Key[] } = await (await adminClient(context)).get("/keys");
  const keys = answer.keys.filter((key) => consumer === undefined || key.consumer === consumer);
  terminal.result({ keys }, () => {
    if (keys.length === 0) terminal.line("No keys.");
    else
      terminal.table(
        ["key", "consumer", "scopes", "made", "last used", "state"],
        keys.map((key) => [
          key.id,
          key.consumer,
          key.scopes.join(" "),
          time(key.createdAt),
          key.lastUsed === undefined ? "never" : `${time(key.lastUsed.at)}  ${key.lastUsed.by}`,
          stateOf(key),
        ]),
      );
    for (const { id } of keys.filter(isExposed))
      terminal.note(
        `${id} came in clear to a port with TLS, where others could read it. Replace it: mortise keys rotate ${id} --overlap 1h --reason "came in clear", or revoke it at once.`,
      );
  });
  return exit.done;
}

/** It still opens something. */
const isExposed = ({ exposedAt, revokedAt, expiresAt }: Key): boolean =>
  exposedAt !== undefined && revokedAt === undefined && (expiresAt === undefined || expiresAt > Date.now());

function stateOf(key: Key): string {
  const { revokedAt, expiresAt } = key;
  if (revokedAt !== undefined) return `revoked ${time(revokedAt)}`;
  if (isExposed(key)) return `seen in clear ${time(key.exposedAt as number)}`;
  if (expiresAt === undefined) return "valid";
  return expiresAt <= Date.now() ? `expired ${time(expiresAt)}` : `valid until ${time(expiresAt)}`;
}

export async function revokeKey(
  context: Context,
  [id]: readonly string[],
  { reason }: { readonly reason: string },
): Promise<number> {
  const { terminal } = context;
  const answer: unknown = await (await adminClient(context)).post(`/keys/${segment(id!)}/revoke`, { reason });
  terminal.result(answer, () =>
    terminal.line(`${terminal.paint("green", "revoked")} ${id}: it is refused from now on`),
  );
  return exit.done;
}
