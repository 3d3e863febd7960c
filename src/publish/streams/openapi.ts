/** How streams stand in an OpenAPI 3.1 document. A media type's `itemSchema` comes with 3.2: here the schema of one event's data is `x-event-data`. */
import type { JsonSchema } from "../../operation.ts";
import type { PassPlan } from "./act-pass.ts";

const eventsText =
  "Server-sent events (WHATWG HTML, section 9.2). Each unnamed event is the whole state as JSON (`x-event-data`), and its `id` names that state: sent back in " +
  "Last-Event-ID, it keeps what the caller has from being sent again. An event `problem` is a problem (RFC 9457): something is wrong at the moment. " +
  "`end` is the last event, with `reason`: `final` or `refused`; there is no use in coming again. A stream that ends without it may be opened again after the time in `retry`.";

/** The request header of who comes again. */
export const lastEventId = Object.freeze({
  name: "Last-Event-ID",
  in: "header",
  required: false,
  description:
    "The `id` of the last event that the caller has (WHATWG HTML, section 9.2.4). Browsers send it by themselves.",
  schema: Object.freeze({ type: "string" }),
});

/** The answer as a stream of what it would be as JSON. */
export function eventsOf<
  A extends { readonly content: { readonly "application/json": { readonly schema: JsonSchema } } },
>(answer: A): Omit<A, "content"> & { readonly content: unknown } {
  const { schema } = answer.content["application/json"];
  return {
    ...answer,
    content: { "text/event-stream": { schema: { type: "string", description: eventsText }, "x-event-data": schema } },
  };
}

export const rangeHeader = Object.freeze({
  name: "Range",
  in: "header",
  required: false,
  description:
    "One range of bytes, such as `bytes=1000-`, is answered with 206 (RFC 9110, section 14). Several are answered with the whole.",
  schema: Object.freeze({ type: "string" }),
});

/** Bytes that nobody reads on their way (OpenAPI 3.1.1, section 4.14.1: no schema says that it is binary). */
export function unread(types: readonly string[], maxBytes: number): Record<string, { readonly schema: JsonSchema }> {
  const schema = { description: `Bytes, at most ${maxBytes} of them.` };
  return Object.fromEntries(types.map((type) => [type, { schema }]));
}

/** `answer`: what any answer has. */
export function downloads<A extends { readonly headers: object }>(
  answer: A,
  { types, maxBytes, ranges }: NonNullable<PassPlan["download"]>,
): Record<string, unknown> {
  const text = (description: string) => ({ description, schema: { type: "string" } });
  const content = unread(types, maxBytes);
  const headers = {
    ...answer.headers,
    "Content-Disposition": text("`attachment`, with the file's name where there is one (RFC 6266)."),
    "Accept-Ranges": text("`bytes` where parts may be asked for, else `none`."),
  };
  const whole = { ...answer, headers, content };
  if (!ranges)
    return { 200: { ...whole, description: "The bytes, as they come. Where they are cut off the connection breaks." } };
  return {
    200: {
      ...whole,
      description:
        "The bytes, as they come. Where they are cut off the connection breaks; ask for the rest with Range.",
    },
    206: {
      ...whole,
      description: "The part that Range asked for.",
      headers: { ...headers, "Content-Range": text("Which part it is (RFC 9110, section 14.4).") },
    },
  };
}
