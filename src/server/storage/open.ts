/** The store of a server, opened: its disk watched, its keys checked, and its secrets read. */
import { statSync } from "node:fs";
import { join } from "node:path";
import type { Log } from "../../observe/log.ts";
import type { Redactor } from "../../observe/redact.ts";
import type { Cipher } from "../../operation.ts";
import type { frontInbox } from "../../process/embedded/engine.ts";
import { type OpenedStore, openStore } from "../../store/open.ts";
import type { Closers } from "../closers.ts";
import type { Config } from "../project/config.ts";
import { createCipher, keyId, readKeys } from "../secrets/encryption.ts";
import { checkStoreKeys } from "../secrets/store-keys.ts";
import { openStoredSecrets, type StoredSecrets } from "../secrets/stored.ts";
import { listVersions } from "../versions/versions.ts";
import { type Disk, tellDisk, watchDisk } from "./disk.ts";
import { storeParts } from "./parts.ts";
import { watchDatabase } from "./watch-database.ts";

export interface FrontStoreOptions {
  /** The store's folder. */
  readonly folder: string;
  readonly config: Config;
  /** What `encryption.key` gives. */
  readonly keyText: string | undefined;
  readonly inbox: ReturnType<typeof frontInbox>;
  readonly onFailed: (reason: string) => void;
  readonly redactor: Redactor;
  readonly log: Log;
  readonly closers: Closers;
}

export interface FrontStore {
  readonly store: OpenedStore;
  readonly disk: Disk;
  /** Of what the store keeps; absent: it keeps all in clear. */
  readonly cipher: Cipher | undefined;
  /** The newest first. */
  readonly keys: readonly Uint8Array[];
  readonly secrets: StoredSecrets;
}

/** Rejects with `encryption-key`, `encryption-key-missing`, `secret-damaged`, and with what opening a store rejects with. */
export async function openFrontStore(options: FrontStoreOptions): Promise<FrontStore> {
  const { folder, config, keyText, inbox, onFailed, redactor, log, closers } = options;
  const keys = keyText === undefined ? [] : readKeys(keyText);
  const cipher = keys.length === 0 ? undefined : createCipher(keys);
  const disk = watchDisk({
    folder,
    reserveBytes: config.limits.diskReserveMiB * 1_048_576,
    changed: (state, freeBytes) => tellDisk(log, state, freeBytes),
  });
  closers.add(async () => disk.close());
  await disk.look();
  const file = join(folder, "mortise.db");
  if (isLost(file, folder))
    log.warn(
      { file },
      "the store's database is empty or gone, though code versions of before lie beside it: runs, business keys, API keys and the audit are lost, and what was done may be done again. If that was not meant, stop, and put the backup back",
    );
  const store = await openStore({
    file,
    parts: storeParts(),
    onPost: inbox.take,
    onFailed,
    onFull: disk.full,
  });
  closers.add(() => store.close());
  const unwatch = watchDatabase(store.file, () => onFailed(`its file ${store.file} was removed or replaced`));
  closers.add(async () => unwatch());
  await checkStoreKeys(store, cipher, keys);
  const [newest] = keys;
  const secrets = await openStoredSecrets(store, cipher, newest && keyId(newest), redactor);
  return { store, disk, cipher, keys, secrets };
}

/** Code versions are kept only once there is a database. What was written last may stand in its journal alone. */
function isLost(file: string, folder: string): boolean {
  const isEmpty = (path: string) => (statSync(path, { throwIfNoEntry: false })?.size ?? 0) === 0;
  return isEmpty(file) && isEmpty(`${file}-wal`) && listVersions(folder).length > 0;
}
