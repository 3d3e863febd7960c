/** Bodies that are text: decoded as their sender says, or not at all. A character that was guessed would be a value that nobody sent. */
import { essence } from "../contract/media.ts";

/** The text of a body of this media type; a reason that completes "the answer ..." where it is none. */
export function decodeText(
  body: Uint8Array,
  mediaType: string | undefined,
): { readonly text: string } | { readonly reason: string } {
  const charset = charsetOf(body, mediaType ?? "");
  try {
    return { text: new TextDecoder(charset, { fatal: true }).decode(body) };
  } catch {
    return { reason: `its text is not ${charset.slice(0, 40)}, or that is not supported` };
  }
}

function charsetOf(body: Uint8Array, mediaType: string): string {
  const stated = /;\s*charset\s*=\s*"?([\w.:-]+)/i.exec(mediaType)?.[1];
  if (stated !== undefined) return stated;
  // XML says it in its first line (XML 1.0, section 4.3.3).
  if (!/[/+]xml$/.test(essence(mediaType))) return "utf-8";
  const start = Buffer.from(body.buffer, body.byteOffset, Math.min(body.length, 200)).toString("latin1");
  return /^<\?xml[^>]*?\sencoding\s*=\s*["']([\w.-]+)["']/.exec(start)?.[1] ?? "utf-8";
}
