/** Which operation over plain HTTP a request is for (WSDL 1.1, section 4): method, path, and the parameters it carries. */
import type { ContractModel, HttpXmlBinding, OperationModel } from "../contract/model.ts";

interface Request {
  readonly method: string;
  readonly url: string;
  readonly body: Uint8Array;
}

export interface Located {
  readonly operation: OperationModel;
  readonly parameters: readonly [string, string][];
}

/**
 * The operation whose location the path ends with; `undefined` if there is none, or no port over plain HTTP. Of several, the one that is
 * preferred, else the first.
 */
export function locate(
  model: ContractModel,
  request: Request,
  prefers: (operation: string) => boolean,
): Located | undefined {
  const url = URL.parse(request.url, "http://receiver.invalid");
  if (url === null) return undefined;
  const all = Object.values(model.operations);
  for (const operation of [...all.filter(({ name }) => prefers(name)), ...all]) {
    const { binding } = operation;
    if (binding.protocol !== "http-xml" || binding.method !== request.method) continue;
    const path = partsOf(binding, url.pathname);
    if (path === undefined) continue;
    if (binding.input === "path") return { operation, parameters: path };
    if (binding.input === "xml") return { operation, parameters: [] };
    const text = binding.input === "query" ? url.search.slice(1) : Buffer.from(request.body).toString("utf8");
    return { operation, parameters: [...new URLSearchParams(text)] };
  }
  return undefined;
}

/** The values of the parts in the path, or `undefined` where the path is another one. */
function partsOf({ location, input }: HttpXmlBinding, path: string): [string, string][] | undefined {
  const mark = location.indexOf("?");
  const wanted = (mark < 0 ? location : location.slice(0, mark)).replace(/^\//, "").split("/");
  const given = path.split("/").slice(-wanted.length);
  if (given.length < wanted.length) return undefined;
  const parts: [string, string][] = [];
  for (const [index, segment] of wanted.entries()) {
    const value = decoded(given[index] ?? "");
    const name = input === "path" ? /^\(([^()]+)\)$/.exec(segment)?.[1] : undefined;
    if (name !== undefined) parts.push([name, value]);
    else if (segment !== value) return undefined;
  }
  return parts;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
