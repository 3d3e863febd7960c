/**
 * Sequences of items as bodies (OpenAPI 3.2.0, "Complete vs Streaming Content"): JSON Lines (https://jsonlines.org), JSON text sequences
 * (RFC 7464) and server-sent events (WHATWG HTML, section 9.2). A step's result is one value, so the items are read to their end.
 */
import { essence } from "../contract/media.ts";
import { type JsonLimits, parseJson } from "../formats/json.ts";
import type { Json } from "../operation.ts";

/** Items of one sequence, at most. */
const maxItems = 100_000;

/** The items of a body. Throws as `parseJson` does, also where there are too many. */
export function readSequence(mediaType: string, text: string, limits: JsonLimits): Json[] {
  const type = essence(mediaType);
  if (type === "text/event-stream") return events(text);
  // RFC 7464: each text begins with a record separator and ends with a line feed
  const parts = type.endsWith("json-seq") ? text.split("\u001e") : text.split("\n");
  const items: Json[] = [];
  for (const part of parts) {
    if (part.trim() === "") continue;
    if (items.length >= maxItems) return parseJson("", { ...limits, maxBytes: -1 }) as never;
    items.push(parseJson(part, limits));
  }
  return items;
}

/** The text of the items. */
export function writeSequence(mediaType: string, items: readonly unknown[]): string {
  const type = essence(mediaType);
  if (type === "text/event-stream") return items.map(eventText).join("");
  const start = type.endsWith("json-seq") ? "\u001e" : "";
  return items.map((item) => `${start}${JSON.stringify(item)}\n`).join("");
}

/** One object per event, with the fields that it has: `data`, `event`, `id`, `retry`. */
function events(text: string): Json[] {
  const found: Json[] = [];
  let fields: { data?: string; event?: string; id?: string; retry?: number } = {};
  for (const line of text.replace(/^\uFEFF/, "").split(/\r\n|\n|\r/)) {
    if (line === "") {
      if (fields.data !== undefined) found.push(fields as Json);
      fields = {};
      continue;
    }
    const [, name = "", value = ""] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (name === "data") fields.data = fields.data === undefined ? value : `${fields.data}\n${value}`;
    else if (name === "event") fields.event = value;
    else if (name === "id" && !value.includes("\0")) fields.id = value;
    else if (name === "retry" && /^\d{1,15}$/.test(value)) fields.retry = Number(value);
  }
  return found;
}

function eventText(item: unknown): string {
  const fields = (typeof item === "object" && item !== null ? item : { data: item }) as Readonly<
    Record<string, unknown>
  >;
  const lines = ["event", "id", "retry", "data"].flatMap((name) => {
    const value = fields[name];
    if (value === undefined || value === null) return [];
    const text = typeof value === "object" ? JSON.stringify(value) : String(value);
    return text.split(/\r\n|\n|\r/).map((line) => `${name}: ${line}\n`);
  });
  return `${lines.join("")}\n`;
}
