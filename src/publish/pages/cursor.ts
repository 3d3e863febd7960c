/**
 * Cursors: where the next page of a list begins. Sealed with a key of this installation (AES-256-GCM) together with what they are for (operation,
 * caller, filters), so that a caller can neither read one, nor change it, nor use it for another list. They are good as long as the store is.
 */
import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes } from "node:crypto";
import { failure } from "../../errors.ts";
import { canonicalJson } from "../../formats/json.ts";
import type { Cipher, Json } from "../../operation.ts";
import type { Store } from "../../store/store.ts";

/** What a cursor is for: another text, and it does not open. */
export interface CursorScope {
  readonly operation: string;
  readonly caller: string;
  readonly filters: Json;
}

export interface Cursors {
  seal(position: Json, scope: CursorScope): Promise<string>;
  /** Rejects with `cursor-invalid`. */
  open(cursor: string, scope: CursorScope): Promise<Json>;
}

/** Characters of a cursor, at most. */
export const longestCursor = 2048;
const form = /^[A-Za-z0-9_-]{38,2048}$/;
const ivBytes = 12;
const tagBytes = 16;

export function openCursors(store: Pick<Store, "submit" | "read">, cipher?: Cipher): Cursors {
  let key: Promise<Buffer> | undefined;

  /** Made when it is first needed, and kept in the store: cursors outlive a restart. */
  async function keyOf(): Promise<Buffer> {
    const find = store.read.prepare("SELECT value FROM publish_secrets WHERE name = 'cursor'");
    const read = () => find.get()?.value as string | undefined;
    if (read() === undefined) {
      const parameters = { name: "cursor", value: randomBytes(32).toString("base64url") };
      await store.submit([{ name: "publish.secret", parameters }]);
    }
    const secret = read() ?? "";
    // Where the store is encrypted, who has it alone can't open what callers hold.
    return createHash("sha256")
      .update(cipher === undefined ? secret : cipher.digest(secret))
      .digest();
  }

  const ready = (): Promise<Buffer> => {
    key ??= keyOf().catch((error: unknown) => {
      key = undefined;
      throw error;
    });
    return key;
  };

  return {
    async seal(position, scope) {
      const secret = await ready();
      const [whose, text] = [aad(scope), JSON.stringify(position)];
      // Made of what is sealed: the same page has the same cursor, and keeps its entity tag. No two texts have one in common.
      const iv = createHmac("sha256", secret).update("iv").update(whose).update(text).digest().subarray(0, ivBytes);
      const sealing = createCipheriv("aes-256-gcm", secret, iv);
      sealing.setAAD(whose);
      const sealed = Buffer.concat([sealing.update(text, "utf8"), sealing.final()]);
      const cursor = Buffer.concat([iv, sealed, sealing.getAuthTag()]).toString("base64url");
      if (cursor.length > longestCursor) throw new Error("the place of the next page is too long for a cursor");
      return cursor;
    },
    async open(cursor, scope) {
      if (!form.test(cursor)) throw failure("cursor-invalid", {});
      const bytes = Buffer.from(cursor, "base64url");
      const opening = createDecipheriv("aes-256-gcm", await ready(), bytes.subarray(0, ivBytes));
      opening.setAAD(aad(scope));
      opening.setAuthTag(bytes.subarray(-tagBytes));
      try {
        const text = Buffer.concat([opening.update(bytes.subarray(ivBytes, -tagBytes)), opening.final()]);
        return JSON.parse(text.toString("utf8")) as Json;
      } catch (cause) {
        throw failure("cursor-invalid", {}, { cause });
      }
    },
  };
}

function aad({ operation, caller, filters }: CursorScope): Buffer {
  return Buffer.from(JSON.stringify([1, operation, caller, canonicalJson(filters)]));
}
