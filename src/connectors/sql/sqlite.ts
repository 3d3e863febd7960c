/**
 * Named statements of a SQL contract on an SQLite file that others use too.
 *
 *  - Values are always bound, statements come only from the pinned contract.
 *  - A writing operation is one `BEGIN IMMEDIATE` transaction. With a key row (the contract's default) the table
 *    `mortise_effects` in the same database holds key and output; a repeat with the same key gives back that output and writes nothing.
 *    The table is made by the first such write.
 *  - node:sqlite works on the calling thread, so a locked database is never waited for inside SQLite for long: the whole transaction is
 *    tried again after a pause, until the deadline. Between two tries nothing is open.
 *  - The database's own settings (journal mode, synchronous) are left as they are; a file that is not there is not made.
 */
import { statSync } from "node:fs";
import { createRequire } from "node:module";
import { isAbsolute, resolve } from "node:path";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import type { ContractModel, OperationModel, SqlBinding } from "../../contract/model.ts";
import { operationValidators } from "../../contract/validate.ts";
import { failure, MortiseError } from "../../errors.ts";
import type { CallContext, CallResult, Json } from "../../operation.ts";
import type { Client, ConnectorEnvironment, Health } from "../connector.ts";
import type { ResolvedSettings } from "../system.ts";
import { refuseProblems } from "./problems.ts";
import { bound, read, type SqlValue } from "./sqlite-values.ts";

/** How long SQLite itself waits for a lock, blocking the thread. */
const busyMs = 5;
/** Pauses between tries for a lock grow up to this. */
const longestPauseMs = 50;

const primary = { busy: 5, locked: 6, readonly: 8, ioError: 10, corrupt: 11, full: 13, cantOpen: 14, constraint: 19 };

interface PreparedOperation {
  readonly binding: SqlBinding;
  readonly statements: readonly { readonly run: StatementSync; readonly answers: boolean }[];
  /** Index of the statement that gives the output. */
  readonly answering: number;
}

interface KeyStatements {
  readonly find: StatementSync;
  readonly store: StatementSync;
}

export class SqliteClient implements Client {
  readonly #contract: ContractModel;
  readonly #settings: ResolvedSettings;
  readonly #file: string;
  #database: DatabaseSync | undefined;
  #operations = new Map<string, PreparedOperation>();
  #keys: KeyStatements | undefined;

  constructor(contract: ContractModel, settings: ResolvedSettings, environment: ConnectorEnvironment) {
    const path = settings.connection.replace(/^(?:sqlite|file):(?:\/\/)?/i, "");
    if (path === "" || path.includes("\0"))
      throw failure("connection-invalid", { system: contract.name, reason: "it names no database file" });
    this.#contract = contract;
    this.#settings = settings;
    this.#file = isAbsolute(path) ? path : resolve(environment.project, path);
  }

  async call(operation: OperationModel, input: Json, context: CallContext): Promise<CallResult> {
    const validators = operationValidators(this.#contract, operation);
    refuseProblems("contract-input", operation, validators.input(input), "none");
    for (let pause = 2; ; pause = Math.min(pause * 2, longestPauseMs)) {
      if (Date.now() >= context.deadline)
        throw failure("sql-unavailable", { system: this.#contract.name, reason: "it was locked until the deadline" });
      if (context.signal.aborted) throw failure("outbound-aborted", { host: this.#contract.name });
      try {
        return this.#attempt(operation, input as { readonly [name: string]: Json }, context);
      } catch (error) {
        if (!isBusy(error)) throw this.#failed(error, operation);
        await rest(Math.min(Math.max(0, context.deadline - Date.now()), pause * (0.5 + Math.random())), context.signal);
      }
    }
  }

  health(): Promise<Health> {
    try {
      this.#open().prepare("select count(*) from sqlite_schema").get();
      return Promise.resolve({ healthy: true });
    } catch (error) {
      if (isBusy(error)) return Promise.resolve({ healthy: true });
      return Promise.resolve({ healthy: false, reason: error instanceof Error ? error.message : String(error) });
    }
  }

  close(): Promise<void> {
    this.#forget();
    return Promise.resolve();
  }

  /** One whole try, without a pause in it: no other call of this thread can get between its statements. */
  #attempt(operation: OperationModel, input: { readonly [name: string]: Json }, context: CallContext): CallResult {
    const database = this.#open();
    const writes = operation.effect !== "read";
    const prepared = this.#prepared(database, operation);
    const single = !writes && prepared.statements.length === 1;
    if (!single) database.exec(writes ? "begin immediate" : "begin");
    let committing = false;
    try {
      const keys = writes && operation.key?.in === "row" ? this.#keyStatements(database) : undefined;
      const before = keys?.find.get({ key: context.key }) as { operation: string; output: string } | undefined;
      let output: Json;
      if (before === undefined) {
        output = this.#run(prepared, operation, input, context.key);
        refuseProblems(
          "contract-output",
          operation,
          operationValidators(this.#contract, operation).output(output),
          // Nothing was committed: what does not fit is taken back.
          "none",
        );
        keys?.store.run({ key: context.key, operation: operation.name, output: JSON.stringify(output) });
      } else if (before.operation === operation.name) output = JSON.parse(before.output) as Json;
      else
        throw failure("sql-refused", {
          system: this.#contract.name,
          operation: operation.name,
          reason: `its key was used by ${before.operation}`,
        });
      committing = true;
      if (!single) database.exec("commit");
      return { ok: true, output };
    } catch (error) {
      const open = database.isTransaction;
      if (open) database.exec("rollback");
      // The table may have been made by what was just taken back; and a statement that failed while it was iterated over
      // gives its old error once more when node:sqlite resets it.
      this.#keys = undefined;
      this.#operations.delete(operation.name);
      const code = errorCode(error);
      if (committing && code !== undefined && !(open && isBusy(error)) && writes) {
        const reason = (error as Error).message;
        this.#forget();
        // SQLite could not say whether the commit reached the disk.
        throw failure(
          "sql-commit",
          { system: this.#contract.name, operation: operation.name, reason },
          { cause: error, outcome: "unknown" },
        );
      }
      if (code !== undefined && (code & 0xff) === primary.constraint) {
        const fault = prepared.binding.faults.find(({ message }) => (error as Error).message.startsWith(message));
        if (fault !== undefined)
          return { ok: false, fault: { name: fault.fault, message: (error as Error).message, detail: null } };
      }
      throw error;
    }
  }

  #run(
    { binding, statements, answering }: PreparedOperation,
    operation: OperationModel,
    input: { readonly [name: string]: Json },
    key: string,
  ): Json {
    const values: Record<string, SqlValue> = Object.create(null);
    for (const { name, as } of binding.parameters) {
      const value = Object.hasOwn(input, name) ? input[name] : undefined;
      if (as === "integer" && typeof value === "number" && !Number.isSafeInteger(value)) {
        const problem = { at: `/${name}`, message: "is beyond 2^53; state its parameter as bigint" };
        refuseProblems("contract-input", operation, [problem], "none");
      }
      values[name] = as === "key" ? key : bound(value, as);
    }
    let rows: Json[] = [];
    statements.forEach(({ run, answers }, i) => {
      if (i === answering && binding.rows !== "none") rows = this.#rows(run, values, binding, operation);
      else if (answers) run.all(values);
      else run.run(values);
    });
    if (binding.rows === "none") return null;
    return binding.rows === "many" ? rows : (rows[0] ?? null);
  }

  #rows(
    statement: StatementSync,
    values: Record<string, SqlValue>,
    { columns, rows: wanted }: SqlBinding,
    operation: OperationModel,
  ): Json[] {
    const rows: Json[] = [];
    const limit = this.#settings.maxResponseBytes;
    let size = 0;
    for (const row of statement.iterate(values) as Iterable<Record<string, unknown>>) {
      const record: Record<string, Json> = {};
      for (const { name, as } of columns) {
        const value = row[name];
        size += name.length + (typeof value === "string" ? value.length : 8);
        try {
          Object.defineProperty(record, name, { value: read(value, as), enumerable: true });
        } catch (error) {
          const problem = { at: `/${rows.length}/${name}`, message: (error as Error).message };
          refuseProblems("contract-output", operation, [problem], "none");
        }
      }
      if (size > limit) throw failure("sql-too-large", { operation: operation.name, limit });
      rows.push(record);
      // An operation that gives one row still runs to its end where it writes.
      if (wanted === "one" && operation.effect === "read") break;
    }
    return rows;
  }

  #prepared(database: DatabaseSync, operation: OperationModel): PreparedOperation {
    const known = this.#operations.get(operation.name);
    if (known !== undefined) return known;
    const binding = operation.binding as SqlBinding;
    const statements = binding.statements.map((text) => {
      const run = database.prepare(text);
      run.setReadBigInts(true);
      // Each statement takes what it needs of the operation's parameters.
      run.setAllowUnknownNamedParameters(true);
      return { run, answers: run.columns().length > 0 };
    });
    const prepared = { binding, statements, answering: statements.findLastIndex(({ answers }) => answers) };
    this.#operations.set(operation.name, prepared);
    return prepared;
  }

  #keyStatements(database: DatabaseSync): KeyStatements {
    if (this.#keys !== undefined) return this.#keys;
    database.exec(
      `create table if not exists mortise_effects (
         key text primary key not null, operation text not null, output text not null, at text not null
       ) without rowid`,
    );
    this.#keys = {
      find: database.prepare("select operation, output from mortise_effects where key = :key"),
      store: database.prepare(
        `insert into mortise_effects (key, operation, output, at)
         values (:key, :operation, :output, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))`,
      ),
    };
    return this.#keys;
  }

  #open(): DatabaseSync {
    if (this.#database !== undefined) return this.#database;
    // Loaded here: a thread that speaks no SQL does not load SQLite.
    const sqlite = createRequire(import.meta.url)("node:sqlite") as typeof import("node:sqlite");
    if (!statSync(this.#file, { throwIfNoEntry: false })?.isFile())
      throw failure("sql-unavailable", { system: this.#contract.name, reason: "its file is not there" });
    const url = pathToFileURL(this.#file);
    url.search = "?mode=rw";
    this.#database = new sqlite.DatabaseSync(url, { timeout: busyMs, allowExtension: false });
    return this.#database;
  }

  #forget(): void {
    this.#operations = new Map();
    this.#keys = undefined;
    this.#database?.close();
    this.#database = undefined;
  }

  #failed(error: unknown, { name }: OperationModel): MortiseError {
    if (error instanceof MortiseError) return error;
    const system = this.#contract.name;
    const code = errorCode(error);
    const reason = error instanceof Error ? error.message : String(error);
    if (code === undefined) return failure("internal", { reason }, { cause: error });
    const kind = code & 0xff;
    if (kind === primary.cantOpen || kind === primary.ioError || kind === primary.full || kind === primary.readonly) {
      this.#forget();
      return failure("sql-unavailable", { system, reason }, { cause: error });
    }
    return failure("sql-refused", { system, operation: name, reason }, { cause: error });
  }
}

function errorCode(error: unknown): number | undefined {
  const { code, errcode } = error as { code?: unknown; errcode?: unknown };
  return code === "ERR_SQLITE_ERROR" && typeof errcode === "number" ? errcode : undefined;
}

function isBusy(error: unknown): boolean {
  const code = errorCode(error);
  return code !== undefined && ((code & 0xff) === primary.busy || (code & 0xff) === primary.locked);
}

function rest(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
    if (signal.aborted) done();
  });
}
