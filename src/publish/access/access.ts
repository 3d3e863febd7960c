/** The ways of proving who calls, as a user writes them in `access`; and how each is checked and opened. */
import { type ApiKeyAccess, openApiKey } from "./api-key.ts";
import { describeOAuth, type OAuthAccess, oauthProblem, openOAuth } from "./oauth.ts";
import type { Way, WayTools } from "./way.ts";

/** Who may call: one way of proving it each. Several may stand side by side. */
export type Access = ApiKeyAccess | OAuthAccess;

/** Throws what `refuse` makes of a way that can't work, found without a server. */
export function checkAccess(access: readonly Access[], refuse: (reason: string) => Error): void {
  for (const one of access) {
    if (typeof one !== "object" || one === null || !kinds.has(one.kind))
      throw refuse("its access is a list of apiKey(), oauth() and the like");
    const problem = one.kind === "oauth" ? oauthProblem(one) : undefined;
    if (problem !== undefined) throw refuse(problem);
  }
  const issuers = access.flatMap((one) => (one.kind === "oauth" && typeof one.issuer === "string" ? [one.issuer] : []));
  if (new Set(issuers).size < issuers.length) throw refuse("its access has oauth() with the same issuer twice");
  if (access.filter(({ kind }) => kind === "api-key").length > 1) throw refuse("its access has apiKey() twice");
}

const kinds: ReadonlySet<string> = new Set(["api-key", "oauth"] satisfies Access["kind"][]);

/** One line for operators: of whom it takes what, and where it is less strict than the default. Never a secret. */
export function describeAccess(access: Access): string {
  switch (access.kind) {
    case "api-key":
      return "API keys";
    case "oauth":
      return describeOAuth(access);
  }
}

/** Opens one way of an API. */
export function openWay(access: Access, tools: WayTools): Way {
  switch (access.kind) {
    case "api-key":
      return openApiKey(tools);
    case "oauth":
      return openOAuth(access, tools);
  }
}
