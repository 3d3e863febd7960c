/**
 * Multipart bodies back to values (RFC 2046, section 5.1; RFC 7578): the inverse of connectors/rest-multipart.ts. What could be read in two ways is
 * refused: a part without a name, one that comes twice and is no list, text that is no UTF-8, a coding of the transfer (RFC 7578, section 4.7).
 */
import type { Json, JsonSchema } from "../operation.ts";
import { bodyKind } from "./media.ts";
import type { RestBinding } from "./model.ts";
import { type Seen, scalarOf, seen } from "./rest-values.ts";

const mostParts = 1000;
/** Bytes of the head of a part. */
const longestHead = 16_384;

/** The parts as an object of the contract's properties, or why they can't be read. */
export function multipartValue(
  { encoding }: Pick<NonNullable<RestBinding["body"]>, "encoding">,
  contentType: string,
  bytes: Uint8Array,
  { properties, others }: Pick<Seen, "properties" | "others">,
  schemas: { readonly [name: string]: JsonSchema },
): Json | string {
  const boundary = /;\s*boundary=(?:"([^"]{1,200})"|([^;\s"]{1,200}))/i.exec(contentType);
  if (boundary === null) return "its content type names no boundary";
  const parts = partsOf(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), boundary[1] ?? boundary[2]!);
  if (typeof parts === "string") return parts;
  const object: Record<string, Json> = {};
  for (const { name, type, body } of parts) {
    const schema = Object.hasOwn(properties, name) ? properties[name]! : others === false ? true : others;
    const shape = seen(schema, schemas);
    const own = encoding !== undefined && Object.hasOwn(encoding, name) ? encoding[name] : undefined;
    const repeated = shape.list && !(own?.contentType !== undefined && bodyKind(own.contentType) === "json");
    const text = own?.bytes === true ? body.toString("base64") : textOf(body);
    const shown = JSON.stringify(name.slice(0, 100));
    if (text === undefined) return `its part ${shown} is not UTF-8`;
    const json = type !== undefined && bodyKind(type) === "json";
    const value = own?.bytes === true ? text : scalarOf(text, repeated ? shape.items : schema, schemas, json);
    const before = Object.hasOwn(object, name) ? object[name] : undefined;
    if (before !== undefined && !repeated) return `its part ${shown} comes twice`;
    const next: Json = repeated ? [...((before as readonly Json[] | undefined) ?? []), value] : value;
    Object.defineProperty(object, name, { value: next, enumerable: true, writable: true, configurable: true });
  }
  return object;
}

function textOf(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

interface Part {
  readonly name: string;
  readonly type: string | undefined;
  readonly body: Buffer;
}

/** The parts, or why there are none. What stands before the first and behind the last counts for nothing (RFC 2046, section 5.1.1). */
function partsOf(bytes: Buffer, boundary: string): readonly Part[] | string {
  const mark = Buffer.from(`--${boundary}`);
  const delimiter = Buffer.from(`\r\n--${boundary}`);
  const parts: Part[] = [];
  let at = bytes.subarray(0, mark.length).equals(mark) ? 0 : after(bytes.indexOf(delimiter), 2);
  while (at >= 0) {
    const start = at + mark.length;
    if (bytes.toString("latin1", start, start + 2) === "--") return parts;
    const next = bytes.indexOf(delimiter, start);
    if (next < 0) break;
    if (parts.length >= mostParts) return `it has more than ${mostParts} parts`;
    const head = bytes.subarray(start, Math.min(next, start + longestHead));
    const blank = head.indexOf("\r\n\r\n");
    // Whether the boundary is meant where more follows on its line is read in two ways.
    if (!/^[ \t]*\r\n/.test(head.toString("latin1", 0, 100)))
      return "the boundary of one of its parts is no line of its own";
    if (blank < 0) return "the head of one of its parts has no end, or is too long";
    const part = partOf(head.toString("utf8", 0, blank), bytes.subarray(start + blank + 4, next));
    if (typeof part === "string") return part;
    parts.push(part);
    at = next + 2;
  }
  return "its parts do not begin and end with the boundary";
}

const after = (at: number, skipped: number): number => (at < 0 ? at : at + skipped);

function partOf(head: string, body: Buffer): Part | string {
  const name = /^content-disposition:[^\r\n]*;[ \t]*name="([^"\r\n]*)"/im.exec(head)?.[1];
  if (name === undefined) return "one of its parts has no name";
  const coding = /^content-transfer-encoding:[ \t]*([^\r\n]*)/im.exec(head)?.[1]?.trim().toLowerCase();
  if (coding !== undefined && !["7bit", "8bit", "binary"].includes(coding))
    return "one of its parts has a Content-Transfer-Encoding, and parts are sent as they are";
  const type = /^content-type:[ \t]*([^\r\n]+)/im.exec(head)?.[1]?.trim();
  return { name: name.replace(/%(22|0D|0A)/gi, (code) => decodeURIComponent(code)), type, body };
}
