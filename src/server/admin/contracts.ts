/** The addresses of the admin API about contracts: what changed in a system, and what it says will end. */
import type { ContractItem } from "../contracts/book.ts";
import type { ContractWatch } from "../contracts/watch.ts";
import type { AdminRoute } from "./route.ts";
import { ref } from "./schemas.ts";

const text = (description: string) => ({ type: "string", maxLength: 300, description });
const reason = { type: "string", minLength: 1, maxLength: 500, description: "Why; stands in the audit." };

export function contractRoutes(
  watch: () => Pick<ContractWatch, "contracts" | "items" | "look" | "close">,
): readonly AdminRoute[] {
  const answer = {
    type: "object",
    required: ["contracts", "items"],
    properties: {
      contracts: { type: "array", items: ref("Contract") },
      items: { type: "array", items: ref("ContractItem") },
    },
  };
  const all = () => ({ contracts: watch().contracts(), items: watch().items() });
  return [
    {
      method: "GET",
      path: "/contracts",
      name: "listContracts",
      summary: "Pinned contracts, and what is open about them: changes of a system, operations that will end",
      role: "viewer",
      answer,
      handle: all,
    },
    {
      method: "POST",
      path: "/contracts/look",
      name: "lookAtContracts",
      summary: "Compares the live contract of a system, or of all, with the pin now",
      role: "operator",
      action: "contract.look",
      target: ({ body }) => String(body.system ?? "all"),
      body: { properties: { system: text("Default: all."), reason }, required: ["reason"] },
      answer,
      async handle({ body }) {
        await watch().look(typeof body.system === "string" ? body.system : undefined);
        return all();
      },
    },
    {
      method: "POST",
      path: "/contracts/close",
      name: "closeContractItem",
      summary: "Closes an item; it opens again when it is seen again",
      role: "operator",
      action: "contract.close",
      target: ({ body }) => [body.system, body.kind, body.operation].filter((part) => part !== "").join("/"),
      body: {
        properties: {
          system: text("Name of the system."),
          kind: { enum: ["changed", "unreadable", "deprecated"] },
          operation: text("Of a deprecated operation; else empty."),
          reason,
        },
        required: ["system", "kind", "reason"],
      },
      answer,
      async handle(call) {
        const { system, kind, operation = "" } = call.body;
        const item = { system, kind, operation } as Pick<ContractItem, "system" | "kind" | "operation">;
        await watch().close(item, [call.audit()]);
        return all();
      },
    },
  ];
}
