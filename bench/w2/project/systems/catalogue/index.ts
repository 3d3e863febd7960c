/** The system behind the gateway. */
import { env, rest } from "mortise";
import { contract } from "./contract.ts";

export const catalogue = rest(contract, { connection: env("UPSTREAM_URL"), concurrency: 256 });
