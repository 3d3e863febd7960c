/**
 * Whether a client's certificate is to be believed, and what it says. A path leads from it to an anchor, over one intermediate at most, which
 * an anchor itself signed; every certificate on it is in its time, those above the first are authorities, and the first is made for clients
 * (RFC 5280, sections 4.2.1.9 and 4.2.1.12). Name constraints are not looked at: consumers are matched by their exact name instead.
 */
import { X509Certificate } from "node:crypto";
import type { ClientCertificate } from "../http.ts";

/** Names in a certificate (`subjectAltName`); the common name counts for nothing. */
export interface CertificateNames {
  readonly dns: readonly string[];
  readonly uri: readonly string[];
  readonly email: readonly string[];
}

const clientAuthentication = "1.3.6.1.5.5.7.3.2";
const mostSentAlong = 4;
const block = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** The certificates in a PEM text. Throws an `Error` if there is none, one can't be read, or one is no authority. */
export function readAnchors(pem: string): readonly X509Certificate[] {
  const anchors = (pem.match(block) ?? []).map((text) => new X509Certificate(text));
  if (anchors.length === 0) throw new Error("it holds no certificate");
  const other = anchors.find(({ ca }) => !ca);
  if (other !== undefined) throw new Error("it holds a certificate that is no authority's");
  return anchors;
}

/** The certificate, if a path leads to one of the anchors. `now`: epoch milliseconds. */
export function believed(
  shown: ClientCertificate,
  anchors: readonly X509Certificate[],
  now: number,
): X509Certificate | undefined {
  const leaf = read(shown.der);
  if (leaf === undefined || leaf.ca || !inTime(leaf, now)) return undefined;
  // Without a purpose it could be anybody's certificate: of a server, of a printer.
  if (leaf.keyUsage?.includes(clientAuthentication) !== true) return undefined;
  const signers = anchors.filter((anchor) => inTime(anchor, now));
  if (signers.some((anchor) => signed(leaf, anchor))) return leaf;
  for (const der of shown.chain.slice(0, mostSentAlong)) {
    const between = read(der);
    if (between === undefined || !between.ca || !inTime(between, now) || !signed(leaf, between)) continue;
    if (signers.some((anchor) => signed(between, anchor))) return leaf;
  }
  return undefined;
}

export function namesOf(certificate: X509Certificate): CertificateNames {
  const names = { dns: [] as string[], uri: [] as string[], email: [] as string[] };
  const text = certificate.subjectAltName ?? "";
  // Node writes a name that holds anything special as a JSON string, so that a comma in one name does not make two of it.
  for (const [, kind, value = ""] of text.matchAll(/(?:^|, )([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,]*)/g)) {
    const name = value.startsWith('"') ? (JSON.parse(value) as string) : value;
    if (kind === "DNS") names.dns.push(name.toLowerCase());
    else if (kind === "URI") names.uri.push(name);
    else if (kind === "email") names.email.push(name);
  }
  return names;
}

function read(der: Uint8Array): X509Certificate | undefined {
  try {
    return new X509Certificate(der);
  } catch {
    return undefined;
  }
}

function inTime({ validFromDate, validToDate }: X509Certificate, now: number): boolean {
  return validFromDate.getTime() <= now && now <= validToDate.getTime();
}

function signed(certificate: X509Certificate, by: X509Certificate): boolean {
  return certificate.checkIssued(by) && certificate.verify(by.publicKey);
}
