/**
 * Bytes through to a system and back, unread: nothing of them is kept, repeated, shared or remembered, and each side waits for the slower one. What breaks on one side breaks on
 * the other.
 */
import { randomUUID } from "node:crypto";
import { accepts, essence } from "../../contract/media.ts";
import type { OperationModel } from "../../contract/model.ts";
import { givesRanges, passingBody, passingTypes } from "../../contract/passing.ts";
import { failure } from "../../errors.ts";
import type { CallContext, Json, Passage, PassResult, Schema } from "../../operation.ts";
import { type Answered, callPort, unseen } from "../act-call.ts";
import type { Answers } from "../answers/answers.ts";
import type { ApiDefinition } from "../define.ts";
import type { Act, Exchange, Workshop } from "../exchange.ts";
import type { HttpRequest, HttpResponse } from "../http.ts";
import type { Spoken } from "../implement/spoken.ts";
import type { CallsOperation } from "../operations.ts";
import { passedBody } from "./body.ts";
import { attachment } from "./disposition.ts";

export const usualDownloadBytes = 1_073_741_824;
export const usualUploadBytes = 104_857_600;

/** What of an operation passes: worked out once, from its contract and from what the API says. */
export interface PassPlan {
  /** Media types that are taken, as they are sent; `undefined`: the request is read. */
  readonly upload?: { readonly types: readonly string[]; readonly required: boolean; readonly maxBytes: number };
  readonly download?: { readonly types: readonly string[]; readonly maxBytes: number; readonly ranges: boolean };
}

/** `undefined`: nothing passes. Throws `api-definition` where the contract says that something has to be read. */
export function passPlan(
  api: ApiDefinition,
  name: string,
  calls: CallsOperation,
  model: OperationModel | undefined,
): PassPlan | undefined {
  const { upload, download, operation, spoken } = calls;
  if (upload === undefined && download === undefined) return undefined;
  const shown = `${operation.system}.${operation.name}`;
  const refuse = (reason: string) => failure("api-definition", { api: api.name, reason: `${name} ${reason}` });
  const named = (what: string, own: readonly string[] | undefined, declared: readonly string[]) => {
    const types = own ?? declared;
    const range = types.find((type) => type.includes("*"));
    if (range !== undefined || types.length === 0)
      throw refuse(
        `lets ${what} of ${shown} through: name their media types, ${what === "answers" ? "download" : "upload"}: { types: [...] }`,
      );
    return Object.freeze(types.map(essence));
  };
  const given = spoken === undefined || model === undefined ? undefined : givenPlan(spoken, calls, model, refuse);
  const body = model && passingBody(model);
  if (upload !== undefined && body === undefined)
    throw refuse(
      `uploads to ${shown}, whose contract has no body that can go through unread (bytes, or text without rules)`,
    );
  const types = model && passingTypes(model);
  if (download !== undefined && types === undefined)
    throw refuse(`downloads from ${shown}, whose contract has answers that have to be read`);
  return {
    ...(upload === undefined || body === undefined
      ? {}
      : {
          upload: {
            types: given?.taken ?? named("requests", upload.types, [body.mediaType]),
            required: given?.required ?? body.required,
            maxBytes: upload.maxBytes ?? usualUploadBytes,
          },
        }),
    ...(download === undefined || types === undefined || model === undefined
      ? {}
      : {
          download: {
            types: given?.given ?? named("answers", download.types, types),
            maxBytes: download.maxBytes ?? usualDownloadBytes,
            ranges: givesRanges(model) && given?.ranges !== false,
          },
        }),
  };
}

/** What a given contract says of what passes; it may go through where the system says so, too. */
function givenPlan(
  { operation, status, headers }: Spoken,
  { upload, download, operation: target }: CallsOperation,
  model: OperationModel,
  refuse: (reason: string) => Error,
) {
  const shared = (outside: readonly string[], inside: readonly string[]): readonly string[] => {
    const both = [
      ...outside.filter((type) => inside.some((other) => accepts(other, type))),
      ...inside.filter((type) => outside.some((other) => accepts(other, type))),
    ].filter((type) => !type.includes("*"));
    if (both.length > 0) return Object.freeze([...new Set(both.map(essence))]);
    throw refuse(
      `says ${outside.join(", ")} in its contract and ${target.system}.${target.name} says ${inside.join(", ")}: no media type is both, or only ranges are`,
    );
  };
  const unread = "that can go through unread (bytes, or text without rules)";
  const [body, inner] = upload === undefined ? [] : [passingBody(operation), passingBody(model)];
  if (upload !== undefined && body === undefined) throw refuse(`is an upload, and its contract has no body ${unread}`);
  if (body?.required === false && inner?.required === true)
    throw refuse(
      `may come without a body by its contract, and ${target.system}.${target.name} needs one; say required: true in the document`,
    );
  const [types, gives] = download === undefined ? [] : [passingTypes(operation), passingTypes(model)];
  const is200 = operation.binding.success.some((one) => one.status === "200");
  if (download !== undefined && (types === undefined || !is200))
    throw refuse(`is a download, and its contract has no 200 ${unread}`);
  if (download !== undefined && (status !== undefined || headers !== undefined))
    throw refuse("is a download, which goes with no status and no headers: its answer is not read");
  return {
    required: body?.required ?? false,
    taken: body === undefined || inner === undefined ? [] : shared([body.mediaType], [inner.mediaType]),
    given: types === undefined || gives === undefined ? [] : shared(types, gives),
    ranges: givesRanges(operation),
  };
}

export function passAct(
  operation: CallsOperation,
  { upload, download }: PassPlan,
  input: Schema,
  output: Schema,
  shop: Workshop,
  answers: Answers,
): Act {
  const { backend, signal } = shop;
  const { operation: target, timeoutMs } = operation;
  const { inputOf, allowed, answer, publicFailure } = callPort(operation, input, output, shop, answers);

  return async (exchange) => {
    const { request } = exchange;
    const asked = inputOf(exchange);
    const { input: value } = asked;
    if (!allowed(exchange, value, undefined)) throw failure("not-allowed", {});
    const body = upload === undefined ? undefined : bodyOf(request, upload);
    const passage: Passage = {
      ...(body === undefined ? {} : { body }),
      ...(download === undefined
        ? {}
        : {
            answer: {
              types: download.types,
              maxBytes: download.maxBytes,
              ...(download.ranges ? rangeOf(request) : {}),
            },
          }),
    };
    let broken: unknown;
    body?.stream.on("error", (error: unknown) => {
      broken ??= error;
    });
    const context: CallContext = { key: randomUUID(), attempt: 1, deadline: Date.now() + timeoutMs, signal };
    let result: PassResult;
    try {
      result = await backend.pass(target, value, context, passage);
      if (result.kind === "read") return shown(answer(result.result, asked), exchange, value);
    } catch (error) {
      body?.stream.destroy();
      // Whatever else it led to: it was the caller's body that broke.
      throw isOurs(broken) ? broken : publicFailure(error, request.id);
    }
    result.body.on("error", (error) => shop.report(error, request.id));
    return passed(result, download?.ranges === true);
  };

  function shown({ output: resource, response }: Answered, exchange: Exchange, value: Json): HttpResponse {
    if (!allowed(exchange, value, resource)) throw unseen();
    return response;
  }
}

/** Of what a client did: it is told that, and not what came of it at the system. */
function isOurs(error: unknown): boolean {
  const code = (error as { readonly code?: unknown } | undefined)?.code;
  return code === "body-too-large" || code === "request-timeout" || code === "request-malformed";
}

function bodyOf(
  request: HttpRequest,
  upload: NonNullable<PassPlan["upload"]>,
): NonNullable<Passage["body"]> | undefined {
  const { "content-type": type, "content-encoding": coding, "content-length": length } = request.headers;
  const empty = request.headers["transfer-encoding"] === undefined && (length === undefined || Number(length) === 0);
  if (empty && type === undefined && !upload.required) return undefined;
  const fits = type !== undefined && sendable.test(type) && upload.types.includes(essence(type));
  if (!fits || (coding !== undefined && coding.toLowerCase() !== "identity"))
    throw failure("media-type-unsupported", { expected: upload.types.join(" or ") });
  return { ...passedBody(request, upload.maxBytes), type };
}

/** One type with parameters: what goes on into another header must be one. */
const sendable = /^[\w.+-]+\/[\w.+-]+(\s*;\s*[\w.-]+=("[\w .,:=/+-]*"|[\w.+-]+))*$/;

function rangeOf({ headers }: HttpRequest): { readonly range?: string; readonly ifRange?: string } {
  const { range, "if-range": ifRange } = headers;
  // RFC 9110, section 14.2: what is not understood, or ends before it begins, is ignored. One range: several would be answered as multipart.
  const asked = /^bytes=(?:(\d{1,15})-(\d{0,15})|-\d{1,15})$/.exec(range ?? "");
  if (asked === null || (asked[2] !== undefined && asked[2] !== "" && Number(asked[2]) < Number(asked[1]))) return {};
  return ifRange === undefined || ifRange.length > 200 ? { range: asked[0] } : { range: asked[0], ifRange };
}

/** The answer to the caller: of the system's headers only what is known, in a form of our own. */
function passed(
  { status, headers: given, type, body }: PassResult & { readonly kind: "passed" },
  ranges: boolean,
): HttpResponse {
  const headers: Record<string, string> = {
    "content-type": sendable.test(type) ? type : essence(type),
    "content-disposition": attachment(given["content-disposition"]),
    "accept-ranges": ranges ? "bytes" : "none",
  };
  const { "content-length": length, "content-range": part, etag, "last-modified": modified } = given;
  if (length !== undefined && /^\d{1,15}$/.test(length)) headers["content-length"] = length;
  if (!ranges) return { status: 200, headers, stream: body };
  if (status === 206 && part !== undefined && /^bytes \d{1,15}-\d{1,15}\/(\d{1,15}|\*)$/.test(part))
    headers["content-range"] = part;
  // What `If-Range` needs.
  if (etag !== undefined && /^(W\/)?"[\x21\x23-\x7e]{0,200}"$/.test(etag)) headers.etag = etag;
  if (modified !== undefined && /^[A-Za-z0-9,: ]{1,40}$/.test(modified)) headers["last-modified"] = modified;
  return { status: status === 206 ? 206 : 200, headers, stream: body };
}
