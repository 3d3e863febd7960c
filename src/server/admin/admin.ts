/**
 * The admin API: from a request to a route's answer. Order: origin, route, token, role, form of the request, the act, the audit.
 * A change is audited whether it was done or refused. Changes of keys and tokens, and their entries, are one commit; what the
 * engine does (runs, tasks, signals) is audited after it, and stands in the run's own history too.
 */
import { asMortiseError, failure } from "../../errors.ts";
import { parseJson } from "../../formats/json.ts";
import type { AdminFact } from "../../observe/facts.ts";
import { inWords, type JsonSchema, type Problem, type Validate } from "../../operation.ts";
import type { HttpHandler, HttpRequest, HttpResponse } from "../../publish/http.ts";
import { ProblemError, problemResponse } from "../../publish/problem.ts";
import { reportFailure } from "../../publish/report-failure.ts";
import { checkPath, createRoutes } from "../../publish/routes.ts";
import type { Command, Store } from "../../store/store.ts";
import { guardOrigin } from "./guard.ts";
import { adminDocument, bodySchema } from "./openapi.ts";
import { type AdminCall, type AdminRoute, RawAnswer } from "./route.ts";
import type { AuditParameters } from "./store-part.ts";
import { allows, type Caller, type Tokens } from "./tokens.ts";

export interface AdminOptions {
  readonly routes: readonly AdminRoute[];
  readonly tokens: Pick<Tokens, "authenticate">;
  readonly store: Pick<Store, "submit">;
  /** Compiles a schema of our own routes. */
  readonly compile: (schema: JsonSchema) => Validate;
  /** Of Mortise, for the document. */
  readonly version: string;
  /** Told of every request: `mortise:server:admin`. */
  readonly onRequest: (fact: AdminFact) => void;
}

interface Bound {
  readonly route: AdminRoute;
  readonly check: Validate | undefined;
}

const longestBody = 1_048_576;
const personForm = /^[A-Za-z0-9._@-]{1,64}$/;

export function createAdmin(options: AdminOptions): HttpHandler {
  const table = createRoutes<Bound>();
  const document: AdminRoute = {
    method: "GET",
    path: "/openapi.json",
    name: "getDescription",
    summary: "This document",
    role: "public",
    answer: { type: "object" },
    handle: () => description,
  };
  const routes = [...options.routes, document];
  const description = adminDocument(routes, options.version);
  for (const route of routes) {
    const check = route.body === undefined ? undefined : options.compile(bodySchema(route.body));
    table.add(route.method, route.path, { route, check });
  }

  /** Writes the entry of a change that was not written with the change itself. */
  async function audit(entry: AuditParameters): Promise<void> {
    await options.store.submit([{ name: "admin.audit", parameters: entry }]);
  }

  async function answer(request: HttpRequest, seen: { route: string; by: string }): Promise<HttpResponse> {
    guardOrigin(request);
    // A consumer of a token may be called https://client.example, or ACME\anna.
    checkPath(request.path, true);
    const found = table.find(request.method, request.path);
    if (found === undefined) {
      const methods = table.methods(request.path);
      if (methods.length === 0) throw failure("admin-unknown", { what: "such address" });
      const allowed = methods.join(", ");
      const error = failure("method-not-allowed", { method: request.method, allowed });
      throw new ProblemError(error, { headers: { allow: allowed } });
    }
    const { route, check } = found.value;
    seen.route = `${route.method} ${route.path}`;
    const caller = route.role === "public" ? nobody : authenticate(request, options.tokens);
    seen.by = caller.name;
    const query = readQuery(route, request.query);
    const body = check === undefined ? {} : await readBody(request, check);
    let audited = false;
    const entry = (result: string): AuditParameters => ({
      by: caller.name,
      role: caller.role,
      action: route.action ?? "",
      target: (route.target?.(call) ?? Object.values(found.params).join("/")).slice(0, 300),
      reason: typeof body.reason === "string" ? body.reason : "",
      result,
    });
    const call: AdminCall = {
      parameters: found.params,
      query,
      body,
      caller,
      audit(): Command {
        audited = true;
        return { name: "admin.audit", parameters: entry("done") };
      },
    };
    try {
      if (route.role !== "public" && !allows(caller.role, route.role)) {
        throw failure("admin-forbidden", { needed: route.role, token: caller.name, role: caller.role });
      }
      const result = await route.handle(call);
      if (route.action !== undefined && !audited) await audit(entry("done"));
      return result instanceof RawAnswer
        ? { status: result.status, headers: { "content-type": result.type }, body: result.body }
        : {
            status: route.status ?? 200,
            headers: { "content-type": "application/json" },
            body: JSON.stringify(result),
          };
    } catch (error) {
      // A refused change of the same commit took its entry back with it.
      if (route.action !== undefined) await audit(entry(codeOf(error)));
      throw error;
    }
  }

  return async (request) => {
    const startedAt = performance.now();
    const seen = { route: "none", by: "" };
    let response: HttpResponse;
    let code = "";
    try {
      response = await answer(request, seen);
    } catch (error) {
      code = codeOf(error);
      response = problemResponse(error, request.id);
      // The answer does not say what it was.
      if (response.status === 500) reportFailure(error, request.id);
    }
    const durationMs = performance.now() - startedAt;
    options.onRequest({ method: request.method, ...seen, status: response.status, code, durationMs });
    return response;
  };
}

const nobody: Caller = { name: "", role: "viewer" };

function authenticate(request: HttpRequest, tokens: Pick<Tokens, "authenticate">): Caller {
  const match = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? "");
  const caller = match?.[1] === undefined ? undefined : tokens.authenticate(match[1]);
  if (caller === undefined) {
    throw new ProblemError(failure("admin-unauthorized", {}), { headers: { "www-authenticate": "Bearer" } });
  }
  // The command line says which person of this machine used the local token.
  const person = request.headers["x-mortise-by"];
  if (caller.name === "local" && person !== undefined && personForm.test(person)) {
    return { ...caller, name: `local:${person}` };
  }
  return caller;
}

function readQuery(route: AdminRoute, text: string): AdminCall["query"] {
  const query: Record<string, string | number | undefined> = Object.create(null);
  const problems: Problem[] = [];
  for (const [name, value] of new URLSearchParams(text)) {
    const at = `/query/${name}`;
    const parameter = Object.hasOwn(route.query ?? {}, name) ? route.query?.[name] : undefined;
    if (parameter === undefined) problems.push({ at, message: "is no parameter of this address" });
    else if (query[name] !== undefined) problems.push({ at, message: "stands there twice" });
    else {
      const read = readParameter(parameter.is, value);
      const fits =
        read !== undefined &&
        (parameter.allowed === undefined || parameter.allowed.includes(value)) &&
        (parameter.most === undefined || (Number(read) >= 1 && Number(read) <= parameter.most));
      if (fits) query[name] = read;
      else problems.push({ at, message: `must be ${formOf(parameter)}` });
    }
  }
  refuseProblems(problems);
  return query;
}

function readParameter(is: "text" | "integer" | "time", value: string): string | number | undefined {
  if (is === "text") return value;
  if (/^\d{1,16}$/.test(value)) return Number(value);
  if (is === "integer") return undefined;
  const time = /^\d{4}-\d\d-\d\d/.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
}

function formOf({ is, allowed, most }: { is: string; allowed?: readonly string[]; most?: number }): string {
  if (allowed !== undefined) return `one of ${allowed.join(", ")}`;
  if (is === "time") return "an ISO 8601 time, or epoch milliseconds";
  return most === undefined ? "a whole number" : `a whole number from 1 to ${most}`;
}

async function readBody(request: HttpRequest, check: Validate): Promise<Readonly<Record<string, unknown>>> {
  const body = parseJson(await request.body(longestBody), { duplicates: "refuse" });
  refuseProblems(check(body));
  return body as Readonly<Record<string, unknown>>;
}

/** Throws `admin-request` if there are problems. */
export function refuseProblems(problems: readonly Problem[]): void {
  if (problems.length === 0) return;
  const shown = problems.slice(0, 20);
  throw new ProblemError(failure("admin-request", { problems: inWords(shown, "the body") }, { details: shown }), {
    errors: shown.map(({ at, message }) => ({ pointer: at, message })),
  });
}

function codeOf(error: unknown): string {
  return error instanceof ProblemError ? error.error.code : asMortiseError(error).code;
}
