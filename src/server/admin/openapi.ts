/** The OpenAPI 3.1 document of the admin API, made of its routes. */
import type { Json, JsonSchema } from "../../operation.ts";
import { problemSchema } from "../../publish/problem.ts";
import type { AdminRoute } from "./route.ts";
import { schemas } from "./schemas.ts";

export function adminDocument(routes: readonly AdminRoute[], version: string): Json {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    const item = paths[route.path] ?? {};
    paths[route.path] = item;
    item[route.method.toLowerCase()] = operationOf(route);
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Mortise admin API",
      version,
      description: "Runs, tasks, systems, keys and tokens of one installation. Times are epoch milliseconds.",
    },
    servers: [{ url: "/" }],
    security: [{ token: [] }],
    paths,
    components: {
      schemas: { ...schemas, Problem: problemSchema },
      securitySchemes: { token: { type: "http", scheme: "bearer" } },
    },
  } as Json;
}

function operationOf(route: AdminRoute): unknown {
  const inPath = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
  const inQuery = Object.entries(route.query ?? {}).map(([name, parameter]) => ({
    name,
    in: "query",
    description: parameter.description,
    schema: {
      type: parameter.is === "integer" ? "integer" : "string",
      ...(parameter.allowed === undefined ? {} : { enum: parameter.allowed }),
      ...(parameter.most === undefined ? {} : { minimum: 1, maximum: parameter.most }),
    },
  }));
  const parameters = [...inPath, ...inQuery];
  return {
    operationId: route.name,
    summary: route.summary,
    ...(route.role === "public" ? { security: [] } : { description: `Needs the role ${route.role}.` }),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(route.body === undefined
      ? {}
      : { requestBody: { required: true, content: { "application/json": { schema: bodySchema(route.body) } } } }),
    responses: {
      [route.status ?? 200]: {
        description: route.summary,
        content: { "application/json": { schema: route.answer } },
      },
      default: { description: "A problem", content: { "application/problem+json": { schema: reference("Problem") } } },
    },
  };
}

/** The schema of a route's body. */
export function bodySchema(body: NonNullable<AdminRoute["body"]>): JsonSchema {
  return { type: "object", properties: body.properties, required: body.required, additionalProperties: false };
}

function reference(name: string): JsonSchema {
  return { $ref: `#/components/schemas/${name}` };
}
