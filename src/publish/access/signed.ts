/**
 * Signed requests as a way of proving who calls: Standard Webhooks 1.0.0, or an HMAC over parts of the request that one states.
 *
 *  - What is verified are the bytes that came, before anything reads them; every secret is tried, each in constant time.
 *  - The time of signing stands within the tolerance, before and after.
 *  - A message counts once: its id is the request's idempotency key, on disk, whatever else the request says (idempotency.ts). A
 *    repeat, from the sender or from who overheard it, is given the recorded answer.
 *  - A signature that does not cover method and path is of use for a body only, so it opens no GET and no DELETE.
 *
 * Whatever is wrong, the answer is the same.
 */
import { createHmac, hash, timingSafeEqual } from "node:crypto";
import { failure } from "../../errors.ts";
import { type Duration, milliseconds, type Reference } from "../../operation.ts";
import type { HttpRequest } from "../http.ts";
import type { Credential, Verdict, Way, WayTools } from "./way.ts";

export interface SignedOptions {
  /** Who may send. */
  readonly consumers: { readonly [consumer: string]: SignedSender };
  /** How it is signed. Default: Standard Webhooks. */
  readonly scheme?: "standard-webhooks" | HmacScheme;
  /** How far the time of signing may be from ours. Default `"5m"`, at most `"1h"`. */
  readonly tolerance?: Duration;
}

export interface SignedSender {
  /**
   * Any of them is good: state the new one beside the old one while a secret changes. For Standard Webhooks `whsec_` and base64 of 24 to
   * 64 bytes; else text of at least 24 characters.
   */
  readonly secrets: readonly Reference[];
  readonly scopes: readonly string[];
  readonly roles?: readonly string[];
}

/** An HMAC (RFC 2104) over parts of the request, with a separator between. */
export interface HmacScheme {
  /** Header with the signature. */
  readonly signature: string;
  /** Header with the time of signing, in seconds since 1970. */
  readonly timestamp: string;
  /** Header with the message's id. Default: the signature itself names it. */
  readonly id?: string;
  /** What is signed, in this order. `timestamp` and `body` must be there, and `id` if there is one. */
  readonly signs: readonly SignedPart[];
  /** Default `.` */
  readonly separator?: string;
  /** Default `sha256` */
  readonly algorithm?: "sha256" | "sha384" | "sha512";
  /** Default `hex` */
  readonly encoding?: "hex" | "base64";
  /** Stands before the signature, such as `sha256=`. Default: nothing. */
  readonly prefix?: string;
}
export type SignedPart = "id" | "timestamp" | "method" | "path" | "query" | "body";

/** What `signed()` gives. */
export interface SignedAccess extends SignedOptions {
  readonly kind: "signed";
}

/** Requests that their sender signed with a secret that both know. */
export function signed(options: SignedOptions): SignedAccess {
  return Object.freeze({ ...options, kind: "signed" });
}

const mostSecrets = 50;
const mostSignatures = 8;
const headerForm = /^[a-z][a-z0-9-]{0,60}$/;
const parts: readonly SignedPart[] = ["id", "timestamp", "method", "path", "query", "body"];

/** `undefined`, or what is wrong with it. */
export function signedProblem({ consumers, scheme, tolerance }: SignedAccess): string | undefined {
  const senders = Object.entries(consumers ?? {});
  if (senders.length === 0) return "signed() needs consumers: { name: { secrets: [secret(...)], scopes: [...] } }";
  for (const [name, { secrets, scopes }] of senders) {
    if (!Array.isArray(secrets) || secrets.length === 0 || secrets.some((one) => typeof one !== "object"))
      return `signed() needs the secrets of ${name} as references, such as secrets: [secret("CARRIER")]`;
    if (!Array.isArray(scopes)) return `signed() needs the scopes of ${name}`;
  }
  if (senders.flatMap(([, { secrets }]) => secrets).length > mostSecrets)
    return `signed() has more than ${mostSecrets} secrets; every one is tried at each request`;
  if (milliseconds(tolerance ?? 0) > 3_600_000) return 'signed() has a tolerance above "1h"';
  if (scheme === undefined || scheme === "standard-webhooks") return undefined;
  for (const header of [scheme.signature, scheme.timestamp, scheme.id ?? "x"])
    if (!headerForm.test(header))
      return `signed() has a header that is none: ${header} (lower case, such as x-signature)`;
  if (!Array.isArray(scheme.signs) || scheme.signs.some((part) => !parts.includes(part)))
    return `signed() signs ${parts.join(", ")}; nothing else`;
  for (const part of ["timestamp", "body", ...(scheme.id === undefined ? [] : ["id"])] as SignedPart[])
    if (!scheme.signs.includes(part)) return `signed() must sign the ${part}, or it could be exchanged`;
  return scheme.id === undefined && scheme.signs.includes("id")
    ? "signed() signs an id and names no header of it"
    : undefined;
}

/** The header that its signature stands in. */
export function signatureHeader({ scheme }: SignedAccess): string {
  return typeof scheme === "object" ? scheme.signature : standard.signature;
}

interface Sender {
  readonly consumer: string;
  readonly key: Buffer;
  readonly scopes: readonly string[];
  readonly roles: readonly string[] | undefined;
}

const standard: HmacScheme & { readonly id: string } = {
  signature: "webhook-signature",
  timestamp: "webhook-timestamp",
  id: "webhook-id",
  signs: ["id", "timestamp", "body"],
  encoding: "base64",
};

export function openSigned(access: SignedAccess, { sources, clock }: WayTools): Way {
  const isStandard = access.scheme === undefined || access.scheme === "standard-webhooks";
  const scheme: HmacScheme = isStandard ? standard : (access.scheme as HmacScheme);
  const { separator = ".", algorithm = "sha256", encoding = "hex", prefix = "" } = scheme;
  const toleranceMs = milliseconds(access.tolerance ?? "5m");
  const covered = scheme.signs.includes("method") && scheme.signs.includes("path") && scheme.signs.includes("query");
  const senders: readonly Sender[] =
    sources === undefined
      ? []
      : Object.entries(access.consumers).flatMap(([consumer, { secrets, scopes, roles }]) =>
          secrets.map((one) => ({ consumer, key: keyOf(sources.resolve(one), consumer, isStandard), scopes, roles })),
        );

  const refused: Verdict = { ok: false, error: failure("signature-refused", {}), guess: true };

  async function check(_: Credential, request: HttpRequest): Promise<Verdict> {
    const { headers, method } = request;
    const signature = headers[scheme.signature] ?? "";
    const stamp = headers[scheme.timestamp] ?? "";
    const id = scheme.id === undefined ? signature : (headers[scheme.id] ?? "");
    const hasBody = method === "POST" || method === "PUT" || method === "PATCH";
    // Looked at before the body is read: a stranger has none read for nothing.
    if (!/^\d{1,12}$/.test(stamp) || !/^[\x21-\x7e]{1,512}$/.test(id) || signature.length > 2000) return refused;
    if (isStandard && id.includes(".")) return refused;
    if (Math.abs(clock() - Number(stamp) * 1000) > toleranceMs || (!hasBody && !covered)) return refused;
    const body = await request.body(Number.POSITIVE_INFINITY);
    const texts: Readonly<Record<SignedPart, string | Uint8Array>> = {
      id,
      timestamp: stamp,
      method,
      path: request.path,
      query: request.query,
      body,
    };
    const given = signatures(signature, isStandard, prefix, encoding);
    let found: { readonly sender: Sender; readonly mac: Buffer } | undefined;
    for (const sender of senders) {
      const mac = createHmac(algorithm, sender.key);
      for (const [at, part] of scheme.signs.entries()) {
        if (at > 0) mac.update(separator);
        mac.update(texts[part]);
      }
      const expected = mac.digest();
      for (const one of given)
        if (one.length === expected.length && timingSafeEqual(one, expected)) found ??= { sender, mac: expected };
    }
    if (found === undefined) return refused;
    const { consumer, scopes, roles } = found.sender;
    // Without an id the signature is it: its bytes, since text can be written in more than one way.
    const name = scheme.id === undefined ? found.mac.toString("hex") : hash("sha256", id, "hex");
    return {
      ok: true,
      caller: { id: consumer, scopes, ...(roles === undefined ? {} : { roles }), via: "signature" },
      // Until then its time of signing could be taken for fresh.
      message: { key: `signed-${name}`, freshMs: 2 * toleranceMs },
    };
  }

  return {
    challenge: { scheme: isStandard ? "Webhook-Signature" : "HMAC", parameters: {} },
    places: ["signature"],
    owns: (_, request) => (request.headers[scheme.signature] === undefined ? 0 : 2),
    signs: (request) => request.headers[scheme.signature] !== undefined,
    check,
    schemes: {
      signature: {
        type: "apiKey",
        in: "header",
        name: scheme.signature,
        description: isStandard
          ? "Standard Webhooks 1.0.0: webhook-id, webhook-timestamp and webhook-signature (v1)."
          : `HMAC-${algorithm.toUpperCase()} over ${scheme.signs.join(", ")}, joined by "${separator}", as ${encoding}; the time in ${scheme.timestamp}.`,
      },
    },
  };
}

/** The signatures in the header: of Standard Webhooks a list, each with its version. */
function signatures(text: string, isStandard: boolean, prefix: string, encoding: "hex" | "base64"): readonly Buffer[] {
  const given = isStandard
    ? text
        .split(" ")
        .slice(0, mostSignatures)
        .flatMap((one) => (one.startsWith("v1,") ? [one.slice(3)] : []))
    : text.startsWith(prefix)
      ? [text.slice(prefix.length)]
      : [];
  return given.map((one) => Buffer.from(one, encoding));
}

/** Throws `server-failed` for a secret that is none. */
function keyOf(secret: string, consumer: string, isStandard: boolean): Buffer {
  const refuse = (reason: string) =>
    failure("server-failed", { reason: `the signing secret of ${consumer} ${reason}` });
  if (!isStandard) {
    if (secret.length < 24) throw refuse("is shorter than 24 characters");
    return Buffer.from(secret);
  }
  const text = secret.slice("whsec_".length);
  const bytes = Buffer.from(text, "base64");
  const exact = bytes.toString("base64").replace(/=+$/, "") === text.replace(/=+$/, "");
  if (!secret.startsWith("whsec_") || !exact || bytes.length < 24 || bytes.length > 64)
    throw refuse("is not whsec_ and base64 of 24 to 64 bytes");
  return bytes;
}
