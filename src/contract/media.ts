/** Media types: which ones a body can have, and how its value stands in a history. Shared by readers and connectors. */

/**
 * `json`: any JSON value. `form`, `multipart`: an object. `text`: a string. `bytes`: base64 in a string. `lines`: a sequence of
 * items (JSON Lines, JSON text sequences, server-sent events), a list where the contract describes the items, else a string.
 */
export type BodyKind = "json" | "form" | "text" | "bytes" | "multipart" | "lines";

const sequences = new Set([
  "application/jsonl",
  "application/x-jsonlines",
  "application/x-ndjson",
  "application/ndjson",
  "application/json-seq",
  "text/event-stream",
]);

/** The kind of a media type such as `application/problem+json; charset=utf-8` (RFC 6839 for the suffixes). */
export function bodyKind(mediaType: string): BodyKind {
  const type = essence(mediaType);
  if (type === "application/json" || type.endsWith("+json") || type === "*/*" || type === "application/*")
    return "json";
  if (type === "application/x-www-form-urlencoded") return "form";
  if (sequences.has(type) || type.endsWith("+json-seq")) return "lines";
  if (type.startsWith("multipart/")) return "multipart";
  if (type.startsWith("text/") || type === "application/xml" || type.endsWith("+xml")) return "text";
  return "bytes";
}

/** Type and subtype, lower case, without parameters. */
export function essence(mediaType: string): string {
  const end = mediaType.indexOf(";");
  return (end < 0 ? mediaType : mediaType.slice(0, end)).trim().toLowerCase();
}

/** Whether an answer of type `actual` may be read as `declared`, which may be a range such as `text/*`. */
export function accepts(declared: string, actual: string): boolean {
  const wanted = essence(declared);
  const given = essence(actual);
  // Bytes of no type in particular may turn out to have one.
  if (wanted === given || wanted === "*/*" || wanted === "application/octet-stream") return true;
  if (wanted.endsWith("/*")) return given.startsWith(wanted.slice(0, -1));
  return bodyKind(wanted) === "json" && bodyKind(given) === "json";
}
