/** The warehouse: a database that its own people write to as well. A hold carries the effect key as its reference. */
import { env, sql } from "mortise";
import { contract } from "./contract.ts";

export const warehouse = sql(contract, {
  connection: env("WAREHOUSE_URL", ".mortise/warehouse/warehouse.db"),
  timeout: "10s",
  concurrency: 8,
  effects: {
    reserveStock: {
      effect: "unrepeatable",
      probe: { call: "findHold", with: ({ key }) => ({ reference: key }), settle: "1s" },
    },
  },
});
