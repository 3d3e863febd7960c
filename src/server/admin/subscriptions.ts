/**
 * What a consumer is to be given, looked at before it is: a plan or a scope that no API has is told of, since it may be a slip; it is given all the same,
 * since the API may come later.
 *
 * Nobody new begins with what is going to end. A key or a plan opens no version by itself; but a scope or a plan that only deprecated versions have is good for nothing
 * else, and is given to those alone who have it already, or have called such a version.
 */
import { failure } from "../../errors.ts";
import type { Keyring } from "../../publish/access/keyring.ts";
import type { Consumers } from "../../publish/consumers/consumers.ts";
import type { ApiDefinition } from "../../publish/define.ts";
import type { LifecycleBook } from "../../publish/lifecycle/lifecycle.ts";
import { majorOf } from "../../publish/lifecycle/retirements.ts";
import { closest } from "./closest.ts";

export interface SubscriptionParts {
  readonly apis: () => readonly ApiDefinition[];
  readonly keyring: Pick<Keyring, "list">;
  readonly consumers: Pick<Consumers, "find">;
  readonly usage: Pick<LifecycleBook["usage"], "totals" | "flush">;
  /** Epoch milliseconds. */
  readonly clock: () => number;
}

/** What a consumer is to be given. */
export interface Wanted {
  readonly scopes?: readonly string[];
  readonly plan?: string;
}

/** Of an answer: what `CheckSubscription` gives. */
export const notices = {
  type: "array",
  items: { type: "string" },
  description: "Of what was given and no API has: that, and what was probably meant. It is given all the same.",
};

/** What to know about it, as sentences. Rejects with `api-ending`; then nothing may be given. */
export type CheckSubscription = (consumer: string, wanted: Wanted) => Promise<readonly string[]>;

export function subscriptionCheck({ apis, keyring, consumers, usage, clock }: SubscriptionParts): CheckSubscription {
  /** The deprecated versions that have it, if none but such have it. */
  function ending(has: (api: ApiDefinition) => boolean): readonly ApiDefinition[] {
    const having = apis().filter(
      (api) => api.lifecycle.state !== "draft" && api.lifecycle.state !== "retired" && has(api),
    );
    return having.every(({ lifecycle }) => lifecycle.state === "deprecated") ? having : [];
  }

  async function called(consumer: string, versions: readonly ApiDefinition[]): Promise<boolean> {
    await usage.flush();
    return versions.some(({ name, version }) =>
      usage.totals(name, majorOf(version), 0).some((row) => row.consumer === consumer),
    );
  }

  const valid = (consumer: string, scope: string) =>
    keyring
      .list()
      .some(
        (key) =>
          key.consumer === consumer &&
          key.scopes.includes(scope) &&
          key.revokedAt === undefined &&
          (key.expiresAt === undefined || key.expiresAt > clock()),
      );

  async function refuse(consumer: string, versions: readonly ApiDefinition[]): Promise<void> {
    const [first] = versions;
    if (first === undefined || first.lifecycle.state !== "deprecated" || (await called(consumer, versions))) return;
    const { sunset, successor } = first.lifecycle;
    const at = new Date(sunset).toISOString().slice(0, 10);
    throw failure("api-ending", { api: first.name, version: first.version, at, successor: successor.href });
  }

  return async (consumer, { scopes = [], plan }) => {
    for (const scope of scopes) {
      const versions = ending(({ operations }) => Object.values(operations).some((one) => one.scope === scope));
      if (versions.length > 0 && !valid(consumer, scope)) await refuse(consumer, versions);
    }
    if (plan !== undefined && consumers.find(consumer)?.plan !== plan)
      await refuse(
        consumer,
        ending(({ plans }) => Object.hasOwn(plans, plan)),
      );
    return unheardOf(apis(), { scopes, ...(plan === undefined ? {} : { plan }) });
  };
}

/** Of what no API has: that, and what was probably meant. */
function unheardOf(apis: readonly ApiDefinition[], { scopes = [], plan }: Wanted): readonly string[] {
  const served = apis.filter(({ lifecycle }) => lifecycle.state !== "retired");
  const plans = new Set(served.flatMap((api) => Object.keys(api.plans)));
  const known = new Set(
    served.flatMap(({ operations }) =>
      Object.values(operations).flatMap(({ scope }) => (scope === undefined ? [] : [scope])),
    ),
  );
  const meant = (given: string, all: ReadonlySet<string>): string => {
    const like = closest(given, all);
    return like === undefined ? "" : `; did you mean ${like}?`;
  };
  return [
    ...(plan === undefined || plans.has(plan) ? [] : [`no API has the plan ${plan}${meant(plan, plans)}`]),
    ...scopes
      .filter((scope) => !known.has(scope))
      .map((scope) => `no operation asks for the scope ${scope}${meant(scope, known)}`),
  ];
}
