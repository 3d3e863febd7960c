/**
 * The control endpoint of a fake, under `/_fake`: what it serves, what came, and rules while it runs. Whoever reaches the fake reaches
 * it, but no page in a browser does: a change must be `application/json`, and the Host must be an address, never a name that can be rebound.
 */
import { MortiseError } from "../errors.ts";
import type { Json } from "../operation.ts";
import { curlOf } from "./curl.ts";
import type { Events } from "./events.ts";
import { type Came, problemReply, type Reply } from "./protocol.ts";
import { type Rule, type Rules, ruleFor } from "./rules.ts";
import type { ServedRequest } from "./serve.ts";
import type { FakeSystem } from "./system.ts";

export const controlPath = "/_fake";

export interface Controlled {
  readonly url: string;
  readonly system: FakeSystem;
  readonly rules: Rules;
  readonly events: Events;
  readonly requests: readonly ServedRequest[];
  rule(rule: Rule): void;
  reset(): void;
}

export async function control(fake: Controlled, came: Came): Promise<Reply> {
  const host = (came.headers.host ?? "").replace(/:\d+$/, "");
  if (!/^(localhost|\d+\.\d+\.\d+\.\d+|\[[0-9a-f:]+\])$/i.test(host))
    return problemReply(403, "Forbidden", "The control endpoint is reached by localhost or an address.");
  const what = came.path.slice(controlPath.length).replace(/^\/|\/$/g, "");
  const route = `${came.method} ${what.split("/", 1)[0]!}`;
  try {
    switch (route) {
      case "GET ":
        return json(overview(fake));
      case "GET requests":
        return json(fake.requests as unknown as Json);
      case "GET rules":
        return json(fake.rules.list() as unknown as Json);
    }
    if (!/^application\/json\b/i.test(came.headers["content-type"] ?? ""))
      return problemReply(415, "Unsupported Media Type", "A change is sent with content-type: application/json.");
    const body = came.body.length === 0 ? {} : (JSON.parse(Buffer.from(came.body).toString("utf8")) as unknown);
    if (typeof body !== "object" || body === null || Array.isArray(body))
      return problemReply(400, "Bad Request", "The body must be an object.");
    return await change(fake, route, what, body as Body);
  } catch (error) {
    if (error instanceof MortiseError)
      return problemReply(error.status < 500 ? error.status : 400, "Refused", error.message);
    if (error instanceof SyntaxError) return problemReply(400, "Bad Request", "The body is not JSON.");
    throw error;
  }
}

interface Body {
  readonly operation?: unknown;
  readonly does?: unknown;
  readonly output?: Json;
  readonly fault?: unknown;
  readonly detail?: Json;
  readonly times?: unknown;
  readonly payload?: Json;
  readonly count?: unknown;
}

async function change(fake: Controlled, route: string, what: string, body: Body): Promise<Reply> {
  const operation = typeof body.operation === "string" ? body.operation : undefined;
  switch (route) {
    case "POST rules": {
      if (operation === undefined)
        return problemReply(400, "Bad Request", '"operation" is missing: a name of the contract, or "*".');
      fake.rule(ruleIn(operation, body));
      return json(fake.rules.list() as unknown as Json, 201);
    }
    case "DELETE rules":
      fake.rules.clear(operation);
      return json(fake.rules.list() as unknown as Json);
    case "POST reset":
      fake.reset();
      return json({});
    case "POST events": {
      const name = decodeURIComponent(what.slice("events/".length));
      const count = typeof body.count === "number" ? body.count : 1;
      return json(
        (await fake.events.emit(name, {
          ...(body.payload === undefined ? {} : { payload: body.payload }),
          count,
        })) as unknown as Json,
      );
    }
    default:
      return problemReply(
        404,
        "Not Found",
        "There are GET /_fake, /_fake/requests and /_fake/rules, POST and DELETE /_fake/rules, POST /_fake/reset and /_fake/events/NAME.",
      );
  }
}

function ruleIn(operation: string, body: Body): Rule {
  const times = typeof body.times === "number" && body.times >= 1 ? { times: Math.floor(body.times) } : {};
  const base =
    typeof body.does === "string" ? ruleFor(operation, body.does) : { operation, effect: { kind: "usual" } as const };
  if (body.output !== undefined) return { ...base, ...times, effect: { kind: "output", output: body.output } };
  if (typeof body.fault === "string") {
    const detail = body.detail === undefined ? {} : { detail: body.detail };
    return { ...base, ...times, effect: { kind: "fault", name: body.fault, ...detail } };
  }
  return { ...base, ...times };
}

function overview({ system, url, rules, events }: Controlled): Json {
  const { model } = system;
  return {
    system: model.name,
    language: model.source.language,
    url,
    seed: system.seed,
    operations: Object.values(model.operations).map((operation) => ({
      name: operation.name,
      effect: operation.effect,
      faults: Object.keys(operation.faults),
      curl: curlOf(system, operation, url) ?? null,
    })),
    events: events.names,
    rules: rules.list() as unknown as Json,
  };
}

function json(value: Json, status = 200): Reply {
  return { status, headers: { "content-type": "application/json" }, body: `${JSON.stringify(value, null, 2)}\n` };
}
