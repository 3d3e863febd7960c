/** A call whose bodies pass unread. What is no success is read as in any other call. */
import { essence } from "../contract/media.ts";
import { failure } from "../errors.ts";
import type { CallContext, CallResult, Passage, PassResult } from "../operation.ts";
import type {
  Outbound,
  OutboundResponse,
  OutboundStreamRequest,
  OutboundStreamResponse,
} from "../outbound/outbound.ts";
import type { TokenSource } from "./oauth.ts";
import type { Written } from "./rest-request.ts";
import type { ResolvedSettings } from "./system.ts";

/** Silence in the middle of an answer, at most. */
const idleMs = 30_000;

export interface Passing {
  readonly shown: string;
  readonly method: string;
  /** Whether a status is one of success, with a body. */
  readonly succeeds: (status: number) => boolean;
  readonly request: Written;
  readonly settings: ResolvedSettings;
  readonly outbound: Outbound;
  readonly tokens: TokenSource | undefined;
  readonly read: (response: OutboundResponse, token?: string) => CallResult;
}

export async function passThrough(call: Passing, context: CallContext, passage: Passage): Promise<PassResult> {
  const { settings, outbound, tokens, request } = call;
  const { body, answer } = passage;
  const headers: Record<string, string> = { ...request.headers };
  if (body !== undefined) headers["content-type"] = body.type;
  if (answer?.range !== undefined) {
    headers.range = answer.range;
    if (answer.ifRange !== undefined) headers["if-range"] = answer.ifRange;
  }
  const sent: OutboundStreamRequest & { readonly headers: Readonly<Record<string, string>> } = {
    method: call.method,
    url: request.url,
    headers,
    ...(body === undefined ? {} : { body: body.stream, ...(body.length === undefined ? {} : { length: body.length }) }),
    deadline: context.deadline,
    signal: context.signal,
    maxResponseBytes: answer?.maxBytes ?? settings.maxResponseBytes,
    headWithinMs: settings.timeoutMs,
    idleMs,
    internal: settings.internal,
  };
  if (tokens === undefined) return given(call, passage, await outbound.stream(sent), undefined);
  const until = Math.min(context.deadline, Date.now() + settings.timeoutMs);
  const token = await tokens.token(until, context.signal);
  const response = await outbound.stream(withToken(sent, token));
  if (response.status !== 401) return given(call, passage, response, token);
  tokens.refused(token);
  // A body that is gone can't be sent once more.
  if (body !== undefined) return given(call, passage, response, token);
  const fresh = await tokens.token(until, context.signal);
  if (fresh === token) return given(call, passage, response, token);
  response.body.destroy();
  return given(call, passage, await outbound.stream(withToken(sent, fresh)), fresh);
}

async function given(
  call: Passing,
  { answer }: Passage,
  response: OutboundStreamResponse,
  token: string | undefined,
): Promise<PassResult> {
  const { status, headers, body } = response;
  if (status === 416 && answer?.range !== undefined) {
    body.destroy();
    throw failure("range-unsatisfiable", {});
  }
  if (answer === undefined || !call.succeeds(status)) {
    const whole = await collected(call, response);
    return { kind: "read", result: call.read({ status, headers, body: whole }, token) };
  }
  const type = headers["content-type"] ?? "application/octet-stream";
  const problem =
    partProblem(status, headers["content-range"], answer.range) ??
    (answer.types.includes(essence(type)) ? undefined : `its media type is none of ${answer.types.join(", ")}`);
  if (problem === undefined) return { kind: "passed", status, headers, type, body };
  body.destroy();
  throw failure("contract-output", { operation: call.shown, problems: problem }, { outcome: "unknown" });
}

/** RFC 9110, section 15.3.7: a part says which one it is. */
function partProblem(status: number, which: string | undefined, asked: string | undefined): string | undefined {
  if (status !== 206) return undefined;
  if (asked === undefined) return "it is a part, and the whole was asked for";
  return contentRange.test(which ?? "") ? undefined : "it is a part, and does not say which one";
}

/** Of one range. */
const contentRange = /^bytes \d{1,15}-\d{1,15}\/(\d{1,15}|\*)$/;

/** For what is read all the same: within the limit of any other answer. */
async function collected({ settings, request }: Passing, { body }: OutboundStreamResponse): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += (chunk as Buffer).length;
    const limit = settings.maxResponseBytes;
    // Leaving the loop destroys the stream.
    if (size > limit)
      throw failure("outbound-too-large", { host: new URL(request.url).host, limit }, { outcome: "unknown" });
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks, size);
}

function withToken<R extends { readonly headers: Readonly<Record<string, string>> }>(request: R, token: string): R {
  return { ...request, headers: { ...request.headers, authorization: `Bearer ${token}` } };
}
