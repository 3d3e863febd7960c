/**
 * The client of PostgreSQL and MySQL (MariaDB): an operation is one transaction.
 *
 *  - A reading operation runs in a read-only transaction; several statements see the same state.
 *  - A writing one first claims its key: a row in `mortise_effects`, in the same transaction (P3). Who holds the same key waits there for
 *    the other's end, and then gives back its output and writes nothing. The first such write makes the table.
 *  - At the deadline, and when the caller calls off, the server is asked to cancel; what does not end then loses its connection.
 *  - Outcome: until COMMIT is handed over, whatever breaks is taken back by the server: `none`. A lost answer to COMMIT is `unknown`.
 *    A procedure (CALL) of MySQL may commit by itself: a lost answer to it is `unknown`, too, and so is whatever breaks after it did.
 */
import type { ContractModel, OperationModel, SqlBinding } from "../../contract/model.ts";
import { operationValidators } from "../../contract/validate.ts";
import { failure, MortiseError, type Outcome } from "../../errors.ts";
import type { CallContext, CallResult, Json } from "../../operation.ts";
import type { Client, ConnectorEnvironment, Health } from "../connector.ts";
import type { ResolvedSettings } from "../system.ts";
import { type DatabaseAddress, databaseAddress } from "./address.ts";
import { saidOf } from "./mask.ts";
import { mysqlDriver } from "./mysql.ts";
import { SqlPool } from "./pool.ts";
import { postgresDriver } from "./postgres.ts";
import { refuseProblems } from "./problems.ts";
import type { SqlDriver, SqlFailure, SqlSession, TakeRow } from "./session.ts";

/** How long a statement may take to end after the server was asked to cancel it. */
const graceMs = 1_000;
const healthMs = 3_000;

/** Opens nothing yet. Throws `connection-invalid`. */
export function createServerClient(
  dialect: "postgresql" | "mysql",
  contract: ContractModel,
  settings: ResolvedSettings,
  environment: ConnectorEnvironment,
): Client {
  const address = addressOf(dialect, contract.name, settings, environment.project);
  const make = dialect === "postgresql" ? postgresDriver : mysqlDriver;
  return new ServerClient(contract, settings, make(address, contract.name, environment.project));
}

function addressOf(
  dialect: "postgresql" | "mysql",
  system: string,
  { connection, credentials, internal }: ResolvedSettings,
  project: string,
): DatabaseAddress {
  if (credentials !== undefined && credentials.kind !== "basic")
    throw failure("connection-invalid", {
      system,
      reason: `a database takes credentials of the kind "basic", not "${credentials.kind}"`,
    });
  const { user, password } = credentials ?? {};
  const address = databaseAddress(connection, { system, project, internal, user, password });
  if (address.dialect === dialect) return address;
  throw failure("connection-invalid", {
    system,
    reason: `its contract is of ${dialect}, and the URL is of ${address.dialect}`,
  });
}

/** How far an attempt has come, and why it was cut short. */
interface Progress {
  /** `sent`: something that commits was handed over, and not answered yet; or a procedure has committed by itself. */
  state: "open" | "sent" | "done";
  /** A procedure may have ended our transaction: what it did before is not known. */
  ended?: true;
  cut?: "deadline" | "aborted";
  /** What is wrong with the rows; the rest of them is not wanted. */
  problem?: MortiseError;
}

/** Of what breaks now: as long as nothing is committed, it is taken back. */
const outcomeAt = ({ state }: Progress): Outcome => (state === "sent" ? "unknown" : "none");

/** The attempt was cut short between two statements. */
class CutShort extends Error {}
/** The first write of all: the table of the keys is not there yet. */
class KeyTableMissing extends Error {}

class ServerClient implements Client {
  readonly #contract: ContractModel;
  readonly #settings: ResolvedSettings;
  readonly #driver: SqlDriver;
  readonly #pool: SqlPool;

  constructor(contract: ContractModel, settings: ResolvedSettings, driver: SqlDriver) {
    this.#contract = contract;
    this.#settings = settings;
    this.#driver = driver;
    this.#pool = new SqlPool(contract.name, settings.concurrency, (deadline) => driver.connect(deadline));
  }

  async call(operation: OperationModel, input: Json, context: CallContext): Promise<CallResult> {
    const validators = operationValidators(this.#contract, operation);
    refuseProblems("contract-input", operation, validators.input(input), "none");
    const values = this.#valuesOf(operation, input as { readonly [name: string]: Json }, context.key);
    try {
      return await this.#attempt(operation, input, values, context);
    } catch (error) {
      if (!(error instanceof KeyTableMissing)) throw error;
      await this.#makeKeyTable(operation, context);
      return this.#attempt(operation, input, values, context);
    }
  }

  async health(signal: AbortSignal): Promise<Health> {
    try {
      const { session } = await this.#pool.take(Date.now() + healthMs, signal);
      const timer = setTimeout(() => session.destroy(), healthMs);
      try {
        await session.run("select 1", []);
      } finally {
        clearTimeout(timer);
        this.#pool.give(session);
      }
      return { healthy: true };
    } catch (error) {
      if (error instanceof MortiseError) return { healthy: false, reason: error.message };
      return { healthy: false, reason: saidOf(this.#driver.failureOf(error, false), null) };
    }
  }

  close(): Promise<void> {
    return this.#pool.close();
  }

  /** The values by place, for each statement. */
  #valuesOf(operation: OperationModel, input: { readonly [name: string]: Json }, key: string): readonly unknown[][] {
    const binding = operation.binding as SqlBinding;
    const byName = new Map<string, unknown>();
    for (const { name, as, list = false } of binding.parameters) {
      const value = Object.hasOwn(input, name) ? input[name] : undefined;
      if (as === "integer" && typeof value === "number" && !Number.isSafeInteger(value)) {
        const problem = { at: `/${name}`, message: "is beyond 2^53; state its parameter as bigint" };
        refuseProblems("contract-input", operation, [problem], "none");
      }
      try {
        byName.set(name, as === "key" ? key : this.#driver.bound(value, as, list));
      } catch (error) {
        if (error instanceof MortiseError) throw error;
        refuseProblems("contract-input", operation, [{ at: `/${name}`, message: (error as Error).message }], "none");
      }
    }
    return (binding.places ?? []).map((names) => names.map((name) => byName.get(name)));
  }

  async #attempt(
    operation: OperationModel,
    input: Json,
    values: readonly unknown[][],
    context: CallContext,
  ): Promise<CallResult> {
    const writes = operation.effect !== "read";
    const session = await this.#begun(operation, context);
    const progress: Progress = { state: "open" };
    const release = this.#guard(session, progress, context);
    try {
      const keyed = writes && operation.key?.in === "row";
      const before = keyed ? await this.#claim(session, operation, context.key) : undefined;
      // Not by its output: that of many writes is null.
      const output = before === undefined ? await this.#run(session, operation, values, progress) : before.output;
      if (before === undefined && keyed) await session.run(this.#driver.keys.store, this.#stored(output, context.key));
      release.beforeCommit();
      progress.state = writes ? "sent" : progress.state;
      await session.commit();
      progress.state = "done";
      return { ok: true, output };
    } catch (error) {
      return this.#failed(error, operation, progress, input);
    } finally {
      release.done();
      if (session.usable && progress.state !== "done") await this.#rollBack(session);
      this.#pool.give(session);
    }
  }

  /** A network that swallows everything must not hold us: the server rolls back what loses its connection. */
  async #rollBack(session: SqlSession): Promise<void> {
    const timer = setTimeout(() => session.destroy(), graceMs);
    await session.rollback().catch(() => session.destroy());
    clearTimeout(timer);
  }

  /** A session with an open transaction. One that died in the pool unnoticed is replaced: nothing was sent on it. */
  async #begun(operation: OperationModel, context: CallContext): Promise<SqlSession> {
    const { statements } = operation.binding as SqlBinding;
    const mode = operation.effect !== "read" ? "write" : statements.length > 1 ? "snapshot" : "read";
    for (let fresh = false; ; fresh = true) {
      const lease = await this.#pool.take(context.deadline, context.signal, fresh).catch((error: unknown) => {
        throw this.#unavailable(error);
      });
      const timer = setTimeout(() => lease.session.destroy(), Math.max(1, context.deadline - Date.now()));
      try {
        await lease.session.begin(mode, context.deadline - Date.now());
        return lease.session;
      } catch (error) {
        lease.session.destroy();
        this.#pool.give(lease.session);
        if (!lease.used || fresh || Date.now() >= context.deadline) throw this.#unavailable(error);
      } finally {
        clearTimeout(timer);
      }
    }
  }

  /** Cuts the attempt short at the deadline, and when the caller calls off. */
  #guard(session: SqlSession, progress: Progress, { deadline, signal }: CallContext) {
    let last: NodeJS.Timeout | undefined;
    const cut = (why: "deadline" | "aborted") => {
      if (progress.cut !== undefined || progress.state === "done") return;
      // What was handed over with the power to commit is not cancelled: it is waited for, a little.
      progress.cut = why;
      if (progress.state === "open") void session.cancel();
      last = setTimeout(() => session.destroy(), progress.state === "open" ? graceMs : 0);
    };
    const aborted = () => cut("aborted");
    const timer = setTimeout(() => cut("deadline"), Math.max(0, deadline - Date.now()));
    signal.addEventListener("abort", aborted);
    if (signal.aborted) aborted();
    return {
      /** Nothing that was cut short is committed. */
      beforeCommit() {
        if (progress.cut !== undefined) throw new CutShort();
      },
      done() {
        clearTimeout(timer);
        clearTimeout(last);
        signal.removeEventListener("abort", aborted);
      },
    };
  }

  /** Takes the key for this transaction, or gives the output of the one that took it before. */
  async #claim(
    session: SqlSession,
    operation: OperationModel,
    key: string,
  ): Promise<{ readonly output: Json } | undefined> {
    const { claim, find } = this.#driver.keys;
    try {
      if ((await session.run(claim, [key, operation.name])) === 1) return undefined;
    } catch (error) {
      const { kind } = this.#driver.failureOf(error, false);
      if (kind === "no-table") throw new KeyTableMissing();
      if (kind !== "duplicate") throw error;
    }
    let before: readonly unknown[] | undefined;
    await session.run(find, [key], (_, values) => {
      before = values;
      return true;
    });
    if (before === undefined) throw new Error("the row of the key went away while it was read");
    const facts = { system: this.#contract.name, operation: operation.name };
    if (before[0] !== operation.name)
      throw failure("sql-refused", { ...facts, reason: `its key was used by ${String(before[0])}` });
    if (before[1] !== "") return { output: JSON.parse(String(before[1])) as Json };
    // Its transaction was ended between the claim and the output.
    const reason = "a procedure committed by itself under this key, and what came of it is not known";
    throw failure("sql-commit", { ...facts, reason }, { outcome: "unknown" });
  }

  /** PostgreSQL: `$1` is the key; MySQL has its places in the order of the text. */
  #stored(output: Json, key: string): readonly unknown[] {
    const text = JSON.stringify(output);
    return this.#driver.keys.store.includes("$1") ? [key, text] : [text, key];
  }

  async #run(
    session: SqlSession,
    operation: OperationModel,
    values: readonly unknown[][],
    progress: Progress,
  ): Promise<Json> {
    const binding = operation.binding as SqlBinding;
    const rows: Json[] = [];
    for (const [i, statement] of binding.statements.entries()) {
      if (progress.cut !== undefined) throw new CutShort();
      const take =
        i === binding.answering && binding.rows !== "none" ? this.#taker(operation, rows, progress) : undefined;
      // PostgreSQL lets no procedure commit inside our transaction; MySQL does.
      const same = /^\s*call\b/i.test(statement) ? await session.mark?.() : undefined;
      if (same === undefined) await session.run(statement, values[i] ?? [], take);
      else {
        const before = progress.state;
        progress.state = "sent";
        try {
          await session.run(statement, values[i] ?? [], take);
        } finally {
          if (session.usable && (await same())) progress.state = before;
          else progress.ended = true;
        }
      }
    }
    if (progress.problem !== undefined) throw progress.problem;
    const output = binding.rows === "none" ? null : binding.rows === "many" ? rows : (rows[0] ?? null);
    const { output: validate } = operationValidators(this.#contract, operation);
    refuseProblems("contract-output", operation, validate(output), outcomeAt(progress));
    return output;
  }

  /** Reads rows as they come, up to the limit of an answer. */
  #taker(operation: OperationModel, rows: Json[], progress: Progress): TakeRow {
    const { columns, rows: wanted } = operation.binding as SqlBinding;
    const limit = this.#settings.maxResponseBytes;
    let size = 0;
    let places: readonly number[] | undefined;
    const read = (values: readonly unknown[]): Json => {
      const record: Record<string, Json> = {};
      for (const [i, { name, as, list = false }] of columns.entries()) {
        const value = values[places?.[i] ?? -1];
        size += name.length + (typeof value === "string" || value instanceof Uint8Array ? value.length : 8);
        try {
          if (value === undefined) throw new Error("is not there");
          Object.defineProperty(record, name, { value: this.#driver.read(value, as, list), enumerable: true });
        } catch (error) {
          const problem = { at: `/${rows.length}/${name}`, message: (error as Error).message };
          refuseProblems("contract-output", operation, [problem], outcomeAt(progress));
        }
      }
      if (size > limit)
        throw failure("sql-too-large", { operation: operation.name, limit }, { outcome: outcomeAt(progress) });
      return record;
    };
    return (names, values) => {
      places ??= columns.map(({ name }) => names.indexOf(name));
      // One row is wanted; the others are let pass.
      if (wanted === "one" && rows.length > 0) return true;
      try {
        rows.push(read(values));
      } catch (error) {
        progress.problem = error as MortiseError;
      }
      return progress.problem === undefined;
    };
  }

  async #makeKeyTable(operation: OperationModel, context: CallContext): Promise<void> {
    const { session } = await this.#pool.take(context.deadline, context.signal).catch((error: unknown) => {
      throw this.#unavailable(error);
    });
    const timer = setTimeout(() => session.destroy(), Math.max(1, context.deadline - Date.now()));
    try {
      await session.run(this.#driver.keys.create, []);
    } catch (error) {
      const found = this.#driver.failureOf(error, false);
      // Another one made it at the same moment.
      if (found.kind === "duplicate" || /already exists/i.test(found.message)) return;
      if (found.kind === "lost" || found.kind === "away" || found.kind === "busy") throw this.#unavailable(error);
      const reason = `the table mortise_effects can't be made (${saidOf(found, null)}); make it by hand, as docs/guide/sql.md says`;
      throw failure("sql-refused", { system: this.#contract.name, operation: operation.name, reason });
    } finally {
      clearTimeout(timer);
      this.#pool.give(session);
    }
  }

  #unavailable(error: unknown): MortiseError {
    if (error instanceof MortiseError) return error;
    const reason = saidOf(this.#driver.failureOf(error, false), null);
    return failure("sql-unavailable", { system: this.#contract.name, reason });
  }

  /** A declared fault as a value; throws everything else. The driver's error is no cause: it holds values. */
  #failed(error: unknown, operation: OperationModel, progress: Progress, input: Json): CallResult {
    if (progress.problem !== undefined) throw progress.problem;
    if (error instanceof MortiseError || error instanceof KeyTableMissing) throw error;
    const facts = { system: this.#contract.name, operation: operation.name };
    const found: SqlFailure | undefined =
      error instanceof CutShort ? undefined : this.#driver.failureOf(error, progress.state === "sent");
    const reason = found === undefined ? "" : saidOf(found, input);
    if (progress.state === "sent" && (found === undefined || found.kind === "lost" || progress.ended === true))
      throw failure("sql-commit", { ...facts, reason }, { outcome: "unknown" });
    if (progress.cut === "aborted") throw failure("outbound-aborted", { host: facts.system });
    if (progress.cut === "deadline") throw failure("sql-timeout", facts);
    // A write that finds a server that only reads: after a failover another connection leads to the right one.
    const kind = found?.kind === "read-only" && operation.effect !== "read" ? "away" : found?.kind;
    switch (kind) {
      case undefined:
      case "cancelled":
        throw failure("sql-timeout", facts);
      case "lost":
      case "away":
      case "busy":
        throw failure("sql-unavailable", { system: facts.system, reason });
      default: {
        const { faults } = operation.binding as SqlBinding;
        const fault = faults.find(({ message }) => found!.message.startsWith(message));
        if (fault === undefined) throw failure("sql-refused", { ...facts, reason });
        return { ok: false, fault: { name: fault.fault, message: found!.message, detail: null } };
      }
    }
  }
}
