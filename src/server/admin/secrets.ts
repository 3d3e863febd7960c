/** The addresses of the admin API about secrets. A value comes in, and never goes out. */
import type { SecretActs } from "../secrets/acts.ts";
import type { AdminCall, AdminRoute } from "./route.ts";
import { list, ref } from "./schemas.ts";

export type SecretResources = Pick<SecretActs, "list" | "set" | "remove">;

const reason = { type: "string", minLength: 1, maxLength: 500, description: "Why; stands in the audit." };

export function secretRoutes({ list: all, set, remove }: SecretResources): readonly AdminRoute[] {
  const who = ({ caller, audit }: AdminCall) => ({ by: caller.name, audit });
  return [
    {
      method: "GET",
      path: "/secrets",
      name: "listSecrets",
      summary:
        "Secrets that the project uses and those of the store: where they come from and who set them, never their values",
      role: "admin",
      answer: list("Secret", "secrets"),
      handle: () => ({ secrets: all() }),
    },
    {
      method: "POST",
      path: "/secrets/{name}",
      name: "setSecret",
      summary: "Keeps a secret in the store, encrypted; in force for the next call and the next request",
      role: "admin",
      action: "secret.set",
      body: {
        properties: {
          value: { type: "string", description: "One line, up to 65536 characters. It is never given out again." },
          reason,
        },
        required: ["value", "reason"],
      },
      answer: ref("Secret"),
      handle: (call) => set(call.parameters.name as string, String(call.body.value), who(call)),
    },
    {
      method: "POST",
      path: "/secrets/{name}/remove",
      name: "removeSecret",
      summary: "Removes a secret from the store, unless something needs it",
      role: "admin",
      action: "secret.remove",
      body: { properties: { reason }, required: ["reason"] },
      answer: ref("Secret"),
      handle: (call) => remove(call.parameters.name as string, who(call)),
    },
  ];
}
