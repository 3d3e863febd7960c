/** Responses of OpenAPI operations: the output, declared faults, and which status means what. */
import type { Json, JsonSchema } from "../../operation.ts";
import { bodyKind } from "../media.ts";
import type { FaultModel, RestBinding } from "../model.ts";
import { camelCase, Names } from "./names.ts";
import { bodyOf } from "./openapi-body.ts";
import type { Documents, Place } from "./openapi-documents.ts";
import { statedExample } from "./openapi-example.ts";
import type { Schemas } from "./openapi-schema.ts";

/** Names of faults by status (RFC 9110, section 15.5). */
const faultNames: Readonly<Record<string, string>> = {
  "400": "badRequest",
  "401": "unauthorized",
  "402": "paymentRequired",
  "403": "forbidden",
  "404": "notFound",
  "405": "methodNotAllowed",
  "406": "notAcceptable",
  "409": "conflict",
  "410": "gone",
  "412": "preconditionFailed",
  "413": "contentTooLarge",
  "415": "unsupportedMediaType",
  "422": "unprocessable",
  "423": "locked",
  "428": "preconditionRequired",
  "3XX": "redirection",
  "4XX": "clientError",
  default: "otherFault",
};
/** Answers that say nothing about the request itself: failures, whatever the contract calls them. */
const neverFaults = new Set(["408", "425", "429"]);

export interface Answers {
  readonly output: JsonSchema;
  readonly example: Json | undefined;
  readonly success: RestBinding["success"];
  readonly faults: { readonly [name: string]: FaultModel };
  readonly faultStatuses: RestBinding["faults"];
  /** The responses by status: their links. */
  readonly places: readonly (readonly [status: string, place: Place])[];
}

/** These never have a body, whatever the contract says (RFC 9110, sections 15.3.5, 15.3.6 and 15.4.5). */
const neverBody = new Set(["204", "205", "304"]);

/** `bodiless`: the answer to HEAD never has a body (RFC 9110, section 9.3.2). */
export function readAnswers(documents: Documents, schemas: Schemas, operation: Place, bodiless: boolean): Answers {
  const places = statuses(documents, operation);
  const succeeds = places.some(([status]) => /^2/.test(status));
  const outputs = new Options();
  const success: RestBinding["success"][number][] = [];
  const faults: [string, FaultModel][] = [];
  const faultStatuses: { status: string; fault: string; mediaType: string | null }[] = [];
  const names = new Names();
  let example: Json | undefined;
  for (const [status, place] of places) {
    const good = status.startsWith("2") || (status === "default" && !succeeds);
    if (!good && (/^[15]/.test(status) || neverFaults.has(status))) continue;
    const body =
      bodiless || neverBody.has(status) ? undefined : bodyOf(documents, schemas, documents.member(place, "content"));
    const mediaType = body?.mediaType ?? null;
    const schema = body?.schema ?? { type: "null" };
    const json = body !== undefined && bodyKind(body.mediaType) === "json";
    const stated = json ? statedExample(documents, body.place) : undefined;
    if (good) {
      example ??= stated;
      const option = outputs.add(schema);
      const list = body?.list === true ? { list: true } : {};
      success.push({ status: status === "default" ? "2XX" : status, mediaType, option, ...list });
    } else {
      const own = documents.text(place, "x-mortise-fault");
      const fault = names.take(own === undefined ? (faultNames[status] ?? `status${status}`) : camelCase(own));
      const description = documents.text(place, "description")?.trim();
      faults.push([
        fault,
        {
          ...(description ? { description } : {}),
          detail: schema,
          ...(stated === undefined ? {} : { example: stated }),
        },
      ]);
      faultStatuses.push({ status, fault, mediaType });
    }
  }
  if (success.length === 0) success.push({ status: "2XX", mediaType: null, option: outputs.add({ type: "null" }) });
  const several = outputs.all.length > 1;
  return {
    output: several ? { anyOf: outputs.all } : outputs.all[0]!,
    example,
    success: several ? success : success.map(({ option: _, ...one }) => one),
    faults: Object.fromEntries(faults),
    faultStatuses,
    places,
  };
}

function statuses(documents: Documents, operation: Place): [status: string, place: Place][] {
  const found: [string, Place][] = [];
  for (const [written, at] of documents.members(documents.member(operation, "responses"))) {
    const status = written.toUpperCase() === "DEFAULT" ? "default" : written.toUpperCase();
    if (status === "default" || /^[1-5](\d\d|XX)$/.test(status)) found.push([status, documents.follow(at)]);
    else documents.note(at, `"${written}" is no status: the response is passed over`);
  }
  return found;
}

/** Distinct schemas, and which one each is. */
class Options {
  readonly all: JsonSchema[] = [];
  readonly #known = new Map<string, number>();

  add(schema: JsonSchema): number {
    const text = JSON.stringify(schema);
    let at = this.#known.get(text);
    if (at === undefined) {
      at = this.all.push(schema) - 1;
      this.#known.set(text, at);
    }
    return at;
  }
}
