/** Examples that stand beside a schema (OpenAPI 3.1.0, "Media Type Object", `example` and `examples`), for fakes. */
import type { Json } from "../../operation.ts";
import type { Documents, Place } from "./openapi-documents.ts";

/** What is longer would only fill the pinned contract. */
const longest = 16 * 1024;

/** The first one that is given; `undefined` where there is none, or none that can be read here. */
export function statedExample(documents: Documents, media: Place): Json | undefined {
  const own = documents.member(media, "example");
  if (own !== undefined) return small(own.value);
  const all = documents.member(media, "examples");
  if (typeof all?.value !== "object" || all.value === null || Array.isArray(all.value)) return undefined;
  for (const [, at] of documents.members(all)) {
    const value = exampleAt(documents, at);
    if (value !== undefined) return value;
  }
  return undefined;
}

/** An Example Object, or a reference to one. An example is no reason to refuse a contract, whatever is wrong with it. */
function exampleAt(documents: Documents, at: Place): Json | undefined {
  try {
    const place = documents.follow(at);
    return small((documents.member(place, "dataValue") ?? documents.member(place, "value"))?.value);
  } catch {
    return undefined;
  }
}

function small(value: unknown): Json | undefined {
  return value !== undefined && JSON.stringify(value).length <= longest ? (value as Json) : undefined;
}
