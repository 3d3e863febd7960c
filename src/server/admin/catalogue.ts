/** The addresses of the admin API about what the project defines, and about who may use it: systems, processes, keys, tokens. */
import type { SystemDefinition } from "../../connectors/system.ts";
import { failure } from "../../errors.ts";
import type { Engine } from "../../process/engine.ts";
import type { Keyring } from "../../publish/access/keyring.ts";
import type { Project } from "../project/project.ts";
import type { CircuitHealth } from "../systems/circuits.ts";
import type { AuditEntry } from "./audit.ts";
import type { AdminRoute } from "./route.ts";
import { list, ref } from "./schemas.ts";
import { type CheckSubscription, notices } from "./subscriptions.ts";
import { type Role, roles, type Tokens } from "./tokens.ts";

export interface Health {
  readonly state: "unknown" | "healthy" | "unhealthy";
  readonly reason?: string;
  readonly checkedAt?: number;
  readonly circuit?: CircuitHealth;
}

export interface CatalogueResources {
  /** As it is published now. */
  readonly project: () => Project;
  readonly engine: Pick<Engine, "counts">;
  /** Address of a system, without credentials. */
  readonly address: (system: string) => string;
  /** The last check; `now`: a new one. */
  readonly health: (system: string, now: boolean) => Health | Promise<Health>;
  readonly keyring: Keyring;
  readonly subscription: CheckSubscription;
  readonly tokens: Tokens;
  readonly audit: (filter: { readonly before?: number; readonly limit: number }) => readonly AuditEntry[];
}

const reason = { type: "string", maxLength: 500, description: "Why; stands in the audit." };

export function catalogueRoutes(resources: CatalogueResources): readonly AdminRoute[] {
  const { project, engine, health, keyring, tokens } = resources;
  const system = async (definition: SystemDefinition) => ({
    name: definition.name,
    connector: definition.connector,
    connection: resources.address(definition.name),
    operations: Object.values(definition.contract.operations).map(({ name, effect }) => ({
      name,
      effect: effectOf(definition, name) ?? effect,
    })),
    events: Object.keys(definition.contract.events),
    health: await health(definition.name, false),
  });
  return [
    {
      method: "GET",
      path: "/systems",
      name: "listSystems",
      summary: "Systems and their health",
      role: "viewer",
      answer: list("System", "systems"),
      handle: async () => ({ systems: await Promise.all([...project().systems.values()].map(system)) }),
    },
    {
      method: "GET",
      path: "/systems/{name}/health",
      name: "checkSystem",
      summary: "Asks a system for a sign of life now",
      role: "viewer",
      answer: ref("Health"),
      handle({ parameters }) {
        const { name = "" } = parameters;
        if (!project().systems.has(name)) throw failure("admin-unknown", { what: "such system" });
        return health(name, true);
      },
    },
    {
      method: "GET",
      path: "/processes",
      name: "listProcesses",
      summary: "Processes, with the number of runs by status",
      role: "viewer",
      answer: list("Process", "processes"),
      handle() {
        const counts = engine.counts();
        const processes = [...project().processes.values()].map(({ name, description, on }) => {
          const runs: Record<string, number> = {};
          for (const count of counts) {
            if (count.process === name) runs[count.status] = (runs[count.status] ?? 0) + count.runs;
          }
          const requirement = project().requirements.find((one) => one.process === name);
          return {
            name,
            ...(description === undefined ? {} : { description }),
            ...(on === undefined ? {} : { startsOn: `${on.system}.${on.name}` }),
            runs,
            ...(requirement === undefined ? {} : { requirement }),
          };
        });
        return { processes };
      },
    },
    {
      method: "GET",
      path: "/keys",
      name: "listKeys",
      summary: "API keys, newest first; never the keys themselves",
      role: "viewer",
      answer: list("Key", "keys"),
      handle: () => ({ keys: keyring.list() }),
    },
    {
      method: "POST",
      path: "/keys",
      name: "createKey",
      summary:
        "Makes an API key; it is shown this once. A scope that only deprecated versions have is given to nobody new",
      role: "admin",
      action: "key.create",
      target: ({ body }) => String(body.consumer),
      body: {
        properties: {
          consumer: { type: "string", maxLength: 100 },
          scopes: { type: "array", maxItems: 100, items: { type: "string", maxLength: 100 } },
          environment: { type: "string", maxLength: 12, description: "Default live." },
          expiresAt: { type: "integer", description: "Epoch milliseconds. Default: never." },
          reason,
        },
        required: ["consumer", "scopes"],
      },
      answer: {
        type: "object",
        required: ["key", "record", "notices"],
        properties: { key: { type: "string" }, record: ref("Key"), notices },
      },
      status: 201,
      async handle({ body, caller, audit }) {
        const consumer = String(body.consumer);
        const scopes = body.scopes as readonly string[];
        const told = await resources.subscription(consumer, { scopes });
        const made = await keyring.create({
          consumer,
          scopes,
          ...(body.environment === undefined ? {} : { environment: String(body.environment) }),
          ...(body.expiresAt === undefined ? {} : { expiresAt: Number(body.expiresAt) }),
          by: caller.name,
          alongside: [audit()],
        });
        return { ...made, notices: told };
      },
    },
    {
      method: "POST",
      path: "/keys/{id}/revoke",
      name: "revokeKey",
      summary: "Revokes an API key at once",
      role: "admin",
      action: "key.revoke",
      body: { properties: { reason }, required: [] },
      answer: ref("Done"),
      async handle({ parameters, caller, audit }) {
        await keyring.revoke(parameters.id as string, caller.name, [audit()]);
        return { done: true };
      },
    },
    {
      method: "POST",
      path: "/keys/{id}/rotate",
      name: "rotateKey",
      summary: "Makes the successor of an API key, shown this once; the key itself is valid until a stated time",
      role: "admin",
      action: "key.rotate",
      body: {
        properties: {
          validUntil: { type: "integer", description: "Epoch milliseconds. Default: in seven days." },
          expiresAt: {
            type: "integer",
            description: "Of the new key. Default: it lives as long as the old one was to; never, if that was so.",
          },
          reason,
        },
        required: [],
      },
      answer: {
        type: "object",
        required: ["key", "record"],
        properties: { key: { type: "string" }, record: ref("Key") },
      },
      status: 201,
      handle: ({ parameters, body, caller, audit }) =>
        keyring.rotate(parameters.id as string, {
          ...(body.validUntil === undefined ? {} : { validUntil: Number(body.validUntil) }),
          ...(body.expiresAt === undefined ? {} : { expiresAt: Number(body.expiresAt) }),
          by: caller.name,
          alongside: [audit()],
        }),
    },
    {
      method: "GET",
      path: "/tokens",
      name: "listTokens",
      summary: "Tokens of the admin API; never the tokens themselves",
      role: "admin",
      answer: list("Token", "tokens"),
      handle: () => ({ tokens: tokens.list() }),
    },
    {
      method: "POST",
      path: "/tokens",
      name: "createToken",
      summary: "Makes a named token; it is shown this once",
      role: "admin",
      action: "token.create",
      target: ({ body }) => String(body.name),
      body: {
        properties: { name: { type: "string", maxLength: 63 }, role: { enum: roles }, reason },
        required: ["name", "role"],
      },
      answer: {
        type: "object",
        required: ["name", "role", "token"],
        properties: { name: { type: "string" }, role: { enum: roles }, token: { type: "string" } },
      },
      status: 201,
      async handle({ body, caller, audit }) {
        const name = String(body.name);
        const role = body.role as Role;
        return { name, role, token: await tokens.create(name, role, caller.name, audit()) };
      },
    },
    {
      method: "POST",
      path: "/tokens/{name}/revoke",
      name: "revokeToken",
      summary: "Revokes a token at once",
      role: "admin",
      action: "token.revoke",
      body: { properties: { reason }, required: [] },
      answer: ref("Done"),
      async handle({ parameters, caller, audit }) {
        await tokens.revoke(parameters.name as string, caller.name, audit());
        return { done: true };
      },
    },
    {
      method: "GET",
      path: "/audit",
      name: "listAudit",
      summary: "Who changed what, newest first",
      role: "viewer",
      query: {
        before: { is: "integer", description: "`next` of the page before." },
        limit: { is: "integer", most: 500, description: "Entries of a page. Default 50." },
      },
      answer: {
        type: "object",
        required: ["entries", "next"],
        properties: { entries: { type: "array", items: ref("AuditEntry") }, next: { type: ["integer", "null"] } },
      },
      handle({ query }) {
        const limit = Number(query.limit ?? 50);
        const entries = resources.audit({
          ...(query.before === undefined ? {} : { before: Number(query.before) }),
          limit,
        });
        return { entries, next: entries.length === limit ? (entries.at(-1)?.id ?? null) : null };
      },
    },
  ];
}

function effectOf(definition: SystemDefinition, operation: string): string | undefined {
  const effects = definition.settings.effects as Readonly<Record<string, { effect: string }>> | undefined;
  return effects !== undefined && Object.hasOwn(effects, operation) ? effects[operation]?.effect : undefined;
}
