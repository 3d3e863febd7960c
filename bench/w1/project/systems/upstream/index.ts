/** The four systems of order-to-cash behind one address: a benchmark measures us, not them. */
import { env, rest } from "mortise";
import { contract } from "./contract.ts";

export const upstream = rest(contract, { connection: env("UPSTREAM_URL"), concurrency: 256 });
