/** The ways of proving who calls, as a user writes them in `access`; and how each is checked and opened. */
import { type ApiKeyAccess, openApiKey } from "./api-key.ts";
import { type BasicAccess, basicProblem, openBasic } from "./basic.ts";
import { type MtlsAccess, mtlsProblem, openMtls } from "./mtls.ts";
import { describeOAuth, type OAuthAccess, oauthProblem, openOAuth } from "./oauth.ts";
import { openSigned, type SignedAccess, signatureHeader, signedProblem } from "./signed.ts";
import type { Way, WayTools } from "./way.ts";

/** Who may call: one way of proving it each. Several may stand side by side. */
export type Access = ApiKeyAccess | OAuthAccess | MtlsAccess | SignedAccess | BasicAccess;

/** Throws what `refuse` makes of a way that can't work, found without a server. */
export function checkAccess(access: readonly Access[], refuse: (reason: string) => Error): void {
  // Left out, or given by an import that is not there: no rule is no open door (OW-1).
  if (!Array.isArray(access))
    throw refuse(
      "it does not say who may call: access is a list, such as [apiKey()], or [] where every operation is public",
    );
  for (const one of access) {
    if (typeof one !== "object" || one === null || !kinds.has(one.kind))
      throw refuse("its access is a list of apiKey(), oauth() and the like");
    const problem = problemOf(one);
    if (problem !== undefined) throw refuse(problem);
  }
  const issuers = access.flatMap((one) => (one.kind === "oauth" && typeof one.issuer === "string" ? [one.issuer] : []));
  if (new Set(issuers).size < issuers.length) throw refuse("its access has oauth() with the same issuer twice");
  for (const kind of ["api-key", "basic", "mtls"])
    if (access.filter((one) => one.kind === kind).length > 1) throw refuse(`its access has ${kind} twice`);
  const headers = access.flatMap((one) => (one.kind === "signed" ? [signatureHeader(one)] : []));
  if (new Set(headers).size < headers.length) throw refuse("its access has signed() with the same header twice");
}

const kinds: ReadonlySet<string> = new Set(["api-key", "oauth", "mtls", "signed", "basic"] satisfies Access["kind"][]);

function problemOf(access: Access): string | undefined {
  switch (access.kind) {
    case "api-key":
      return undefined;
    case "oauth":
      return oauthProblem(access);
    case "mtls":
      return mtlsProblem(access);
    case "signed":
      return signedProblem(access);
    case "basic":
      return basicProblem(access);
  }
}

/** One line for operators: of whom it takes what, and where it is less strict than the default. Never a secret. */
export function describeAccess(access: Access): string {
  switch (access.kind) {
    case "api-key":
      return "API keys";
    case "oauth":
      return describeOAuth(access);
    case "mtls":
      return `client certificates of ${Object.keys(access.consumers).join(", ")} (${access.anchors.join(", ")})`;
    case "signed":
      return `requests signed by ${Object.keys(access.consumers).join(", ")} (${signatureHeader(access)})`;
    case "basic":
      return `passwords of ${Object.keys(access.users).join(", ")}`;
  }
}

/** Whether clients have to be asked for a certificate. */
export function wantsCertificates(access: readonly Access[]): boolean {
  return access.some((one) => one.kind === "mtls" || (one.kind === "oauth" && one.certificateBound === true));
}

/** Opens one way of an API. */
export function openWay(access: Access, tools: WayTools): Way {
  switch (access.kind) {
    case "api-key":
      return openApiKey(tools);
    case "oauth":
      return openOAuth(access, tools);
    case "mtls":
      return openMtls(access, tools);
    case "signed":
      return openSigned(access, tools);
    case "basic":
      return openBasic(access, tools);
  }
}
