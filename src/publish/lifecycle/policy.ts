/** What the states of a project's versions must keep to, beyond what each says of itself. */
import type { ApiDefinition } from "../define.ts";

export interface LifecycleProblem {
  readonly api: ApiDefinition;
  readonly message: string;
}

const dayMs = 86_400_000;

/** Of each version whose state can't be: why. `minimumNoticeMs`: from a deprecation to its sunset, at least. */
export function lifecycleProblems(
  apis: readonly ApiDefinition[],
  minimumNoticeMs: number,
): readonly LifecycleProblem[] {
  return apis.flatMap((api) => {
    const message = problemOf(api, apis, minimumNoticeMs);
    return message === undefined ? [] : [{ api, message: `${api.name} ${api.version}: ${message}` }];
  });
}

function problemOf(api: ApiDefinition, apis: readonly ApiDefinition[], minimumNoticeMs: number): string | undefined {
  const { lifecycle, operations } = api;
  if (lifecycle.state === "preview") {
    const open = Object.entries(operations).find(([, { access }]) => access === "public");
    return open && `${open[0]} is public, so who calls it is not known; a preview is for named consumers`;
  }
  if (lifecycle.state !== "deprecated") return undefined;
  const { since, sunset, successor } = lifecycle;
  if (sunset - since < minimumNoticeMs) {
    const days = Math.floor((sunset - since) / dayMs);
    const least = Math.ceil(minimumNoticeMs / dayMs);
    return `its sunset is ${days} days after its deprecation, and lifecycle.minimumNotice asks for ${least}`;
  }
  if (!successor.href.startsWith("/")) return undefined;
  const next = apis.find(({ base }) => base === successor.href);
  if (next === api) return "it is its own successor";
  if (next === undefined) return `its successor ${successor.href} is the base of no API here`;
  return next.lifecycle.state === "published"
    ? undefined
    : `its successor ${successor.href} is not published, but ${next.lifecycle.state}`;
}
