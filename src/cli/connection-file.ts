/** `index.ts` of a system: what to connect with, as far as the contract says it. It belongs to the user from then on. */
import type { ContractModel, SecurityScheme } from "../contract/model.ts";
import type { Place } from "./commands/add-place.ts";

type Kind = "rest" | "soap" | "sql" | "files";
const kinds = { openapi: "rest", wsdl: "soap", sql: "sql", csv: "files" } as const;

/** The text of `index.ts` for a contract that has just been added. `place`: what the command line says of the connection. */
export function connectionFile(
  model: ContractModel,
  { from, user, password }: Partial<Pick<Place, "from" | "user" | "password">> = {},
): string {
  const { name } = model;
  const variable = name.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
  const environment = name.replaceAll("-", "_").toUpperCase();
  const { language } = model.source;
  const kind = kinds[language];
  const address = `${environment}_${language === "csv" ? "FOLDER" : "URL"}`;
  const server = model.servers[0];
  const fallback = server !== undefined && /^https?:\/\//.test(server) ? `, ${JSON.stringify(server)}` : "";
  const webhooks = Object.values(model.events).some(({ binding }) => binding.protocol === "webhook");
  const database = model.database?.dialect;
  const onServer = database === "postgresql" || database === "mysql";
  const what: Readonly<Record<Kind, string>> = {
    rest: "the base URL",
    soap: "the address of the service",
    sql: onServer ? "such as postgres://host/database" : "the database file",
    files: "the folder",
  };
  // A system that only tells of events has no address that anybody could know.
  const silent = kind === "rest" && fallback === "" && Object.keys(model.operations).length === 0;
  const connection = silent
    ? `${JSON.stringify(`https://${name}.invalid`)}`
    : from === undefined
      ? `env(${JSON.stringify(address)}${fallback})`
      : `${from.kind}(${JSON.stringify(from.name)})`;
  const called =
    user?.kind === undefined ? JSON.stringify(user?.value ?? "") : `${user.kind}(${JSON.stringify(user.name)})`;
  const lines = [
    silent
      ? "  // nothing is called there: the contract has events only"
      : `  // ${what[kind]}${fallback === "" ? "" : "; the contract names one"}`,
    `  connection: ${connection},`,
    ...(password === undefined
      ? []
      : [
          `  credentials: { kind: "basic", user: ${called}, password: ${password.kind}(${JSON.stringify(password.name)}) },`,
        ]),
    ...(webhooks ? [`  webhookSecret: secret(${JSON.stringify(`${environment}_WEBHOOK_SECRET`)}),`] : []),
    ...(kind === "sql" && onServer && password === undefined
      ? [hint, `  // credentials: { kind: "basic", user: "app", password: secret("${environment}_PASSWORD") },`]
      : []),
    ...(kind === "rest" && !silent ? credentials(model, environment) : []),
    ...(kind === "rest" ? servers(model, environment) : []),
    ...(kind === "soap"
      ? [
          hint,
          `  // credentials: { kind: "username-token", user: env("${environment}_USER"), password: secret("${environment}_PASSWORD") },`,
        ]
      : []),
  ];
  const used = (word: string) => lines.some((line) => !line.trim().startsWith("//") && line.includes(`${word}(`));
  const names = [kind, ...["env", "secret"].filter(used)].sort();
  return `import { ${names.join(", ")} } from "mortise";
import { contract } from "./contract.ts";

export const ${variable} = ${kind}(contract, {
${lines.join("\n")}
});
`;
}

const hint = "  // where it asks for credentials, such as these; secret is imported from mortise, too";

/** The credentials that the contract asks for most often; the other ways as a comment. Nothing asked for: a hint. */
function credentials(model: ContractModel, environment: string): string[] {
  const schemes = model.security ?? {};
  const uses = new Map<string, number>();
  let without = 0;
  for (const { security = [] } of Object.values(model.operations)) {
    // A way that needs several schemes together can't be written as one setting.
    const ways = security.filter((one) => Object.keys(one).length === 1);
    if (security.length === 0 || security.some((one) => Object.keys(one).length === 0)) without++;
    for (const way of ways) for (const scheme of Object.keys(way)) uses.set(scheme, (uses.get(scheme) ?? 0) + 1);
  }
  const ranked = [...uses.keys()]
    .sort((a, b) => uses.get(b)! - uses.get(a)! || (a < b ? -1 : 1))
    .map((name) => ({ name, setting: settingOf(model, name, schemes[name]!, environment) }));
  const [first, ...others] = ranked.filter((one) => one.setting !== undefined);
  const unspoken = ranked.filter((one) => one.setting === undefined);
  if (first === undefined && unspoken.length === 0)
    return [hint, `  // credentials: { kind: "bearer", token: secret("${environment}_TOKEN") },`];
  const lines: string[] = [];
  if (first !== undefined) {
    const open = without > 0 ? `; ${without} of the operations need none` : "";
    lines.push(
      `  // as the contract's security scheme ${plain(first.name)} says${open}`,
      `  credentials: ${first.setting!},`,
    );
  }
  for (const { name, setting } of others.slice(0, 5)) lines.push(`  // or, as ${plain(name)} says: ${setting!}`);
  for (const { name } of unspoken.slice(0, 5))
    lines.push(
      `  // the security scheme ${plain(name)} (${schemes[name]!.kind}) has no setting: see docs/guide/openapi.md`,
    );
  return lines;
}

/** The setting that answers a scheme; `undefined`: there is none. */
function settingOf(
  model: ContractModel,
  name: string,
  scheme: SecurityScheme,
  environment: string,
): string | undefined {
  const secret = (suffix: string) => `secret("${environment}_${suffix}")`;
  const env = (suffix: string) => `env("${environment}_${suffix}")`;
  switch (scheme.kind) {
    case "header":
    case "query":
    case "cookie":
      return `{ kind: ${JSON.stringify(scheme.kind)}, name: ${JSON.stringify(scheme.name)}, value: ${secret("API_KEY")} }`;
    case "basic":
      return `{ kind: "basic", user: ${env("USER")}, password: ${secret("PASSWORD")} }`;
    case "bearer":
    case "openIdConnect":
      return `{ kind: "bearer", token: ${secret("TOKEN")} }`;
    case "oauth2": {
      const { clientCredentials } = scheme.flows;
      // The other flows need a person; whoever has a token from one gives it as it is.
      if (clientCredentials?.tokenUrl === undefined) return `{ kind: "bearer", token: ${secret("TOKEN")} }`;
      const url = clientCredentials.tokenUrl;
      const tokenUrl = /^https?:\/\//.test(url) ? JSON.stringify(url) : env("TOKEN_URL");
      const scopes = scopesOf(model, name);
      const list = scopes.length === 0 ? "" : `, scopes: ${JSON.stringify(scopes)}`;
      return `{ kind: "oauth", tokenUrl: ${tokenUrl}, client: ${env("CLIENT")}, secret: ${secret("CLIENT_SECRET")}${list} }`;
    }
    default:
      return undefined;
  }
}

/** The scopes that the operations ask for, where they are few enough to be asked for together. */
function scopesOf(model: ContractModel, scheme: string): readonly string[] {
  const all = Object.values(model.operations).flatMap(({ security = [] }) =>
    security.flatMap((way) => (Object.hasOwn(way, scheme) ? way[scheme]! : [])),
  );
  const distinct = [...new Set(all)].sort();
  return distinct.length <= 10 ? distinct : [];
}

/** Servers of single operations: nothing is sent there until somebody says so. */
function servers(model: ContractModel, environment: string): string[] {
  const own = new Set<string>();
  for (const { binding } of Object.values(model.operations)) {
    if (binding.protocol !== "rest" || binding.server === undefined || model.servers.includes(binding.server)) continue;
    if (/^https?:\/\//.test(binding.server)) own.add(binding.server);
  }
  if (own.size === 0) return [];
  const all = [...own].slice(0, 10).map((server, index) => {
    const variable = `${environment}_URL_${index + 2}`;
    return `  //   ${JSON.stringify(server)}: env(${JSON.stringify(variable)}, ${JSON.stringify(server)}),`;
  });
  return [
    "  // some operations are reached at addresses of their own; take away the slashes to allow them",
    "  // servers: {",
    ...all,
    "  // },",
  ];
}

/** A name of the contract's inside a comment. */
function plain(name: string): string {
  return name.replace(/[^\p{L}\p{N} ._-]+/gu, " ").slice(0, 60);
}
