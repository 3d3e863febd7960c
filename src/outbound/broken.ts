/** What undici and Node say when a request breaks, as our own errors with the right class and outcome (rule C1). */
import { failure, MortiseError } from "../errors.ts";

/**
 * `sent`: a byte of the request may have left. Until then the outcome is surely `none`; from then on it is `unknown`.
 * Messages of the network name hosts and ports, never headers or bodies.
 */
export function brokenRequest(error: unknown, host: string, sent: boolean): MortiseError {
  if (error instanceof MortiseError) return error;
  const { code, name, message, reason } = facts(error);
  const outcome = sent ? "unknown" : "none";
  const extras = { cause: error, outcome } as const;
  if (code === "UND_ERR_INVALID_ARG" || code === "UND_ERR_NOT_SUPPORTED" || code.startsWith("UND_ERR_REQ_CONTENT"))
    return failure("outbound-request", { host, reason: message }, extras);
  if (code === "UND_ERR_CLOSED" || code === "UND_ERR_DESTROYED")
    return sent
      ? failure("outbound-reset", { host, reason: "the client was stopped" }, extras)
      : failure("outbound-closed", { host }, extras);
  if (!sent)
    return isTls(code, message)
      ? failure("outbound-tls", { host, reason }, extras)
      : failure("outbound-connect", { host, reason }, extras);
  if (
    name === "HTTPParserError" ||
    code.startsWith("HPE_") ||
    code === "UND_ERR_HEADERS_OVERFLOW" ||
    code === "UND_ERR_RES_CONTENT_LENGTH_MISMATCH"
  )
    return failure("outbound-answer", { host, reason }, extras);
  return failure("outbound-reset", { host, reason }, extras);
}

function facts(error: unknown): { code: string; name: string; message: string; reason: string } {
  if (error instanceof AggregateError && error.errors.length > 0 && error.message === "") return facts(error.errors[0]);
  if (!(error instanceof Error)) return { code: "", name: "", message: String(error), reason: String(error) };
  const code = String((error as { code?: unknown }).code ?? "");
  // A cause that is ours (a refused address) is found by the caller's instanceof; what is left are network errors.
  return { code, name: error.name, message: error.message, reason: error.message === "" ? code : error.message };
}

function isTls(code: string, message: string): boolean {
  return (
    code.startsWith("ERR_TLS") ||
    code.startsWith("ERR_SSL") ||
    code === "EPROTO" ||
    certificateCodes.has(code) ||
    /before secure TLS connection/.test(message)
  );
}

const certificateCodes: ReadonlySet<string> = new Set([
  "CERT_HAS_EXPIRED",
  "CERT_NOT_YET_VALID",
  "CERT_REJECTED",
  "CERT_REVOKED",
  "CERT_SIGNATURE_FAILURE",
  "CERT_UNTRUSTED",
  "CERT_CHAIN_TOO_LONG",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "HOSTNAME_MISMATCH",
  "INVALID_CA",
  "INVALID_PURPOSE",
  "PATH_LENGTH_EXCEEDED",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
]);
