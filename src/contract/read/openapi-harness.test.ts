/** What the tests of OpenAPI's reader share: contracts from texts, and what a refusal looks like. */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { MortiseError } from "../../errors.ts";
import type { ContractModel, OperationModel, RestBinding } from "../model.ts";
import { readOpenApi } from "./openapi.ts";
import { openSource } from "./source.ts";

/** Reads a contract of these files, the first one being the entry. */
export async function read(files: Readonly<Record<string, string>>): Promise<ContractModel> {
  const folder = await mkdtemp(join(tmpdir(), "mortise-openapi-"));
  try {
    for (const [name, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), text);
    }
    return await readOpenApi(await openSource(join(folder, Object.keys(files)[0]!), { root: folder }), "test");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** One file of OpenAPI, by its body. */
export function one(body: string, version = "3.1.0"): Promise<ContractModel> {
  return read({ "a.yaml": `openapi: ${version}\ninfo: {title: T, version: "1"}\n${body}` });
}

export async function schemasOf(body: string, version: string): Promise<ContractModel["schemas"]> {
  return (await one(`paths: {}\ncomponents:\n  schemas:\n${body.replace(/^/gm, "    ")}`, version)).schemas;
}

export function rest(operation: OperationModel | undefined): RestBinding {
  assert.equal(operation?.binding.protocol, "rest");
  return operation.binding as RestBinding;
}

export const refused =
  (...parts: RegExp[]) =>
  (error: unknown): boolean => {
    assert.ok(error instanceof MortiseError, String(error));
    assert.equal(error.code, "contract-unreadable");
    for (const part of parts) assert.match(error.message, part);
    return true;
  };
