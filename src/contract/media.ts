/** Media types: which ones a body can have, and how its value stands in a history. Shared by readers and connectors. */

/** `json`: any JSON value. `form`: an object. `text`: a string. `bytes`: base64 in a string. `multipart`: not spoken. */
export type BodyKind = "json" | "form" | "text" | "bytes" | "multipart";

/** The kind of a media type such as `application/problem+json; charset=utf-8` (RFC 6839 for the suffixes). */
export function bodyKind(mediaType: string): BodyKind {
  const type = essence(mediaType);
  if (type === "application/json" || type.endsWith("+json") || type === "*/*" || type === "application/*")
    return "json";
  if (type === "application/x-www-form-urlencoded") return "form";
  if (type.startsWith("multipart/")) return "multipart";
  if (type.startsWith("text/") || type === "application/xml" || type.endsWith("+xml")) return "text";
  return "bytes";
}

/** Type and subtype, lower case, without parameters. */
function essence(mediaType: string): string {
  const end = mediaType.indexOf(";");
  return (end < 0 ? mediaType : mediaType.slice(0, end)).trim().toLowerCase();
}

/** Whether an answer of type `actual` may be read as `declared`, which may be a range such as `text/*`. */
export function accepts(declared: string, actual: string): boolean {
  const wanted = essence(declared);
  const given = essence(actual);
  if (wanted === given || wanted === "*/*") return true;
  if (wanted.endsWith("/*")) return given.startsWith(wanted.slice(0, -1));
  return bodyKind(wanted) === "json" && bodyKind(given) === "json";
}
