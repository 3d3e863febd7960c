/** The addresses of the admin API about consumers: their plans, and whether they may call. */
import { failure, plainName } from "../../errors.ts";
import type { Keyring } from "../../publish/access/keyring.ts";
import type { Consumers } from "../../publish/consumers/consumers.ts";
import type { AdminRoute } from "./route.ts";
import { list, ref } from "./schemas.ts";
import { type CheckSubscription, notices } from "./subscriptions.ts";

export interface ConsumerResources {
  readonly consumers: Consumers;
  readonly keyring: Pick<Keyring, "list">;
  readonly subscription: CheckSubscription;
}

const reason = { type: "string", minLength: 1, maxLength: 200, description: "Why; stands in the audit." };
const orNone = (description: string) => ({ type: ["string", "null"], maxLength: 200, description });

export function consumerRoutes({ consumers, keyring, subscription }: ConsumerResources): readonly AdminRoute[] {
  return [
    {
      method: "GET",
      path: "/consumers",
      name: "listConsumers",
      summary: "Consumers that were set, and those that have a key",
      role: "viewer",
      answer: list("Consumer", "consumers"),
      handle() {
        const set = consumers.list();
        const known = new Set(set.map(({ name }) => name));
        const others = new Set(keyring.list().map(({ consumer }) => consumer));
        const bare = [...others].filter((name) => !known.has(name)).map((name) => ({ name }));
        return { consumers: [...set, ...bare].toSorted((a, b) => (a.name < b.name ? -1 : 1)) };
      },
    },
    {
      method: "POST",
      path: "/consumers/{name}",
      name: "setConsumer",
      summary: "Sets a consumer's plan or contact, from the next request on; makes the consumer if it is not there",
      role: "admin",
      action: "consumer.set",
      body: {
        properties: {
          plan: orNone("A plan that an API names, and not only deprecated versions do; null: none. Default: as it is."),
          contact: orNone("An address of people; null: none. Default: as it is."),
          reason,
        },
        required: [],
      },
      answer: {
        allOf: [ref("Consumer"), { type: "object", required: ["notices"], properties: { notices } }],
      },
      async handle({ parameters, body, caller, audit }) {
        const name = parameters.name as string;
        const told = typeof body.plan === "string" ? await subscription(name, { plan: body.plan }) : [];
        const set = await consumers.set(name, {
          ...(body.plan === undefined ? {} : { plan: body.plan as string | null }),
          ...(body.contact === undefined ? {} : { contact: body.contact as string | null }),
          by: caller.name,
          alongside: [audit()],
        });
        return { ...set, notices: told };
      },
    },
    {
      method: "POST",
      path: "/consumers/{name}/disable",
      name: "disableConsumer",
      summary:
        "Refuses every credential of a consumer from the next request on, also after a restart; runs that it started go on",
      role: "operator",
      action: "consumer.disable",
      body: { properties: { reason }, required: ["reason"] },
      answer: ref("Consumer"),
      handle: ({ parameters, body, caller, audit }) =>
        consumers.set(parameters.name as string, {
          disabled: true,
          reason: String(body.reason),
          by: caller.name,
          alongside: [audit()],
        }),
    },
    {
      method: "POST",
      path: "/consumers/{name}/enable",
      name: "enableConsumer",
      summary: "Lets a consumer in again",
      role: "operator",
      action: "consumer.enable",
      body: { properties: { reason }, required: [] },
      answer: ref("Consumer"),
      async handle({ parameters, caller, audit }) {
        const name = parameters.name as string;
        if (consumers.find(name) === undefined) throw failure("consumer-unknown", { consumer: plainName(name) });
        return consumers.set(name, { disabled: false, by: caller.name, alongside: [audit()] });
      },
    },
  ];
}
