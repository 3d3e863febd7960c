/**
 * An authorization server, as far as a resource server asks it: its metadata (RFC 8414, or OpenID Connect Discovery 1.0) and its keys.
 * Through the guarded client: no redirects, five seconds, half a megabyte. What metadata names is held to the issuer's own
 * standard: never less than its https, and at another origin public addresses only.
 */
import { failure } from "../../errors.ts";
import { parseJson } from "../../formats/json.ts";
import type { Json } from "../../operation.ts";
import type { Outbound } from "../../outbound/outbound.ts";

export interface Issuer {
  /** The list `keys`; from `uri`, or from where the metadata says. */
  keys(uri: string | undefined): Promise<readonly unknown[]>;
  /** Where tokens are asked about. */
  introspection(): Promise<Endpoint>;
}

/** An address of the issuer, and whether it may be an internal one. */
export interface Endpoint {
  readonly url: string;
  readonly internal: boolean;
}

export interface IssuerOptions {
  readonly issuer: string;
  readonly outbound: Outbound;
  readonly clock: () => number;
}

export const issuerTimeoutMs = 5_000;
const metadataMs = 3_600_000;
/** Of metadata, and of keys. */
export const mostIssuerBytes = 524_288;

export function openIssuer({ issuer, outbound, clock }: IssuerOptions): Issuer {
  let metadata: { readonly value: Readonly<Record<string, Json>>; readonly until: number } | undefined;

  async function fetchJson({ url, internal }: Endpoint): Promise<{ status: number; value: Json | undefined }> {
    const { status, body } = await outbound.request({
      method: "GET",
      url,
      headers: { accept: "application/json" },
      deadline: Date.now() + issuerTimeoutMs,
      maxResponseBytes: mostIssuerBytes,
      internal,
      redirects: 0,
    });
    return { status, value: status === 200 ? parseJson(body, { duplicates: "refuse", maxDepth: 16 }) : undefined };
  }

  async function discover(): Promise<Readonly<Record<string, Json>>> {
    if (metadata !== undefined && metadata.until > clock()) return metadata.value;
    for (const url of metadataUrls(issuer)) {
      const { status, value } = await fetchJson({ url, internal: true });
      if (status === 404) continue;
      if (!isObject(value)) throw failed(`its metadata was answered with ${status}`);
      // RFC 8414, section 3.3: metadata of somebody else must not be used.
      if (value.issuer !== issuer) throw failed("its metadata names another issuer");
      metadata = { value, until: clock() + metadataMs };
      return value;
    }
    throw failed("it has no metadata; state jwksUri");
  }

  async function endpoint(name: string): Promise<Endpoint> {
    const url = (await discover())[name];
    const parsed = typeof url === "string" ? URL.parse(url) : null;
    if (typeof url !== "string" || parsed === null) throw failed(`its metadata has no ${name}`);
    const own = new URL(issuer);
    if (own.protocol === "https:" && parsed.protocol !== "https:") throw failed(`its ${name} is not https`);
    return { url, internal: parsed.origin === own.origin };
  }

  const failed = (reason: string) => failure("issuer-failed", { issuer, reason });

  return {
    async keys(uri) {
      const from = uri === undefined ? await endpoint("jwks_uri") : { url: uri, internal: true };
      let answer: Awaited<ReturnType<typeof fetchJson>>;
      try {
        answer = await fetchJson(from);
      } catch (error) {
        // It may have moved: the next attempt looks the address up again.
        metadata = undefined;
        throw error;
      }
      const { status, value } = answer;
      if (!isObject(value) || !Array.isArray(value.keys)) {
        metadata = undefined;
        throw failed(`its keys were answered with ${status}${status === 200 ? ", and no list of keys" : ""}`);
      }
      return value.keys;
    },
    introspection: () => endpoint("introspection_endpoint"),
  };
}

function isObject(value: Json | undefined): value is Readonly<Record<string, Json>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** RFC 8414, section 3.1 puts the well-known part before the path; OpenID Connect Discovery puts it behind. */
function metadataUrls(issuer: string): readonly string[] {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, "");
  return [
    `${origin}/.well-known/oauth-authorization-server${path}`,
    `${origin}${path}/.well-known/openid-configuration`,
  ];
}
