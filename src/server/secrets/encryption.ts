/**
 * Encryption at rest: AES-256-GCM (NIST SP 800-38D) with keys that stand outside the store. The first key encrypts, the others
 * only decrypt, so a new key is put before the old one.
 *
 * A sealed text is the key's id (8 characters), the nonce (16), the tag (24) and the ciphertext, in base64. A nonce is 8 bytes that
 * this cipher drew and 4 that it counts, so two texts of one key never share one.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hash,
  hkdfSync,
  type KeyObject,
  randomBytes,
  timingSafeEqual,
} from "node:crypto";
import { failure } from "../../errors.ts";
import type { Cipher } from "../../operation.ts";
import type { Project } from "../project/project.ts";

const algorithm = "aes-256-gcm";
const keyBytes = 32;
const idLength = 8;
const nonceLength = 16;
const tagLength = 24;
/** Texts under one drawn half of a nonce. */
const mostCounted = 2 ** 32;

interface Key {
  readonly id: string;
  readonly text: KeyObject;
  readonly digest: KeyObject;
}

/** The keys in the text of a secret: base64, separated by commas, the newest first. Throws `encryption-key`. */
export function readKeys(text: string): readonly Uint8Array[] {
  const keys = text.split(",").map((one) => Buffer.from(one.trim(), "base64"));
  if (keys.some(({ length }) => length !== keyBytes)) throw failure("encryption-key", { bytes: keyBytes });
  return keys;
}

/** Names a key without telling it. */
export function keyId(key: Uint8Array): string {
  return hash("sha256", Buffer.concat([Buffer.from("mortise key id "), key]), "base64url").slice(0, idLength);
}

/** The id of the key that sealed a text. */
export function keyIdOf(sealed: string): string {
  return sealed.slice(0, idLength);
}

export function createCipher(given: readonly Uint8Array[]): Cipher {
  const keys = new Map<string, Key>();
  for (const key of given)
    keys.set(keyId(key), { id: keyId(key), text: derive(key, "text"), digest: derive(key, "digest") });
  const [newest] = keys.values();
  if (newest === undefined) throw failure("encryption-key", { bytes: keyBytes });
  let counted = mostCounted;
  const nonce = Buffer.alloc(12);

  const nextNonce = () => {
    if (counted >= mostCounted) {
      randomBytes(8).copy(nonce);
      counted = 0;
    }
    nonce.writeUInt32BE(counted, 8);
    counted += 1;
    return nonce;
  };
  const digestBy = (key: Key, text: string) =>
    `${key.id}${createHmac("sha256", key.digest).update(text).digest("base64url")}`;

  return {
    seal(text, place) {
      const cipher = createCipheriv(algorithm, newest.text, nextNonce());
      cipher.setAAD(Buffer.from(place));
      const body = cipher.update(text, "utf8", "base64") + cipher.final("base64");
      return `${newest.id}${nonce.toString("base64")}${cipher.getAuthTag().toString("base64")}${body}`;
    },
    open(sealed, place) {
      const id = keyIdOf(sealed);
      const key = keys.get(id);
      if (key === undefined) throw new Error(`it was encrypted with the key ${id}, which is not among the keys`);
      const at = (from: number, length?: number) =>
        Buffer.from(sealed.slice(from, length === undefined ? undefined : from + length), "base64");
      try {
        const decipher = createDecipheriv(algorithm, key.text, at(idLength, nonceLength), { authTagLength: 16 });
        decipher.setAAD(Buffer.from(place));
        decipher.setAuthTag(at(idLength + nonceLength, tagLength));
        return decipher.update(at(idLength + nonceLength + tagLength), undefined, "utf8") + decipher.final("utf8");
      } catch {
        throw new Error("its encrypted text is damaged, or stands at a place that it was not written for");
      }
    },
    digest: (text) => digestBy(newest, text),
    isDigestOf(digest, text) {
      const key = keys.get(digest.slice(0, idLength));
      if (key === undefined) return false;
      const [a, b] = [Buffer.from(digest), Buffer.from(digestBy(key, text))];
      return a.length === b.length && timingSafeEqual(a, b);
    },
  };
}

/** What people should know who mark fields as sensitive and have no key. */
export function clearNotices({
  config,
  systems,
  processes,
}: Pick<Project, "config" | "systems" | "processes">): readonly string[] {
  if (config.options.encryption?.key !== undefined) return [];
  const marking = [
    ...[...systems.values()]
      .filter(({ settings }) => (settings.sensitive?.length ?? 0) > 0)
      .map(({ name }) => `systems/${name}`),
    ...[...processes.values()].filter(({ sensitive }) => (sensitive?.length ?? 0) > 0).map(({ name }) => name),
  ];
  if (marking.length === 0) return [];
  return [
    `${marking.join(", ")}: fields are marked as sensitive, and the store keeps them in clear; set encryption.key in mortise.config.ts`,
  ];
}

/** Each use has a key of its own. */
function derive(key: Uint8Array, use: string): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync("sha256", key, "", `mortise ${use}`, keyBytes)));
}
