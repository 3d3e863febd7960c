/** Multipart bodies back to values (RFC 2046, section 5.1; RFC 7578): the inverse of connectors/rest-multipart.ts. */
import { bodyKind } from "../contract/media.ts";
import type { RestBinding } from "../contract/model.ts";
import { type Seen, scalarOf, seen } from "../contract/rest-values.ts";
import type { Json, JsonSchema } from "../operation.ts";

const mostParts = 1000;

/** The parts as an object of the contract's properties, or why they can't be read. */
export function multipartValue(
  { encoding }: NonNullable<RestBinding["body"]>,
  contentType: string,
  bytes: Uint8Array,
  { properties, others }: Seen,
  schemas: { readonly [name: string]: JsonSchema },
): Json | string {
  const boundary = /;\s*boundary=(?:"([^"]{1,200})"|([^;\s]{1,200}))/i.exec(contentType);
  if (boundary === null) return "its content type names no boundary";
  const parts = partsOf(Buffer.from(bytes), boundary[1] ?? boundary[2]!);
  if (parts === undefined) return "its parts do not begin and end with the boundary";
  const object: Record<string, Json> = {};
  for (const { name, type, body } of parts) {
    const schema = Object.hasOwn(properties, name) ? properties[name]! : others === false ? true : others;
    const shape = seen(schema, schemas);
    const own = encoding !== undefined && Object.hasOwn(encoding, name) ? encoding[name] : undefined;
    const repeated = shape.list && !(own?.contentType !== undefined && bodyKind(own.contentType) === "json");
    const text = own?.bytes === true ? body.toString("base64") : body.toString("utf8");
    const json = type !== undefined && bodyKind(type) === "json";
    const value = own?.bytes === true ? text : scalarOf(text, repeated ? shape.items : schema, schemas, json);
    const before = Object.hasOwn(object, name) ? object[name] : undefined;
    const next: Json = repeated ? [...((before as readonly Json[] | undefined) ?? []), value] : value;
    Object.defineProperty(object, name, { value: next, enumerable: true, writable: true, configurable: true });
  }
  return object;
}

interface Part {
  readonly name: string;
  readonly type: string | undefined;
  readonly body: Buffer;
}

function partsOf(bytes: Buffer, boundary: string): readonly Part[] | undefined {
  const mark = Buffer.from(`--${boundary}`);
  const parts: Part[] = [];
  let at = bytes.indexOf(mark);
  while (at >= 0) {
    const start = at + mark.length;
    if (bytes.toString("latin1", start, start + 2) === "--") return parts;
    const next = bytes.indexOf(Buffer.concat([Buffer.from("\r\n"), mark]), start);
    const blank = bytes.indexOf("\r\n\r\n", start);
    if (next < 0 || parts.length >= mostParts) return undefined;
    const head = blank < 0 || blank > next ? "" : bytes.toString("utf8", start, blank);
    const name = /^content-disposition:.*;\s*name="([^"]*)"/im.exec(head)?.[1];
    const type = /^content-type:\s*(.+)$/im.exec(head)?.[1]?.trim();
    if (name !== undefined) {
      const plain = name.replace(/%(22|0D|0A)/gi, (code) => decodeURIComponent(code));
      parts.push({ name: plain, type, body: bytes.subarray(blank + 4, next) });
    }
    at = next + 2;
  }
  return undefined;
}
