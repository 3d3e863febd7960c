/**
 * Which keys the store needs: each that encrypted something is known by its id, with a text that only it opens. A start without
 * one of them is refused while anything is left that it encrypted; the store forgets a key once nothing is.
 */
import { failure } from "../../errors.ts";
import type { Cipher } from "../../operation.ts";
import type { Store } from "../../store/store.ts";
import { keyId } from "./encryption.ts";

/** Every column that holds sealed text; each begins with the mark and the key's id. */
const sealedColumns = [
  ["history", "body"],
  ["stored_values", "body"],
  ["inbox", "body"],
  ["signals", "payload"],
  ["tasks", "input"],
  ["bulk_jobs", "act"],
  ["runs", "reason"],
  ["run_states", "value"],
  ["publish_idempotency", "body"],
  ["secrets", "body"],
] as const;
/** One that holds the start of a run, in which sealed text stands. */
const startsColumn = ["restarts", "body"] as const;
const mark = "~";

/** `keys`: the configured ones, the newest first. Throws `encryption-key-missing`. */
export async function checkStoreKeys(
  store: Pick<Store, "read" | "submit">,
  cipher: Cipher | undefined,
  keys: readonly Uint8Array[],
): Promise<void> {
  const ids = keys.map(keyId);
  const known = store.read.prepare("select id, proof from encryption_keys order by since").all() as {
    id: string;
    proof: string;
  }[];
  const missing = known.filter(({ id }) => !ids.includes(id));
  const needed = missing.filter(({ id }) => isUsed(store, id));
  if (needed.length > 0) throw failure("encryption-key-missing", { ids: needed.map(({ id }) => id).join(", ") });
  for (const { id, proof } of known) if (ids.includes(id)) cipher?.open(proof, placeOf(id));
  for (const { id } of missing) await store.submit([{ name: "process.forget-key", parameters: { id } }]);
  const [newest] = ids;
  if (cipher === undefined || newest === undefined || known.some(({ id }) => id === newest)) return;
  const parameters = { id: newest, proof: cipher.seal("mortise", placeOf(newest)) };
  await store.submit([{ name: "process.keep-key", parameters }]);
}

const placeOf = (id: string) => `key ${id}`;

/** Looks through the whole store; done only where a key was taken away. */
function isUsed({ read }: Pick<Store, "read">, id: string): boolean {
  const begin = mark + id;
  const [starts, start] = startsColumn;
  const within = read.prepare(`select 1 from ${starts} where instr(${start}, ?) > 0 limit 1`).get(begin);
  if (within !== undefined) return true;
  return sealedColumns.some(
    ([table, column]) =>
      read.prepare(`select 1 from ${table} where substr(${column}, 1, ?) = ? limit 1`).get(begin.length, begin) !==
      undefined,
  );
}
