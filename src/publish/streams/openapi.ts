/** How streams of events stand in an OpenAPI 3.1 document. A media type's `itemSchema` comes with 3.2: here the schema of one event's data is `x-event-data`. */
import type { JsonSchema } from "../../operation.ts";

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
