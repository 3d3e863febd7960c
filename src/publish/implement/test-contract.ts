/** A contract for tests, pinned into a folder as `mortise implement` does. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Contract, ContractTypes } from "../../contract/contract.ts";
import { readOpenApi } from "../../contract/read/openapi.ts";
import { openSource } from "../../contract/read/source.ts";

/** `texts`: files by path, the entry first. `after`: what removes the folder. */
export async function pinned<T extends ContractTypes>(
  name: string,
  texts: Readonly<Record<string, string>>,
  after: (undo: () => void) => void,
): Promise<Contract<T>> {
  const folder = mkdtempSync(join(tmpdir(), "mortise-contract-"));
  after(() => rmSync(folder, { recursive: true, force: true }));
  for (const [path, text] of Object.entries(texts)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  const [entry = ""] = Object.keys(texts);
  const model = await readOpenApi(await openSource(join(folder, entry), { root: folder }), name);
  return { kind: "contract", model, folder };
}
