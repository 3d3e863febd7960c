/**
 * Client certificates as a way of proving who calls (RFC 8705, section 2): each API has its own anchors, and a list of consumers by the
 * exact name in their certificates. Anchors and revocations are files, read again when they change, so that either side can change its
 * certificates without a restart. What can't be read any more leaves the last good state, and is told.
 */
import { failure } from "../../errors.ts";
import type { HttpRequest } from "../http.ts";
import type { ApiCaller } from "../operations.ts";
import { believed, namesOf, readAnchors } from "./certificates.ts";
import type { Credential, Verdict, Way, WayTools } from "./way.ts";

export interface MtlsOptions {
  /** PEM files of the authorities whose certificates count at this API, relative to the project. */
  readonly anchors: readonly string[];
  /** Who may call. Of a certificate that fits two of them neither counts. */
  readonly consumers: { readonly [consumer: string]: CertificateRule };
  /**
   * A file of certificates that no longer count, relative to the project: SHA-256 thumbprints in hex, one a line, `#` before remarks. Lists and
   * services of the authorities (CRL, OCSP) are not asked.
   */
  readonly revoked?: string;
}

/** What a consumer's certificate must have; all that is stated, and at least one of them. */
export interface CertificateRule {
  /** A DNS name among its alternative names; no wildcard fits. */
  readonly dns?: string;
  /** A URI among them, such as a SPIFFE id. */
  readonly uri?: string;
  readonly email?: string;
  /** SHA-256 of the whole certificate, hex: this one certificate alone. */
  readonly thumbprint?: string;
  readonly scopes: readonly string[];
  readonly roles?: readonly string[];
}

/** What `mtls()` gives. */
export interface MtlsAccess extends MtlsOptions {
  readonly kind: "mtls";
}

/** Client certificates, over TLS of our own or from a proxy that the configuration names. */
export function mtls(options: MtlsOptions): MtlsAccess {
  return Object.freeze({ ...options, kind: "mtls" });
}

/** `undefined`, or what is wrong with it. */
export function mtlsProblem({ anchors, consumers }: MtlsAccess): string | undefined {
  if (!Array.isArray(anchors) || anchors.length === 0) return "mtls() needs anchors: the PEM files of authorities";
  const all = Object.entries(consumers ?? {});
  if (all.length === 0) return "mtls() needs consumers: { name: { dns: ..., scopes: [...] } }";
  for (const [name, { dns, uri, email, thumbprint, scopes }] of all) {
    const stated = [dns, uri, email, thumbprint].filter((one) => one !== undefined);
    if (stated.length === 0 || stated.includes("") || dns?.includes("*") === true)
      return `mtls() needs an exact dns, uri, email or thumbprint of ${name}`;
    if (thumbprint !== undefined && !/^[0-9a-f]{64}$/.test(bare(thumbprint)))
      return `mtls() has a thumbprint of ${name} that is no SHA-256 in hex`;
    if (!Array.isArray(scopes)) return `mtls() needs the scopes of ${name}`;
  }
  return undefined;
}

/** Files are looked at again after so long. */
const againMs = 5_000;

export function openMtls(access: MtlsAccess, { sources, clock, monotonic, report }: WayTools): Way {
  const read = sources?.readFile;
  const anchors = read === undefined ? undefined : rereading(read, access.anchors, readAnchors, monotonic, report);
  const { revoked } = access;
  const ended =
    read === undefined || revoked === undefined
      ? undefined
      : rereading(read, [revoked], readRevoked, monotonic, report);
  const consumers = Object.entries(access.consumers);
  const refused: Verdict = { ok: false, error: failure("certificate-refused", {}), guess: true };

  function check(_: Credential, { certificate }: HttpRequest): Verdict {
    if (anchors === undefined || certificate === undefined) return refused;
    const leaf = believed(certificate, anchors().flat(), clock());
    if (leaf === undefined) return refused;
    const thumbprint = bare(leaf.fingerprint256);
    if (ended?.().some((list) => list.has(thumbprint)) === true) return refused;
    const { dns, uri, email } = namesOf(leaf);
    const fitting = consumers.filter(
      ([, rule]) =>
        (rule.dns === undefined || dns.includes(rule.dns.toLowerCase())) &&
        (rule.uri === undefined || uri.includes(rule.uri)) &&
        (rule.email === undefined || email.includes(rule.email)) &&
        (rule.thumbprint === undefined || bare(rule.thumbprint) === thumbprint),
    );
    const [found] = fitting;
    if (found === undefined || fitting.length > 1) return refused;
    const [id, { scopes, roles }] = found;
    const caller: ApiCaller = { id, scopes, ...(roles === undefined ? {} : { roles }), via: "mtls" };
    return { ok: true, caller };
  }

  return {
    challenge: { scheme: "ClientCertificate", parameters: {} },
    places: ["certificate"],
    owns: () => 2,
    check,
    schemes: { clientCertificate: { type: "mutualTLS", description: "A client certificate (RFC 8705)." } },
  };
}

/** Hex without its colons. */
function bare(thumbprint: string): string {
  return thumbprint.replaceAll(":", "").toLowerCase();
}

function readRevoked(text: string): ReadonlySet<string> {
  const list = new Set<string>();
  for (const line of text.split(/\r?\n/)) {
    const thumbprint = bare((line.split("#", 1)[0] as string).trim());
    if (thumbprint === "") continue;
    if (!/^[0-9a-f]{64}$/.test(thumbprint)) throw new Error("it holds a line that is no SHA-256 thumbprint in hex");
    list.add(thumbprint);
  }
  return list;
}

/** What is in the files, as it is now or was a moment ago. Throws `server-failed` if a file can't be read the first time. */
function rereading<T>(
  read: (path: string) => string,
  paths: readonly string[],
  parse: (text: string) => T,
  monotonic: () => number,
  report: (error: unknown) => void,
): () => readonly T[] {
  const one = (path: string): T => {
    try {
      return parse(read(path));
    } catch (cause) {
      throw failure("server-failed", {
        reason: `the file ${path} of mtls() can't be used: ${(cause as Error).message}`,
      });
    }
  };
  let values = paths.map(one);
  let readAt = monotonic();
  return () => {
    if (monotonic() - readAt < againMs) return values;
    readAt = monotonic();
    try {
      values = paths.map(one);
    } catch (error) {
      report(error);
    }
    return values;
  };
}
