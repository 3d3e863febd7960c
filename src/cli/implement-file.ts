/** `index.ts` of an API whose contract is given: what there is to implement, by name. It belongs to the user from then on. */
import type { ContractModel, SecurityScheme } from "../contract/model.ts";

/** The text of `index.ts` for a contract that has just been taken. `never`: names of what no API does. */
export function implementFile(
  { name, operations, servers, source, security = {} }: ContractModel,
  never: readonly string[],
): string {
  const kinds = new Set(Object.values(security).map(({ kind }) => kind));
  const ways = [
    ...(kinds.has("oauth2") || kinds.has("openIdConnect")
      ? [`oauth({ issuer: env("ISSUER"), audience: ${JSON.stringify(name)} })`]
      : []),
    ...(kinds.size === 0 || kinds.has("bearer") || kinds.has("header") ? ["apiKey()"] : []),
  ];
  const used = [
    ...(ways.some((way) => way.startsWith("apiKey")) ? ["apiKey"] : []),
    "draft",
    ...(ways.some((way) => way.startsWith("oauth")) ? ["env"] : []),
    "implementApi",
    ...(ways.some((way) => way.startsWith("oauth")) ? ["oauth"] : []),
  ];
  const list = Object.values(operations).map(({ name: operation, binding, summary }) => {
    const route = binding.protocol === "rest" ? `${binding.method} ${binding.path}` : "";
    const words = summary === undefined ? "" : `: ${oneLine(summary)}`;
    return `    // ${operation}: {},   ${route}${words}`;
  });
  const foreign = Object.entries(security).flatMap(([scheme, way]) => (isSpoken(way) ? [] : [oneLine(scheme)]));
  const semantic = /^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/.test(source.version ?? "");
  return [
    `/** ${oneLine(source.title ?? name)}, as its contract says. What stands behind each operation is said here; the compiler names what is missing. */`,
    `import { ${used.join(", ")} } from "mortise";`,
    'import { contract } from "./contract.ts";',
    "",
    "export default implementApi(contract, {",
    ...(semantic ? [] : ['  version: "1.0.0", // the contract\'s own is none like this']),
    `  base: ${JSON.stringify(baseOf(name, servers[0]))},`,
    "  lifecycle: draft(),",
    `  access: [${ways.join(", ")}],`,
    ...(foreign.length === 0
      ? []
      : [`  ownAccess: true, // access counts: what the contract asks for is not taken here (${foreign.join(", ")})`]),
    "  operations: {",
    ...list,
    "  },",
    ...(never.length === 0
      ? []
      : [`  without: ${JSON.stringify(never)}, // callbacks and webhooks: an API sends no requests of its own`]),
    "});",
    "",
  ].join("\n");
}

/** Whether something in `access` takes it. */
function isSpoken(scheme: SecurityScheme): boolean {
  if (scheme.kind === "header") return ["x-api-key", "authorization"].includes(scheme.name.toLowerCase());
  return scheme.kind !== "query" && scheme.kind !== "cookie" && scheme.kind !== "http";
}

/** The path of the contract's own server, else one made of the name: `/stock/v1` of `stock.v1`. */
function baseOf(name: string, server: string | undefined): string {
  const path = server === undefined ? "" : (URL.parse(server, "http://localhost")?.pathname ?? "").replace(/\/+$/, "");
  return /^(\/[A-Za-z0-9_.~-]+)+$/.test(path) ? path : `/${name.split(".").join("/")}`;
}

/** Words of a contract that stand in a comment. */
function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").replaceAll("*/", "* /").trim().slice(0, 80);
}
