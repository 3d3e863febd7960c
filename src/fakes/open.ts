/** Opens a contract to be faked: a file, or a URL. */
import type { ContractModel } from "../contract/model.ts";
import { readContract } from "../contract/read/read-contract.ts";
import { type ContractFiles, openSource } from "../contract/read/source.ts";
import { createOutbound } from "../outbound/client.ts";

export interface Opened {
  readonly model: ContractModel;
  readonly files: ContractFiles;
}

export interface OpenOptions {
  /** Folder that references may not leave. Default: of the file. */
  readonly root?: string;
  /** The URL that a pinned contract came from. */
  readonly origin?: string;
  /** Allow a private or loopback address. Default false. */
  readonly internal?: boolean;
}

/** Rejects with `contract-unreadable`, or as the outbound client does. */
export async function openContract(
  entry: string,
  name: string,
  { root, origin, internal = false }: OpenOptions = {},
): Promise<Opened> {
  if (!/^https?:/i.test(entry)) {
    const files = await openSource(entry, {
      ...(root === undefined ? {} : { root }),
      ...(origin === undefined ? {} : { origin }),
    });
    return { model: await readContract(files, name), files };
  }
  const outbound = createOutbound();
  try {
    const files = await openSource(entry, { outbound, internal });
    return { model: await readContract(files, name), files };
  } finally {
    await outbound.close();
  }
}
