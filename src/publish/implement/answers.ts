/** Good answers in the form that a given contract has for them: one of its statuses, its media type, its header fields, its faults. */
import { bodyKind } from "../../contract/media.ts";
import type { RestBinding } from "../../contract/model.ts";
import { operationValidators } from "../../contract/validate.ts";
import type { Json } from "../../operation.ts";
import { type Answers, acceptance } from "../answers/answers.ts";
import type { HttpResponse } from "../http.ts";
import { DeclaredAnswer } from "./fault.ts";
import type { Spoken } from "./spoken.ts";

type Success = RestBinding["success"][number];

/** Statuses in the order in which they are tried, for each kind of answer. */
const orders = {
  answered: ["200", "203", "204", "201", "2XX", "202"],
  started: ["201", "200", "204", "2XX", "202"],
  there: ["200", "201", "204", "2XX", "202"],
  accepted: ["202", "2XX", "200", "201", "204"],
} as const;

export function contractAnswers(spoken: Spoken): Answers {
  const { operation, status: chosen, headers } = spoken;
  const { success } = operation.binding;
  const validators = operationValidators(spoken.model, operation);
  const fitsIn = (one: Success, value: unknown): boolean => {
    if (one.mediaType === null) return value === null || value === undefined;
    return (one.option === undefined ? validators.output : validators.option(one.option))(value).length === 0;
  };

  function find(value: unknown, order: readonly string[]): readonly [Success, number] {
    if (chosen !== undefined) {
      const status = chosen(value as never);
      const found =
        success.find((one) => one.status === String(status)) ??
        success.find((one) => one.status === "2XX" && status >= 200 && status < 300);
      if (found === undefined || !fitsIn(found, value))
        throw new Error(`the contract has no answer ${status} of this form for ${operation.name}`);
      return [found, status];
    }
    const rank = ({ status }: Success) => (order.includes(status) ? order.indexOf(status) : order.length);
    const found = success.toSorted((a, b) => rank(a) - rank(b)).find((one) => fitsIn(one, value));
    if (found === undefined) throw new Error(`no success status of ${operation.name} has an answer of this form`);
    return [found, found.status === "2XX" ? (order === orders.accepted ? 202 : 200) : Number(found.status)];
  }

  function good(value: unknown, order: readonly string[], link?: string): HttpResponse {
    if (value instanceof DeclaredAnswer) return declared(value);
    const [one, status] = find(value, order);
    const own = headers === undefined ? {} : fieldsOf(headers(value as never));
    const required = requiredHeaders(spoken, one.status);
    const fields = { ...(link === undefined ? {} : { location: link }), ...own };
    const missing = required.find((name) => !Object.hasOwn(fields, name));
    if (missing !== undefined)
      throw new Error(`the answer of ${operation.name} has no ${missing}, which the contract requires`);
    return written(status, one.mediaType, value, fields);
  }

  function declared({ fault: as, detail }: DeclaredAnswer): HttpResponse {
    const entry = operation.binding.faults.find(({ fault }) => fault === as);
    if (entry === undefined) throw new Error(`the contract has no fault ${as} of ${operation.name}`);
    const [problem] = validators.fault(as)(detail);
    if (problem !== undefined && entry.mediaType !== null)
      throw new Error(`the body of ${as} does not fit the contract: ${problem.at} ${problem.message}`);
    return written(faultStatus(entry.status, operation.binding), entry.mediaType, detail, {});
  }

  return Object.freeze({
    answered: (value: unknown) => good(value, orders.answered),
    completed: (value: unknown, started: boolean, link: string | undefined) =>
      good(value, started ? orders.started : orders.there, link),
    accepted(key: string, input: Json, link: string | undefined) {
      const { accepted } = spoken;
      if (accepted !== undefined) return good(accepted({ key, input: input as never, link }), orders.accepted, link);
      const one = success.find(({ status }) => status === "202");
      return good(one?.mediaType === null ? null : acceptance(key, link), orders.accepted, link);
    },
    rejected: (facts: { readonly reason: string; readonly key: string; readonly input: Json }) =>
      spoken.rejected === undefined ? undefined : declared(spoken.rejected(facts as never)),
    fault(name: string, detail: Json) {
      const faults = spoken.faults ?? {};
      const own = Object.hasOwn(faults, name) ? faults[name] : undefined;
      return own === undefined ? undefined : declared(own(detail as never));
    },
  });
}

/** The media type that callers are offered: of the first success that has a body. */
export function offerOf({ operation }: Spoken): string | undefined {
  const { mediaType } = operation.binding.success.find((one) => one.mediaType !== null) ?? { mediaType: null };
  return mediaType === null ? undefined : concrete(mediaType);
}

/** Names of header fields that an answer of this status must have, in lower case, without those that every answer gets. */
export function requiredHeaders({ operation }: Spoken, status: string): readonly string[] {
  const { headers = {} } = operation.binding.declared?.answers?.[status] ?? {};
  return Object.entries(headers)
    .filter(([, { required }]) => required)
    .map(([name]) => name.toLowerCase())
    .filter((name) => !made.has(name));
}
const made: ReadonlySet<string> = new Set(["x-request-id", "date", "content-length", "etag"]);

/** A status for a declared fault; for `4XX` and `default` one that no other fault has. */
export function faultStatus(declared: string, { faults }: RestBinding): number {
  if (/^\d{3}$/.test(declared)) return Number(declared);
  const taken = new Set(faults.map(({ status }) => status));
  return [422, 400, 409].find((status) => !taken.has(String(status))) ?? 422;
}

/** A type for a range of them: `text/*` is answered as text/plain. */
export function concrete(mediaType: string): string {
  if (mediaType === "*/*" || mediaType === "application/*") return "application/json";
  if (!mediaType.endsWith("/*")) return mediaType;
  return `${mediaType.slice(0, -1)}${mediaType.startsWith("text/") ? "plain" : "octet-stream"}`;
}

function written(
  status: number,
  mediaType: string | null,
  value: unknown,
  fields: Readonly<Record<string, string>>,
): HttpResponse {
  if (mediaType === null || status === 204) return { status, headers: fields };
  const type = concrete(mediaType);
  const kind = bodyKind(type);
  const utf8 = kind === "text" && !type.includes(";") ? `${type}; charset=utf-8` : type;
  const headers = { "content-type": utf8, ...fields };
  if (kind === "json") return { status, headers, body: JSON.stringify(value ?? null) };
  if (kind === "text") return { status, headers, body: String(value) };
  return { status, headers, body: Buffer.from(String(value), "base64") };
}

/** Control characters in a field would end it. */
function fieldsOf(given: Readonly<Record<string, string | number | undefined>>): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    const text = String(value);
    if (!/^[\w-]{1,100}$/.test(name) || !/^[\t\x20-\x7e]{0,4096}$/.test(text))
      throw new Error(`the header field ${name.slice(0, 100)} has a name or a value that can't be sent`);
    fields[name.toLowerCase()] = text;
  }
  return fields;
}
