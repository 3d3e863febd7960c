/**
 * Consumers: who calls, whichever credential it shows. A name that was never set is a consumer without a plan; one that is disabled is refused with
 * every credential it has.
 */
import { failure, plainName } from "../../errors.ts";
import type { Command, Store } from "../../store/store.ts";
import type { ApiCaller } from "../operations.ts";
import { consumerForm } from "./name.ts";
import type { ConsumerParameters } from "./store-part.ts";

/** Times are epoch milliseconds. */
export interface Consumer {
  readonly name: string;
  readonly plan?: string;
  /** An address of people, for when a version ends. */
  readonly contact?: string;
  readonly disabledAt?: number;
  /** Why it is disabled. */
  readonly reason?: string;
  readonly createdAt: number;
  readonly changedAt: number;
  readonly changedBy: string;
}

/** What is not named stays. `null` takes it away. */
export interface ConsumerChange {
  readonly plan?: string | null;
  readonly contact?: string | null;
  readonly disabled?: boolean;
  readonly reason?: string;
  readonly by: string;
  /** Store commands that are done in the same commit (the audit). */
  readonly alongside?: readonly Command[];
}

export interface Consumers {
  list(): readonly Consumer[];
  find(name: string): Consumer | undefined;
  /** Makes it if it is not there. In force for the next request when it resolves. Throws `consumer-definition`. */
  set(name: string, change: ConsumerChange): Promise<Consumer>;
  /** The caller with its plan. Throws `consumer-disabled`. */
  admit(caller: ApiCaller): ApiCaller;
}

const planForm = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;
const longestText = 200;
/** Kept in memory at most: callers come from tokens too, so their names are not bounded by what was set here. */
const mostCached = 10_000;

export function openConsumers(store: Pick<Store, "submit" | "read">, clock: () => number): Consumers {
  const one = store.read.prepare("SELECT * FROM publish_consumers WHERE name = ?");
  const all = store.read.prepare("SELECT * FROM publish_consumers ORDER BY name");
  const cache = new Map<string, Consumer | undefined>();
  /** One change after the other: each keeps what it does not name, as the one before it left it. */
  let last: Promise<unknown> = Promise.resolve();

  function find(name: string): Consumer | undefined {
    if (cache.has(name)) return cache.get(name);
    const row = one.get(name) as Row | undefined;
    const found = row === undefined ? undefined : consumerOf(row);
    if (cache.size >= mostCached) cache.clear();
    cache.set(name, found);
    return found;
  }

  async function write(
    name: string,
    { plan, contact, disabled, reason, by, alongside = [] }: ConsumerChange,
  ): Promise<Consumer> {
    const before = find(name);
    const disabledAt =
      disabled === undefined ? before?.disabledAt : disabled ? (before?.disabledAt ?? clock()) : undefined;
    const parameters: ConsumerParameters = {
      name,
      plan: (plan === undefined ? before?.plan : plan) ?? null,
      contact: (contact === undefined ? before?.contact : contact) ?? null,
      disabledAt: disabledAt ?? null,
      reason: (disabledAt === undefined ? undefined : (reason ?? before?.reason)) ?? null,
      by,
    };
    await store.submit([{ name: "consumer.set", parameters }, ...alongside]);
    cache.delete(name);
    return find(name) as Consumer;
  }

  return {
    list: () => (all.all() as unknown as Row[]).map(consumerOf),
    find,
    async set(name, change) {
      const { plan, contact, reason } = change;
      const refuse = (why: string) => failure("consumer-definition", { reason: why });
      if (!consumerForm.test(name)) throw refuse("a consumer is 1 to 200 characters without control characters");
      if (typeof plan === "string" && !planForm.test(plan))
        throw refuse("a plan is lower case with dashes, such as gold");
      for (const text of [contact, reason])
        if (typeof text === "string" && (text.length > longestText || text === ""))
          throw refuse(`a contact and a reason have 1 to ${longestText} characters`);
      const written = last.then(() => write(name, change));
      last = written.catch(() => {});
      return written;
    },
    admit(caller) {
      if (caller.id === "") return caller;
      const known = find(caller.id);
      if (known === undefined) return caller;
      if (known.disabledAt !== undefined) throw failure("consumer-disabled", { consumer: plainName(caller.id) });
      return known.plan === undefined ? caller : { ...caller, plan: known.plan };
    },
  };
}

interface Row {
  readonly name: string;
  readonly plan: string | null;
  readonly contact: string | null;
  readonly disabled_at: number | null;
  readonly reason: string | null;
  readonly created_at: number;
  readonly changed_at: number;
  readonly changed_by: string;
}

function consumerOf(row: Row): Consumer {
  return Object.freeze({
    name: row.name,
    ...(row.plan === null ? {} : { plan: row.plan }),
    ...(row.contact === null ? {} : { contact: row.contact }),
    ...(row.disabled_at === null ? {} : { disabledAt: row.disabled_at, reason: row.reason ?? "" }),
    createdAt: row.created_at,
    changedAt: row.changed_at,
    changedBy: row.changed_by,
  });
}
