/** The ways of proving who calls, as a user writes them in `access`; and how each is checked and opened. */
import { type ApiKeyAccess, openApiKey } from "./api-key.ts";
import type { Way, WayTools } from "./way.ts";

/** Who may call: one way of proving it each. Several may stand side by side. */
export type Access = ApiKeyAccess;

/** Throws what `refuse` makes of a way that can't work, found without a server. */
export function checkAccess(access: readonly Access[], refuse: (reason: string) => Error): void {
  for (const one of access) {
    if (typeof one !== "object" || one === null || !kinds.has(one.kind))
      throw refuse("its access is a list of apiKey() and the like");
  }
  if (access.filter(({ kind }) => kind === "api-key").length > 1) throw refuse("its access has apiKey() twice");
}

const kinds: ReadonlySet<string> = new Set(["api-key"]);

/** Opens one way of an API. */
export function openWay(access: Access, tools: WayTools): Way {
  switch (access.kind) {
    case "api-key":
      return openApiKey(tools);
  }
}
