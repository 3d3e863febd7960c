/** The ERP: the books. It does not look for an earlier sales order of the same reference, so a create is never repeated blindly. */
import { env, secret, soap } from "mortise";
import { contract } from "./contract.ts";

export const erp = soap(contract, {
  connection: env("ERP_URL", "http://127.0.0.1:8702/sales"),
  credentials: { kind: "username-token", user: env("ERP_USER", "mortise"), password: secret("ERP_PASSWORD") },
  timeout: "5s",
  concurrency: 8,
  effects: {
    createSalesOrder: {
      effect: "unrepeatable",
      probe: { call: "findSalesOrder", with: ({ input }) => ({ reference: input.reference }), settle: "2s" },
    },
    cancelSalesOrder: { effect: "idempotent" },
    findSalesOrder: { effect: "read" },
  },
});
