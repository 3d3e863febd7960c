/** The guarded HTTP client for commands that fetch a contract. */
import { createOutbound } from "../outbound/client.ts";
import type { Outbound } from "../outbound/outbound.ts";

/** Close it when done. */
export function fetchClient(): Outbound {
  return createOutbound();
}
