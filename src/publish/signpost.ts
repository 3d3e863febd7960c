/**
 * Where somebody is sent who asks for what is not there: to the docs of the API under whose base he is, and from `/` to those of each. Only
 * of versions that are for everybody; of any other, nothing shows that it is there.
 */
import type { ApiDefinition } from "./define.ts";
import { elsewhere, type Gate } from "./lifecycle/gate.ts";
import { type Inventoried, inventoried } from "./lifecycle/strays.ts";

export interface Signed extends Inventoried {
  readonly gate: Gate;
}

const mostNamed = 20;

/** A sentence without its full stop. */
export function signpost(path: string, apis: readonly Signed[]): string {
  if (path === "/") {
    const open = apis.filter(forEverybody).map(({ api }) => docsOf(api));
    const more = open.length > mostNamed ? `, and ${open.length - mostNamed} more` : "";
    if (open.length > 0) return `What there is stands under ${open.slice(0, mostNamed).join(", ")}${more}`;
  }
  const under = inventoried(path, apis);
  if (under !== undefined && forEverybody(under)) return `What its API has stands under ${docsOf(under.api)}`;
  return elsewhere;
}

const docsOf = ({ base, docs }: ApiDefinition): string => `${base}/${docs === false ? "openapi.json" : "docs"}`;

function forEverybody({ api, gate }: Signed): boolean {
  if (api.lifecycle.state !== "published" && api.lifecycle.state !== "deprecated") return false;
  try {
    gate.enter();
    return true;
  } catch {
    // Retired, over, or blocked.
    return false;
  }
}
