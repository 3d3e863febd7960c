/**
 * Multipart bodies back to values (RFC 2046, section 5.1; RFC 7578): the inverse of connectors/rest-multipart.ts. What could be read in two ways is
 * refused: a part without a name or with two, one that comes twice and is no list, text that is no UTF-8, a coding of the transfer (RFC 7578,
 * section 4.7), a boundary behind the end.
 */
import type { Json, JsonSchema } from "../operation.ts";
import { accepts, bodyKind, essence } from "./media.ts";
import type { BodyEncoding, RestBinding } from "./model.ts";
import { jsonOf, type Seen, scalarOf, seen } from "./rest-values.ts";

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
  const [boundary, another] = contentType.matchAll(/;\s*boundary=(?:"([^"]{1,200})"|([^;\s"]{1,200})|)/gi);
  if (another !== undefined) return "its content type names two boundaries";
  const mark = boundary?.[1] ?? boundary?.[2];
  if (mark === undefined) return "its content type names no boundary";
  const ofForm = essence(contentType) === "multipart/form-data";
  const parts = partsOf(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), mark, ofForm);
  if (typeof parts === "string") return parts;
  const object: Record<string, Json> = {};
  for (const { name, type, body } of parts) {
    const schema = Object.hasOwn(properties, name) ? properties[name]! : others === false ? true : others;
    const shape = seen(schema, schemas);
    const own = encoding !== undefined && Object.hasOwn(encoding, name) ? encoding[name] : undefined;
    const repeated = shape.list && !(own?.contentType !== undefined && bodyKind(own.contentType) === "json");
    const shown = JSON.stringify(name.slice(0, 100));
    const unfit = type === undefined ? undefined : unfitType(type, own);
    if (unfit !== undefined) return `its part ${shown} ${unfit}`;
    const text = own?.bytes === true ? body.toString("base64") : textOf(body, type);
    if (text === undefined) return `its part ${shown} is not UTF-8`;
    const json = own?.bytes !== true && type !== undefined && bodyKind(type) === "json";
    if (json && jsonOf(text) === undefined) return `its part ${shown} can't be read as JSON, with each member once`;
    const value = own?.bytes === true ? text : scalarOf(text, repeated ? shape.items : schema, schemas, json);
    const before = Object.hasOwn(object, name) ? object[name] : undefined;
    if (before !== undefined && !repeated) return `its part ${shown} comes twice`;
    const next: Json = repeated ? [...((before as readonly Json[] | undefined) ?? []), value] : value;
    Object.defineProperty(object, name, { value: next, enumerable: true, writable: true, configurable: true });
  }
  return object;
}

/** What is wrong with the type that a part says it has. Bytes of no type in particular may be of any. */
function unfitType(type: string, own: BodyEncoding | undefined): string | undefined {
  const kind = bodyKind(type);
  if (kind === "multipart") return "consists of parts itself";
  if (own?.bytes === true) {
    const { contentType = "*/*", otherTypes = [] } = own;
    const taken = [contentType, ...otherTypes];
    const fits = taken.some((each) => accepts(each, type));
    return fits || essence(type) === "application/octet-stream" ? undefined : `must be ${taken.join(" or ")}`;
  }
  return ["utf-8", "us-ascii", latin1].includes(charsetOf(type)) ? undefined : "is not UTF-8";
}

/** What some clients say of every text. */
const latin1 = "iso-8859-1";
const charsetOf = (type: string): string => /;\s*charset="?([^";\s]*)/i.exec(type)?.[1]?.toLowerCase() ?? "utf-8";

function textOf(bytes: Buffer, type: string | undefined): string | undefined {
  if (type !== undefined && charsetOf(type) === latin1) return bytes.toString("latin1");
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
function partsOf(bytes: Buffer, boundary: string, ofForm: boolean): readonly Part[] | string {
  const mark = Buffer.from(`--${boundary}`);
  const delimiter = Buffer.from(`\r\n--${boundary}`);
  const parts: Part[] = [];
  let at = bytes.subarray(0, mark.length).equals(mark) ? 0 : after(bytes.indexOf(delimiter), 2);
  while (at >= 0) {
    const start = at + mark.length;
    const next = bytes.indexOf(delimiter, start);
    if (/^--[ \t]*(\r\n|$)/.test(bytes.toString("latin1", start, start + 100)))
      return next < 0 ? parts : "its boundary comes once more behind its end";
    if (next < 0) break;
    if (parts.length >= mostParts) return `it has more than ${mostParts} parts`;
    const head = bytes.subarray(start, Math.min(next, start + longestHead));
    const blank = head.indexOf("\r\n\r\n");
    // Whether the boundary is meant where more follows on its line is read in two ways.
    if (!/^[ \t]*\r\n/.test(head.toString("latin1", 0, 100)))
      return "the boundary of one of its parts is no line of its own";
    if (blank < 0) return "the head of one of its parts has no end, or is too long";
    const part = partOf(head.toString("utf8", 0, blank), bytes.subarray(start + blank + 4, next), ofForm);
    if (typeof part === "string") return part;
    parts.push(part);
    at = next + 2;
  }
  return "its parts do not begin and end with the boundary";
}

const after = (at: number, skipped: number): number => (at < 0 ? at : at + skipped);

// Nowhere can two of their repetitions take the same blanks: a head is hostile text.
const headLine = /^([!#$%&'*+.^_`|~\w-]+):([^\0]*)$/;
const ofPart = ["content-disposition", "content-transfer-encoding", "content-type"];
const disposition = /^([\w-]+)((?:[ \t]*;[ \t]*[\w*-]+=(?:"(?:[^"\\]|\\.)*"|[^;\s"]+))*)(?:[ \t]*;)?$/;

function partOf(head: string, body: Buffer, ofForm: boolean): Part | string {
  const fields = new Map<string, string>();
  // The first line is what follows the boundary on its own.
  for (const line of head.split("\r\n").slice(1)) {
    const field = headLine.exec(line);
    if (field === null) return "a line in the head of one of its parts is no header field";
    const name = field[1]!.toLowerCase();
    if (ofPart.includes(name) && fields.has(name)) return `one of its parts has ${name} twice`;
    fields.set(name, field[2]!.trim());
  }
  const stated = disposition.exec(fields.get("content-disposition") ?? "form-data");
  if (stated === null || (ofForm && stated[1]!.toLowerCase() !== "form-data"))
    return "the Content-Disposition of one of its parts is not as forms have it";
  const parameters = [...stated[2]!.matchAll(/;[ \t]*([\w*-]+)=(?:"((?:[^"\\]|\\.)*)"|([^;\s"]+))/g)];
  const names = parameters.filter(([, key]) => /^name\*?$/i.test(key!));
  if (names.length > 1) return "one of its parts has two names";
  const name = names[0]?.[2] ?? names[0]?.[3];
  if (name === undefined) return "one of its parts has no name";
  const coding = fields.get("content-transfer-encoding")?.toLowerCase();
  if (coding !== undefined && !["7bit", "8bit", "binary"].includes(coding))
    return "one of its parts has a Content-Transfer-Encoding, and parts are sent as they are";
  const plain = name.replace(/%(22|0D|0A)/gi, (code) => decodeURIComponent(code));
  return { name: plain, type: fields.get("content-type"), body };
}
