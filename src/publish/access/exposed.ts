/**
 * Whose credential came in clear (OA2-7). An API key is known wherever it stands, and its record says so from then on; what else an API takes
 * is known where the path leads to one of its operations, and is told to operators. Nobody is let in by it, and the sender is told nothing: the
 * answer is the same for a right credential and a wrong one.
 */
import { channel } from "node:diagnostics_channel";
import { MortiseError } from "../../errors.ts";
import type { HttpRequest } from "../http.ts";
import type { ApiCaller } from "../operations.ts";
import { ProblemError } from "../problem.ts";
import type { Authenticator } from "./authenticator.ts";
import type { Keyring } from "./keyring.ts";

/** Published on `mortise:publish:exposed`. Never the credential. */
export interface ExposedFact {
  readonly request: string;
  readonly address: string;
  readonly consumer: string;
  /** `api-key`, `oauth`, `basic` */
  readonly via: string;
  /** Id of an API key. */
  readonly key?: string;
}

const facts = channel("mortise:publish:exposed");

/** `authenticator`: of the operation that was asked for, if there is such a one. Rejects where it can't be put on record. */
export async function noteExposed(
  request: HttpRequest,
  authenticator: Authenticator | undefined,
  keys: Keyring,
): Promise<void> {
  const caller = keyIn(request, keys) ?? (await recognised(request, authenticator));
  if (caller === undefined) return;
  const { id: consumer, via, key } = caller;
  const { id, address } = request;
  facts.publish({ request: id, address, consumer, via, ...(key === undefined ? {} : { key }) } satisfies ExposedFact);
  if (key !== undefined) await keys.exposed(key);
}

function keyIn({ headers }: HttpRequest, keys: Keyring): ApiCaller | undefined {
  const { authorization = "", "x-api-key": own } = headers;
  for (const presented of [own, /^bearer +(\S+)$/i.exec(authorization)?.[1]]) {
    const record = presented === undefined ? undefined : keys.authenticate(presented);
    if (record !== undefined) return { id: record.consumer, scopes: record.scopes, via: "api-key", key: record.id };
  }
  return undefined;
}

/** By tokens and passwords alone: who reads a signature has read nothing that opens anything, and in clear there is no certificate. */
async function recognised(
  request: HttpRequest,
  authenticator: Authenticator | undefined,
): Promise<ApiCaller | undefined> {
  if (authenticator === undefined || request.headers.authorization === undefined) return undefined;
  try {
    return (await authenticator.authenticate(request)).caller;
  } catch (error) {
    if (error instanceof ProblemError || error instanceof MortiseError) return undefined;
    throw error;
  }
}
