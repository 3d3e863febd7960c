/**
 * The WS-Security header with a UsernameToken and a Timestamp (OASIS Web Services Security: SOAP Message Security 1.1.1;
 * UsernameToken Profile 1.1.1, section 3.1).
 */
import { createHash, randomBytes } from "node:crypto";
import type { XmlElement } from "../formats/xml.ts";
import { escapeText, type Prefixes } from "../formats/xml-write.ts";
import type { ResolvedCredentials } from "./system.ts";

const oasis = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss";
export const wsse = `${oasis}-wssecurity-secext-1.0.xsd`;
export const wsu = `${oasis}-wssecurity-utility-1.0.xsd`;
const tokenProfile = `${oasis}-username-token-profile-1.0`;
const base64 = `${oasis}-soap-message-security-1.0#Base64Binary`;

/** How long the receiver may take the message for fresh. */
const lifetimeMs = 300_000;
/** How far the clocks may be apart. */
const skewMs = 300_000;

export type UsernameToken = Extract<ResolvedCredentials, { readonly kind: "username-token" }>;

/** Base64(SHA-1(nonce + created + password)). SHA-1 is what the profile prescribes. */
export function passwordDigest(nonce: Uint8Array, created: string, password: string): string {
  return createHash("sha1").update(nonce).update(created, "utf8").update(password, "utf8").digest("base64");
}

/** The header block. `envelope` is the namespace of SOAP, for `mustUnderstand`. Every call makes a fresh nonce. */
export function securityHeader(credentials: UsernameToken, prefixes: Prefixes, envelope: string, now: number): string {
  const tag = (local: string): string => prefixes.tag({ namespace: wsse, local });
  const utility = (local: string): string => prefixes.tag({ namespace: wsu, local });
  const created = new Date(now).toISOString();
  const expires = new Date(now + lifetimeMs).toISOString();
  const timestamp = `<${utility("Timestamp")}><${utility("Created")}>${created}</${utility("Created")}><${utility("Expires")}>${expires}</${utility("Expires")}></${utility("Timestamp")}>`;
  const nonce = randomBytes(16);
  const digest = credentials.type === "digest";
  const password = digest ? passwordDigest(nonce, created, credentials.password) : credentials.password;
  const type = `${tokenProfile}#${digest ? "PasswordDigest" : "PasswordText"}`;
  const token = [
    `<${tag("UsernameToken")}><${tag("Username")}>${escapeText(credentials.user)}</${tag("Username")}>`,
    `<${tag("Password")} Type="${type}">${escapeText(password)}</${tag("Password")}>`,
    `<${tag("Nonce")} EncodingType="${base64}">${nonce.toString("base64")}</${tag("Nonce")}>`,
    `<${utility("Created")}>${created}</${utility("Created")}></${tag("UsernameToken")}>`,
  ].join("");
  const must = prefixes.tag({ namespace: envelope, local: "mustUnderstand" });
  return `<${tag("Security")} ${must}="1">${timestamp}${token}</${tag("Security")}>`;
}

/**
 * Whether the security header of an answer is one that we can honour: a timestamp that is not stale, and nothing else.
 * A signature would have to be verified, which is not supported.
 */
export function understood(security: XmlElement, now: number): boolean {
  return security.children.every((child) => {
    if (child.namespace !== wsu || child.local !== "Timestamp") return false;
    const expires = child.children.find((each) => each.namespace === wsu && each.local === "Expires");
    if (expires === undefined) return true;
    const at = Date.parse(expires.text.trim());
    return Number.isFinite(at) && at + skewMs > now;
  });
}

/** Codes of faults by which a receiver rejects the security header, so nothing was done (SOAP Message Security 1.1.1, section 12). */
export const rejections: ReadonlySet<string> = new Set([
  "UnsupportedSecurityToken",
  "UnsupportedAlgorithm",
  "InvalidSecurity",
  "InvalidSecurityToken",
  "FailedAuthentication",
  "FailedCheck",
  "SecurityTokenUnavailable",
  "MessageExpired",
]);
