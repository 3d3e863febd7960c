/**
 * Signed webhooks, received and (for simulators and tests) sent: Standard Webhooks 1.0.0
 * (https://github.com/standard-webhooks/standard-webhooks, "Webhook metadata", "Signature scheme"), symmetric signatures `v1`.
 *
 * It fails closed: a secret that is missing or short refuses at start, and every fault of a delivery gives the same answer,
 * so that a sender learns nothing about what was wrong. The raw bytes of the body are verified, never a parsed copy.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { failure } from "../errors.ts";

/** A secret that passed `openWebhookSecret`. It prints as nothing. */
export class WebhookSecret {
  readonly #bytes: Buffer;
  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }
  sign(id: string, timestamp: number, body: Uint8Array): Buffer {
    return createHmac("sha256", this.#bytes).update(`${id}.${timestamp}.`).update(body).digest();
  }
}

/**
 * Decodes a secret: `whsec_` and base64 of 24 to 64 bytes. Throws `webhook-secret` (give-up) for anything else. Call it at
 * start, so that a system whose secret is missing does not start at all.
 */
export function openWebhookSecret(secret: string | undefined, system: string): WebhookSecret {
  const refuse = (reason: string) => failure("webhook-secret", { system, reason });
  if (secret === undefined || secret === "") throw refuse("it is missing");
  if (!secret.startsWith("whsec_")) throw refuse("it does not begin with whsec_");
  const text = secret.slice("whsec_".length);
  const bytes = Buffer.from(text, "base64");
  if (bytes.toString("base64").replace(/=+$/, "") !== text.replace(/=+$/, "")) throw refuse("it is not base64");
  if (bytes.length < 24 || bytes.length > 64) throw refuse("it has not between 24 and 64 bytes");
  return new WebhookSecret(bytes);
}

export interface WebhookDelivery {
  /** Names in lower case, as Node gives them. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Exactly the bytes that came. */
  readonly body: Uint8Array;
  readonly secret: WebhookSecret;
  /** `Date.now()` milliseconds. */
  readonly now: number;
  /** How far the timestamp may be off, before and after. Default 300. */
  readonly toleranceSeconds?: number;
}

export interface VerifiedWebhook {
  /** The same for every repeat of one message: what tells a second delivery. */
  readonly id: string;
  /** Of the attempt, in seconds. */
  readonly timestamp: number;
}

/** Seconds that the time of signing may be off, before and after, where a delivery says nothing. */
export const webhookTolerance = 300;

/** More signatures than this are not looked at; a rotation needs two. */
const maxSignatures = 8;

/** Verifies one delivery. Throws `webhook-refused` (401, give-up, none) without saying what was wrong. */
export function verifyWebhook(delivery: WebhookDelivery): VerifiedWebhook {
  const { headers, body, secret, now } = delivery;
  const id = single(headers["webhook-id"]);
  const stamp = single(headers["webhook-timestamp"]);
  const signatures = single(headers["webhook-signature"]);
  const usable = id !== undefined && /^[\x21-\x7e]{1,256}$/.test(id) && !id.includes(".");
  const timestamp = stamp !== undefined && /^\d{1,12}$/.test(stamp) ? Number(stamp) : Number.NaN;
  if (!usable || Number.isNaN(timestamp) || signatures === undefined) throw failure("webhook-refused", {});
  const inTime = Math.abs(now / 1000 - timestamp) <= (delivery.toleranceSeconds ?? webhookTolerance);
  const expected = secret.sign(id, timestamp, body);
  let matches = false;
  for (const part of signatures.split(" ").slice(0, maxSignatures)) {
    // Node reads base64 with anything in between; two signatures in one part are none.
    if (!/^v1,[A-Za-z0-9+/]{43}=$/.test(part)) continue;
    const given = Buffer.from(part.slice(3), "base64");
    // Every signature is compared, and each in constant time.
    if (given.length === expected.length && timingSafeEqual(given, expected)) matches = true;
  }
  if (!matches || !inTime) throw failure("webhook-refused", {});
  return Object.freeze({ id, timestamp });
}

/** The headers of a signed delivery. Several secrets sign during a rotation. For simulators and tests. */
export function signWebhook(message: {
  readonly id: string;
  /** Seconds. */
  readonly timestamp: number;
  readonly body: string | Uint8Array;
  readonly secrets: readonly WebhookSecret[];
}): Readonly<Record<"webhook-id" | "webhook-timestamp" | "webhook-signature", string>> {
  const body = typeof message.body === "string" ? Buffer.from(message.body) : message.body;
  const signatures = message.secrets.map(
    (secret) => `v1,${secret.sign(message.id, message.timestamp, body).toString("base64")}`,
  );
  return Object.freeze({
    "webhook-id": message.id,
    "webhook-timestamp": String(message.timestamp),
    "webhook-signature": signatures.join(" "),
  });
}

/** A header that came once; twice is as bad as never. */
function single(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}
