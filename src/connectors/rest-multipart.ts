/**
 * Multipart bodies (RFC 7578 and RFC 2046, section 5.1; OpenAPI 3.1.0, "Special Considerations for multipart Content"): each property
 * is a part, each item of a list a part of its own. Text is text/plain, an object is JSON, and what the contract calls binary is bytes.
 */
import { randomBytes } from "node:crypto";
import { bodyKind } from "../contract/media.ts";
import type { BodyEncoding, RestBinding } from "../contract/model.ts";

export interface MultipartBody {
  /** With the boundary. */
  readonly contentType: string;
  readonly bytes: Uint8Array;
}
type Members = Readonly<Record<string, unknown>>;

/** The writer of a multipart body. */
export function multipartWriter(body: NonNullable<RestBinding["body"]>): (value: Members) => MultipartBody {
  const { mediaType, encoding } = body;
  const ofForm = /^multipart\/form-data/i.test(mediaType);
  return (value) => {
    // 128 random bits: no part can hold it by chance, and no sender can guess it
    const boundary = `mortise-${randomBytes(16).toString("hex")}`;
    const chunks: Buffer[] = [];
    for (const name of Object.keys(value)) {
      const given = value[name];
      if (given === undefined || given === null) continue;
      const own = encoding !== undefined && Object.hasOwn(encoding, name) ? encoding[name] : undefined;
      for (const item of Array.isArray(given) && !isJson(own) ? given : [given]) {
        const part = partOf(item, own);
        const disposition = `${ofForm ? "form-data" : "attachment"}; name="${quoted(name)}"`;
        const file = own?.bytes === true ? `; filename="${quoted(name)}"` : "";
        chunks.push(
          Buffer.from(
            `--${boundary}\r\nContent-Disposition: ${disposition}${file}\r\nContent-Type: ${part.contentType}\r\n\r\n`,
          ),
          part.bytes,
          lineEnd,
        );
      }
    }
    chunks.push(Buffer.from(`--${boundary}--\r\n`));
    return { contentType: withBoundary(mediaType, boundary), bytes: Buffer.concat(chunks) };
  };
}

const lineEnd = Buffer.from("\r\n");

function partOf(
  value: unknown,
  own: BodyEncoding | undefined,
): { readonly contentType: string; readonly bytes: Buffer } {
  // A range is no type that a part can have.
  const stated = [own?.contentType, ...(own?.otherTypes ?? [])].find(
    (type) => type !== undefined && !type.includes("*"),
  );
  if (own?.bytes === true && typeof value === "string")
    return { contentType: stated ?? "application/octet-stream", bytes: Buffer.from(value, "base64") };
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const usual = typeof value === "object" && value !== null ? "application/json" : "text/plain; charset=utf-8";
  return { contentType: stated ?? usual, bytes: Buffer.from(text, "utf8") };
}

/** A list whose part is JSON is one part. */
function isJson(own: BodyEncoding | undefined): boolean {
  return own?.contentType !== undefined && bodyKind(own.contentType) === "json";
}

/** As the URL Standard's form encoding does (WHATWG HTML, "multipart/form-data encoding algorithm"): no quote and no line end can get in. */
function quoted(name: string): string {
  return name.replaceAll('"', "%22").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function withBoundary(mediaType: string, boundary: string): string {
  const [type = mediaType] = mediaType.split(";");
  return `${type.trim()}; boundary=${boundary}`;
}
