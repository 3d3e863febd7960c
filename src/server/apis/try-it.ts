/**
 * Answers for trying out a published API: a fake made from its OpenAPI document answers, inside this process. No operation is called, no
 * system is reached, nothing is kept.
 */
import { isDeepStrictEqual } from "node:util";
import { type ErrorCode, failure } from "../../errors.ts";
import { openStillFake, type StillFake } from "../../fakes/still.ts";
import { STATUS_CODES } from "../../http.ts";
import type { JsonSchema } from "../../operation.ts";
import { type MakeUp, mostTriedBytes } from "../../publish/docs/try.ts";
import type { OpenApiDocument, OpenApiOperation } from "../../publish/openapi.ts";
import type { Problem } from "../../publish/problem.ts";
import { modelOf } from "./published/compare.ts";

interface Opened {
  readonly fake: StillFake;
  /** Operations that answer with a stream of events. */
  readonly streams: ReadonlySet<string>;
  /** Operations that ask for an Idempotency-Key: the API has an error of its own for one that is missing. */
  readonly keyed: ReadonlySet<string>;
  /** Operations that answer a request that is new with 201, and with 200 one that was there before. */
  readonly creating: ReadonlySet<string>;
}

/** The document is read at the first request: most are never tried out. */
export function makeUp(document: OpenApiDocument): MakeUp {
  let opened: Promise<Opened> | undefined;
  return async ({ wanted, ...came }) => {
    opened ??= open(document);
    const { fake, streams, keyed, creating } = await opened;
    const { operation = "", problems, ...reply } = fake.answer(came, wanted);
    if (wanted === undefined && keyed.has(operation) && came.headers["idempotency-key"] === undefined) {
      const error = failure("idempotency-key-missing", {});
      const problem = problemOf(error.status, error.message, error.code);
      return {
        status: error.status,
        headers: { "content-type": "application/problem+json" },
        body: JSON.stringify(problem),
      };
    }
    if (problems !== undefined) return { ...reply, body: JSON.stringify(refusal(reply.status, problems)) };
    // Nothing was there before.
    if (reply.status === 200 && wanted === undefined && creating.has(operation)) return { ...reply, status: 201 };
    return reply.status === 200 && streams.has(operation) ? asStream(reply) : reply;
  };
}

async function open(document: OpenApiDocument): Promise<Opened> {
  const streams = new Set<string>();
  const keyed = new Set<string>();
  const creating = new Set<string>();
  const plain = (operation: OpenApiOperation): OpenApiOperation => {
    const responses = Object.entries(operation.responses).map(([status, response]): [string, unknown] => {
      const schema = eventData(response);
      if (schema === undefined) return [status, response];
      streams.add(operation.operationId);
      return [status, { description: "", content: { "application/json": { schema } } }];
    });
    if (operation.parameters?.some(({ name, required }) => name === "Idempotency-Key" && required))
      keyed.add(operation.operationId);
    if (sameContent(operation.responses[200], operation.responses[201])) creating.add(operation.operationId);
    return { ...operation, responses: Object.fromEntries(responses) };
  };
  const paths = mapped(document.paths, (item) => mapped(item, plain));
  const responses = Object.fromEntries(Object.entries(document.components.responses).map(withExample));
  const components = { ...document.components, responses };
  const model = await modelOf("openapi.json", JSON.stringify({ ...document, paths, components }));
  return { fake: openStillFake(model, { maxBytes: mostTriedBytes }), streams, keyed, creating };
}

/** The code that callers meet most often under each status. */
const codes: Readonly<Record<number, ErrorCode>> = {
  400: "input-invalid",
  401: "credential-missing",
  403: "scope-missing",
  404: "resource-unknown",
  406: "not-acceptable",
  409: "idempotency-in-flight",
  413: "body-too-large",
  415: "media-type-unsupported",
  422: "run-not-completed",
  429: "quota-exceeded",
  500: "internal",
  502: "system-failed",
  503: "system-unavailable",
  504: "system-outcome-unknown",
};

function problemOf(status: number, detail: string, code: string = codes[status] ?? "internal"): Problem {
  const title = STATUS_CODES[status] ?? "A problem";
  return { type: `urn:mortise:error:${code}`, title, status, detail, instance: "urn:mortise:request:made-up" };
}

/** As the API itself refuses what does not fit. */
function refusal(status: number, problems: readonly { readonly at: string; readonly message: string }[]): Problem {
  const detail = failure("input-invalid", {}).message;
  return { ...problemOf(status, detail), errors: problems.map(({ at, message }) => ({ pointer: at, message })) };
}

/** `Problem404`, with a problem as it would be. */
function withExample([name, response]: [string, unknown]): [string, unknown] {
  const whole = response as { readonly description: string; readonly content?: Readonly<Record<string, object>> };
  const [, status] = /^Problem(\d{3})$/.exec(name) ?? [];
  if (status === undefined || whole.content === undefined) return [name, response];
  const example = problemOf(Number(status), whole.description);
  return [name, { ...whole, content: mapped(whole.content, (one) => ({ ...one, example })) }];
}

const mapped = <A, B>(of: Readonly<Record<string, A>>, by: (one: A) => B): Readonly<Record<string, B>> =>
  Object.fromEntries(Object.entries(of).map(([name, one]) => [name, by(one)]));

function sameContent(one: unknown, other: unknown): boolean {
  const [a, b] = [one, other].map((response) => (response as { readonly content?: unknown } | undefined)?.content);
  return a !== undefined && isDeepStrictEqual(a, b);
}

/** The schema of what each event holds, where the answer is a stream of events. */
function eventData(response: unknown): JsonSchema | undefined {
  const { content } = response as { readonly content?: Readonly<Record<string, Readonly<Record<string, JsonSchema>>>> };
  return content?.["text/event-stream"]?.["x-event-data"];
}

/** One event, and the end. */
function asStream<R extends { readonly body: string | Uint8Array }>(reply: R): R {
  const text = typeof reply.body === "string" ? reply.body : Buffer.from(reply.body).toString("utf8");
  const body = `id: 1\ndata: ${text}\n\nevent: end\ndata: {"reason":"final"}\n\n`;
  return { ...reply, headers: { "content-type": "text/event-stream" }, body };
}
