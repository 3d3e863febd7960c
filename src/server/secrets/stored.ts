/**
 * Secrets in the store: sealed with the keys of `encryption.key`, which stand outside it. Their values are in memory once they are read.
 * Without a key the store keeps none.
 */
import { failure } from "../../errors.ts";
import type { Redactor } from "../../observe/redact.ts";
import type { Cipher } from "../../operation.ts";
import type { Command, Store } from "../../store/store.ts";
import { keyIdOf } from "./encryption.ts";

/** Without its value. */
export interface StoredSecret {
  readonly name: string;
  /** Epoch milliseconds. */
  readonly setAt: number;
  readonly setBy: string;
}

export interface StoredSecrets {
  value(name: string): string | undefined;
  list(): readonly StoredSecret[];
  /** Throws `secrets-unencrypted`. */
  checkEncrypted(): void;
  /** On disk, with `alongside` in the same commit, when it resolves. Rejects with `secrets-unencrypted`. */
  set(name: string, value: string, by: string, alongside: readonly Command[]): Promise<void>;
  /** As `set`. Rejects with `secret-unknown`. */
  remove(name: string, alongside: readonly Command[]): Promise<void>;
}

/** Stands before a sealed text, in every column. */
const mark = "~";
/** A sealed text opens only where it was written for. */
const placeOf = (name: string): string => `secret ${name}`;

interface Row {
  readonly name: string;
  readonly body: string;
}

/**
 * Reads all of them; one that was sealed with an older key is sealed anew with the newest. `newest`: id of that key. The redactor learns each
 * value first. Rejects with `secret-damaged`.
 */
export async function openStoredSecrets(
  store: Pick<Store, "read" | "submit">,
  cipher: Cipher | undefined,
  newest: string | undefined,
  redactor: Pick<Redactor, "register">,
): Promise<StoredSecrets> {
  const all = store.read.prepare("select name, body from secrets");
  const listed = store.read.prepare(`select name, set_at as "setAt", set_by as "setBy" from secrets order by name`);
  const values = new Map<string, string>();
  for (const { name, body } of all.all() as unknown as Row[]) {
    let value: string;
    try {
      if (cipher === undefined || !body.startsWith(mark)) throw new Error("there is no key to open it with");
      value = cipher.open(body.slice(mark.length), placeOf(name));
    } catch (error) {
      throw failure("secret-damaged", { name, reason: (error as Error).message });
    }
    redactor.register(value);
    values.set(name, value);
    if (keyIdOf(body.slice(mark.length)) === newest) continue;
    const parameters = { name, before: body, body: mark + cipher.seal(value, placeOf(name)) };
    await store.submit([{ name: "secrets.reseal", parameters }]);
  }
  const sealing = (): Cipher => {
    if (cipher === undefined) throw failure("secrets-unencrypted", {});
    return cipher;
  };
  return {
    value: (name) => values.get(name),
    list: () => listed.all().map((row) => ({ ...row }) as unknown as StoredSecret),
    checkEncrypted: () => void sealing(),
    async set(name, value, by, alongside) {
      redactor.register(value);
      const body = mark + sealing().seal(value, placeOf(name));
      await store.submit([{ name: "secrets.set", parameters: { name, body, by } }, ...alongside]);
      values.set(name, value);
    },
    async remove(name, alongside) {
      const answer = await store.submit([{ name: "secrets.remove", parameters: { name } }, ...alongside]);
      if (answer.kind === "refused") throw failure("secret-unknown", { name });
      values.delete(name);
    },
  };
}
