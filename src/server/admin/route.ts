/** One address of the admin API as data: the router, the check of requests and the OpenAPI document are made of it. */
import type { JsonSchema } from "../../operation.ts";
import type { Command } from "../../store/store.ts";
import type { Caller, Role } from "./tokens.ts";

export interface AdminRoute {
  readonly method: "GET" | "POST";
  /** With `{name}` for parameters. */
  readonly path: string;
  /** `operationId` in the OpenAPI document. */
  readonly name: string;
  readonly summary: string;
  readonly role: Role | "public";
  /** Query parameters. */
  readonly query?: { readonly [name: string]: QueryParameter };
  /** Of the JSON body. Closed: unknown members are refused. */
  readonly body?: {
    readonly properties: { readonly [name: string]: JsonSchema };
    readonly required: readonly string[];
  };
  readonly answer: JsonSchema;
  /** Default 200. */
  readonly status?: number;
  /** What it changes, for the audit: `run.retry`. Absent: nothing. */
  readonly action?: string;
  /** What is changed, for the audit. Default: the parameters of the path. */
  readonly target?: (call: AdminCall) => string;
  readonly handle: (call: AdminCall) => unknown;
}

export interface QueryParameter {
  readonly is: "text" | "integer" | "time";
  readonly allowed?: readonly string[];
  readonly most?: number;
  readonly description: string;
}

export interface AdminCall {
  readonly parameters: Readonly<Record<string, string>>;
  /** Texts and numbers; a time as epoch milliseconds. */
  readonly query: Readonly<Record<string, string | number | undefined>>;
  readonly body: Readonly<Record<string, unknown>>;
  readonly caller: Caller;
  /**
   * The audit entry of this change as a store command, for a change that is a store command too: they are then one commit. After
   * this is called, no second entry is written for a change that was done.
   */
  audit(): Command;
}

/** An answer that is no JSON, or has a status of its own. */
export class RawAnswer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  constructor(status: number, type: string, body: string) {
    this.status = status;
    this.type = type;
    this.body = body;
  }
}
