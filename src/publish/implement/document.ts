/**
 * The served form of a given contract: the document that was given, with what only this server knows. Its servers are ours, how callers prove
 * who they are is what `access` says, errors that are made here and not declared are added, and what is not served is left out. The document
 * as it was given is served beside it, byte for byte.
 */
import type { Json } from "../../operation.ts";
import type { ApiDefinition } from "../define.ts";
import type { Prepared } from "../exchange.ts";
import { failureStatuses, type OpenApiDocument, problemAnswer } from "../openapi.ts";
import { problemSchema } from "../problem.ts";
import { concrete } from "./answers.ts";
import { declaredError } from "./errors.ts";
import { followed, isObject, type Member, pathItem } from "./pointer.ts";
import type { Spoken } from "./spoken.ts";

const methods = ["get", "put", "post", "delete", "options", "head", "patch", "trace", "query"] as const;

export function servedDocument(
  api: ApiDefinition,
  given: { readonly [member: string]: Json },
  operations: readonly Prepared[],
  schemes: Readonly<Record<string, unknown>>,
): OpenApiDocument {
  const document = structuredClone(given) as Member;
  const info = isObject(document.info) ? document.info : {};
  const components = isObject(document.components) ? document.components : {};
  const schemas = isObject(components.schemas) ? { ...components.schemas } : {};
  const problem = freeName(schemas, "Problem");
  schemas[problem] = problemSchema;
  const writing: Writing = {
    api,
    problem,
    follow: (value) => followed(document, value),
    ...securityFor(document, components, operations, schemes),
  };
  const byRoute = new Map(
    operations.flatMap((prepared) => {
      const { spoken } = prepared.operation;
      return spoken === undefined ? [] : [[routeOf(spoken), { prepared, spoken }] as const];
    }),
  );
  const paths: Member = {};
  for (const path of Object.keys(isObject(document.paths) ? document.paths : {})) {
    // Where it is reached is said once, by the document's own servers.
    const { servers: _, ...item } = pathItem(document, path);
    let any = false;
    for (const method of methods) {
      const found = byRoute.get(`${method.toUpperCase()} ${path}`);
      if (found === undefined) Reflect.deleteProperty(item, method);
      else {
        item[method] = operationOf(item[method] as Member, found, writing);
        any = true;
      }
    }
    if (any) paths[path] = item;
  }
  for (const gone of ["security", "webhooks", "x-webhooks"]) Reflect.deleteProperty(document, gone);
  const { securitySchemes: _, ...others } = components;
  return {
    ...document,
    info: {
      ...info,
      title: api.title ?? String(info.title ?? api.name),
      version: api.version,
      "x-lifecycle": api.lifecycle.state,
    },
    servers: [{ url: `${api.server ?? ""}${api.base}` }],
    paths,
    components: {
      ...others,
      schemas,
      ...(Object.keys(writing.schemes).length > 0 ? { securitySchemes: writing.schemes } : {}),
    },
  } as unknown as OpenApiDocument;
}

/** What all operations of a document share. */
interface Writing {
  readonly api: ApiDefinition;
  /** The name of the schema of problems. */
  readonly problem: string;
  readonly follow: (value: unknown) => Member;
  readonly schemes: Member;
  readonly securityOf: (written: Member, operation: Prepared["operation"]) => unknown;
}

/**
 * What the contract says of how callers prove who they are stays as it is: `access` was found to take it (checks.ts). Where it says nothing, or
 * `ownAccess` is set, the ways of `access` stand there, beside its own schemes.
 */
function securityFor(
  document: Member,
  components: Member,
  operations: readonly Prepared[],
  schemes: Readonly<Record<string, unknown>>,
): Pick<Writing, "schemes" | "securityOf"> {
  const keeps = ({ spoken }: Prepared["operation"]) =>
    spoken !== undefined && spoken.ownAccess !== true && spoken.operation.security !== undefined;
  const theirs = isObject(components.securitySchemes) ? components.securitySchemes : {};
  const kept = operations.some(({ operation }) => keeps(operation));
  const ours = operations.some(({ operation }) => !keeps(operation) && operation.access !== "public");
  const all: Member = kept ? { ...theirs } : {};
  const names: string[] = [];
  if (ours)
    for (const [name, scheme] of Object.entries(schemes)) {
      const free = freeName(all, name);
      all[free] = scheme;
      names.push(free);
    }
  return {
    schemes: all,
    securityOf(written, operation) {
      if (keeps(operation)) return written.security ?? document.security ?? [];
      const scopes = operation.scope === undefined ? [] : [operation.scope];
      return operation.access === "public" ? [] : names.map((name) => ({ [name]: scopes }));
    },
  };
}

export function routeOf({ operation }: Spoken): string {
  return `${operation.binding.method} ${operation.binding.path}`;
}

function operationOf(
  given: Member,
  { prepared, spoken }: { readonly prepared: Prepared; readonly spoken: Spoken },
  { api, problem, follow, securityOf }: Writing,
): Member {
  const { operation } = prepared;
  const { binding } = spoken.operation;
  const { servers: _, callbacks: __, ...rest } = given;
  const responses: Member = {};
  for (const [status, written] of Object.entries((given.responses ?? {}) as Member)) {
    const entry = [...binding.success, ...binding.faults].find((one) => one.status === status.toUpperCase());
    responses[status] = only(written, entry?.mediaType, follow);
  }
  const declared = (status: number) =>
    declaredError(spoken, status) !== undefined ||
    [String(status), `${Math.floor(status / 100)}XX`, "default"].some(
      (name) => Object.hasOwn(responses, name) || Object.hasOwn(responses, name.toLowerCase()),
    );
  for (const status of failureStatuses(prepared, api))
    if (!declared(status)) responses[String(status)] = problemAnswer(status, problem);
  return {
    ...rest,
    ...(given.requestBody === undefined
      ? {}
      : { requestBody: only(given.requestBody, binding.body?.mediaType, follow) }),
    responses,
    security: securityOf(given, operation),
  };
}

/** A body or an answer in the one media type that is spoken; as it is written where there is no other. */
function only(written: unknown, mediaType: string | null | undefined, follow: (value: unknown) => Member): unknown {
  const whole = follow(written);
  const content = whole.content as Member | undefined;
  if (content === undefined || mediaType === undefined || mediaType === null) return written;
  if (Object.keys(content).length < 2) return written;
  const kept = Object.hasOwn(content, mediaType) ? mediaType : undefined;
  return kept === undefined ? written : { ...whole, content: { [concrete(kept)]: content[kept] } };
}

function freeName(taken: Member, wanted: string): string {
  let name = wanted;
  for (let count = 2; Object.hasOwn(taken, name); count++) name = `${wanted}${count}`;
  return name;
}
