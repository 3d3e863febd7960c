/** What an API's OpenAPI document says in the same words everywhere: header fields, and what a status means. */
import { STATUS_CODES } from "../http.ts";

/** Header fields of answers, under `components/headers`. */
export const headers = {
  "X-Request-Id": { description: "Names this request; quote it when you ask for help.", schema: { type: "string" } },
  "Retry-After": { description: "Seconds to wait (RFC 9110).", schema: { type: "integer", minimum: 1 } },
  "RateLimit-Policy": {
    description: "Limits that apply: quota `q` in window `w` seconds (draft-ietf-httpapi-ratelimit-headers-11).",
    schema: { type: "string" },
    example: '"consumer";q=100;w=1',
  },
  RateLimit: {
    description: "What is left: `r` requests, `t` seconds until more (draft-ietf-httpapi-ratelimit-headers-11).",
    schema: { type: "string" },
    example: '"consumer";r=99;t=1',
  },
  Link: { description: 'The next page, if there is one: `rel="next"` (RFC 8288).', schema: { type: "string" } },
  Location: { description: "Path of the status.", schema: { type: "string" } },
  "Idempotency-Replayed": {
    description: "`true` if this is the recorded answer of an earlier request with the same Idempotency-Key.",
    schema: { type: "string" },
  },
} as const;
export const headerReference = (name: keyof typeof headers) => ({ $ref: `#/components/headers/${name}` });

const meanings: Readonly<Record<number, string>> = {
  400: "The request does not fit this description; nothing was done.",
  401: "There is no credential, or it is not valid.",
  403: "The caller may not do this.",
  404: "There is nothing under this key that you may see.",
  406: "The Accept header excludes JSON.",
  409: "The key is taken by other content, or the first request with it is still being worked on.",
  408: "The body came too slowly.",
  413: "The body is too large.",
  415: "The body has a media type that is not taken.",
  416: "The part that Range asks for is not there.",
  422: "The request was understood, and refused or ended otherwise.",
  429: "Too many requests.",
  500: "Something went wrong inside.",
  502: "A system behind this API failed.",
  503: "Not possible at the moment; try again later.",
  504: "A system behind this API did not confirm in time; it may have happened.",
};

export const meaningOf = (status: number): string => meanings[status] ?? STATUS_CODES[status] ?? "A problem.";
