/** Calls each operation of a contract on a fake of its system, through the client that the connector makes. */
import type { ContractModel } from "../../src/contract/model.ts";

export interface Calls {
  /** Operations that were faked and called, and answered as the contract says; `null`: there are no fakes yet. */
  readonly called: number | null;
  /** Why one was not. */
  readonly reason?: string;
}

/** Fakes from contracts are not there yet: nothing is called. */
export async function callOperations(_model: ContractModel): Promise<Calls> {
  return { called: null };
}
