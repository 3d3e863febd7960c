/** Calls each operation of a contract on a fake of its system, through the client that the connector makes. */
import type { ContractModel } from "../../src/contract/model.ts";
import { callAll } from "../../src/fakes/call-all.ts";

export interface Calls {
  /** Operations that were faked and called, and answered as the contract says; `null`: there is nothing that calls them. */
  readonly called: number | null;
  /** Why the first of the others was not. */
  readonly reason?: string;
}

/** REST and SOAP: each operation once. A database has its statements checked when it is read. */
export async function callOperations(model: ContractModel): Promise<Calls> {
  const { language } = model.source;
  if (language !== "openapi" && language !== "wsdl") return { called: null };
  const all = await callAll(model, { faults: false });
  const failed = all.find(({ ok }) => !ok);
  const called = all.filter(({ ok }) => ok).length;
  return failed === undefined
    ? { called }
    : { called, reason: `${failed.operation}: ${failed.reason ?? "not called"}` };
}
