/**
 * Errors in the form that a given contract declares for their status. A problem that fits there is sent as it is; where the contract has another
 * shape, `problems` of the API makes it. Of a status that the contract does not declare, a problem is a problem.
 */
import { bodyKind } from "../../contract/media.ts";
import { modelValidator, operationValidators } from "../../contract/validate.ts";
import { failure } from "../../errors.ts";
import type { JsonSchema, Validate } from "../../operation.ts";
import type { HttpResponse } from "../http.ts";
import { type Problem, problemResponse } from "../problem.ts";
import { concrete } from "./answers.ts";
import type { Spoken } from "./spoken.ts";

interface DeclaredError {
  readonly mediaType: string;
  readonly validate: Validate;
}

/** What the contract declares for a status: exactly, by its range, or for all others. */
export function declaredError(spoken: Spoken, status: number): DeclaredError | undefined {
  const { model, operation } = spoken;
  const { faults, declared } = operation.binding;
  for (const name of [String(status), `${Math.floor(status / 100)}XX`, "default"]) {
    const fault = faults.find((one) => one.status === name);
    if (fault !== undefined) {
      if (fault.mediaType === null) return undefined;
      return { mediaType: fault.mediaType, validate: operationValidators(model, operation).fault(fault.fault) };
    }
    const content = Object.entries(declared?.answers?.[name]?.content ?? {});
    const json = content.find(([type]) => bodyKind(type) === "json");
    if (json !== undefined) return { mediaType: json[0], validate: modelValidator(model, json[1] as JsonSchema) };
    if (content.length > 0) return undefined;
  }
  return undefined;
}

/** Gives an answer that is a problem the declared form; any other passes unchanged. */
export function errorShape(spoken: Spoken) {
  const known = new Map<number, DeclaredError | undefined>();
  return (response: HttpResponse, report: (error: unknown) => void): HttpResponse => {
    const { status, headers, body } = response;
    if (headers["content-type"] !== "application/problem+json" || typeof body !== "string") return response;
    if (!known.has(status)) known.set(status, declaredError(spoken, status));
    const declared = known.get(status);
    if (declared === undefined) return response;
    const shaped = shapeOf(spoken, declared, JSON.parse(body) as Problem);
    if (shaped.kind === "unfit") {
      // The status is right all the same: better a problem than nothing.
      report(new Error(`no body for ${status} of ${spoken.operation.name}: ${shaped.reason}`));
      return response;
    }
    const type = concrete(declared.mediaType);
    if (shaped.kind === "text")
      return { status, headers: { ...headers, "content-type": `${type}; charset=utf-8` }, body: shaped.value };
    return {
      status,
      headers: { ...headers, "content-type": type },
      body: shaped.kind === "as-it-is" ? body : JSON.stringify(shaped.value ?? null),
    };
  };
}

type Shaped =
  | { readonly kind: "as-it-is" }
  | { readonly kind: "made"; readonly value: unknown }
  | { readonly kind: "text"; readonly value: string }
  | { readonly kind: "unfit"; readonly reason: string };

function shapeOf({ problems }: Spoken, { validate, mediaType }: DeclaredError, problem: Problem): Shaped {
  const kind = bodyKind(mediaType);
  if (kind === "text" && problems === undefined && mediaType.startsWith("text/plain"))
    return { kind: "text", value: problem.detail };
  if (kind !== "json" && (kind !== "text" || problems === undefined))
    return { kind: "unfit", reason: `it is declared as ${mediaType}` };
  const [first] = kind === "json" ? validate(problem) : [{ at: "", message: "is no text" }];
  if (first === undefined) return { kind: "as-it-is" };
  if (problems === undefined) return { kind: "unfit", reason: `a problem does not fit: ${first.at} ${first.message}` };
  try {
    const value = problems(problem);
    const [wrong] = validate(value);
    if (wrong === undefined && kind === "text") return { kind: "text", value: String(value) };
    if (wrong === undefined) return { kind: "made", value };
    return { kind: "unfit", reason: `what problems makes does not fit: ${wrong.at} ${wrong.message}` };
  } catch (error) {
    return { kind: "unfit", reason: error instanceof Error ? error.message : String(error) };
  }
}

/** Why errors of these statuses can't be sent as the contract declares them; `undefined`: they can. */
export function errorProblem(spoken: Spoken, statuses: readonly number[]): string | undefined {
  for (const status of statuses) {
    const declared = declaredError(spoken, status);
    if (declared === undefined) continue;
    const kind = bodyKind(declared.mediaType);
    if (kind !== "json" && kind !== "text")
      return `its contract declares ${declared.mediaType} for ${status}, and errors are JSON or text`;
    const sample = problemResponse(failure("input-invalid", {}), "sample");
    const problem = { ...(JSON.parse(sample.body as string) as Problem), status };
    const shaped = shapeOf(spoken, declared, problem);
    if (shaped.kind !== "unfit") continue;
    if (spoken.problems === undefined)
      return `its contract declares a body of its own for ${status}; say how it is made of a problem, with problems: ({ status, title, detail }) => ...`;
    return `the body for ${status} does not fit its contract: ${shaped.reason}`;
  }
  return undefined;
}
