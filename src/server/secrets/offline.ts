/**
 * Secrets of the store while no server runs: before the first start, and on a machine where it must not run yet. The store is held as a server
 * holds it, so the two never write at once; the key comes from its file or its variable, as at a start.
 */
import { join, resolve } from "node:path";
import { failure, MortiseError } from "../../errors.ts";
import { createRedactor } from "../../observe/redact.ts";
import { openStore } from "../../store/open.ts";
import { loadConfig } from "../project/load-config.ts";
import { lockStore } from "../storage/lock.ts";
import { storeParts } from "../storage/parts.ts";
import { createCipher, keyId, readKeys } from "./encryption.ts";
import { checkValue, createResolver, isPlain, plainWarning } from "./secrets.ts";
import { checkStoreKeys } from "./store-keys.ts";
import { openStoredSecrets, type StoredSecrets } from "./stored.ts";

export interface OfflineSet {
  readonly name: string;
  readonly value: string;
  /** For the audit: `local:anna`. */
  readonly by: string;
  readonly reason: string;
}

export interface OfflineSecrets {
  /** On disk, with its entry in the audit, when it resolves. Rejects with `secret-invalid`. Gives what is careless about the value. */
  set(given: OfflineSet): Promise<{ readonly warning?: string }>;
  /** Gives the store back. */
  close(): Promise<void>;
}

/**
 * Opens the store of the project in `folder`, and makes it where there is none. Rejects with `option-invalid` where a server has it open,
 * `secrets-unencrypted` where no key is configured, `secrets-missing` where it is not there, and with what opening a store rejects with.
 */
export async function openOfflineSecrets(
  folder: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<OfflineSecrets> {
  const config = await loadConfig(folder, environment);
  const { key } = config.encryption;
  if (key === undefined) throw failure("secrets-unencrypted", {});
  const redactor = createRedactor();
  const resolver = createResolver({ folder: resolve(folder, config.secrets), environment, redactor });
  const text = resolver.hidden(key, "encryption.key");
  resolver.finish();
  const keys = readKeys(text);
  const place = resolve(folder, config.store);
  const unlock = locked(place);
  let store: Awaited<ReturnType<typeof openStore>> | undefined;
  const close = async (): Promise<void> => {
    try {
      await store?.close();
    } finally {
      unlock();
    }
  };
  let stored: StoredSecrets;
  let submitted: NonNullable<typeof store>;
  try {
    submitted = await openStore({ file: join(place, "mortise.db"), parts: storeParts() });
    store = submitted;
    const cipher = createCipher(keys);
    await checkStoreKeys(store, cipher, keys);
    const [newest] = keys;
    stored = await openStoredSecrets(store, cipher, newest && keyId(newest), redactor);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    async set({ name, value, by, reason }) {
      checkValue(name, value);
      const parameters = { by, role: "admin", action: "secret.set", target: name, reason, result: "done" };
      await stored.set(name, value, by, [{ name: "admin.audit", parameters }]);
      return isPlain(value) ? { warning: plainWarning } : {};
    },
    close,
  };
}

/** As a server holds it. */
function locked(place: string): () => void {
  try {
    return lockStore(place);
  } catch (error) {
    if (!(error instanceof MortiseError) || error.code !== "store-in-use") throw error;
    throw failure("option-invalid", {
      option: "--offline",
      reason: `a server runs on this store, ${place}: without --offline it is asked, and takes the secret at once`,
    });
  }
}
