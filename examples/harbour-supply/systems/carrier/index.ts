/** The carrier: drops a CSV file now and then, one row for each shipment. A shipment told twice counts once. */
import { env, files } from "mortise";
import { contract } from "./contract.ts";

export const carrier = files(contract, {
  connection: env("CARRIER_FOLDER", ".mortise/carrier"),
  events: { shipped: { key: (row) => row.orderId, id: (row) => row.tracking } },
});
