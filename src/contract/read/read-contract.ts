/** Reads a contract of whatever language; which one it is, its text says. A reader is loaded when it is needed. */
import { failure } from "../../errors.ts";
import type { ContractModel } from "../model.ts";
import type { ContractFiles } from "./source.ts";

type Reader = (source: ContractFiles, name: string) => Promise<ContractModel>;

/** The contract that `source` was opened on, under the system's name. Rejects with `contract-unreadable`. */
export async function readContract(source: ContractFiles, name: string): Promise<ContractModel> {
  return (await readerFor(source))(source, name);
}

async function readerFor({ entry }: ContractFiles): Promise<Reader> {
  const { path, text } = entry;
  const start = text.trimStart();
  if (start.startsWith("<")) return (await import("./wsdl.ts")).readWsdl;
  if (/\.sql$/i.test(path) || /^\s*--\s*@operation\b/m.test(text)) return (await import("./sql.ts")).readSql;
  if (/"@context"\s*:\s*(\[\s*)?"https?:\/\/www\.w3\.org\/ns\/csvw"/.test(text))
    return (await import("./csv.ts")).readCsv;
  if (start.startsWith("{") || /^["']?(openapi|swagger)["']?\s*:/m.test(text) || /\.(json|ya?ml)$/i.test(path))
    return (await import("./openapi.ts")).readOpenApi;
  throw failure("contract-unreadable", {
    file: path,
    place: "its text",
    reason: "it is neither OpenAPI (JSON or YAML), WSDL, SQL with named operations, nor a CSV description (CSVW)",
  });
}
