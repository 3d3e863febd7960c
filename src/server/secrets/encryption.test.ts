import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import test from "node:test";
import { createCipher, keyId, keyIdOf, readKeys } from "./encryption.ts";

const key = () => new Uint8Array(randomBytes(32));

test("what was sealed opens at its place only, and says nothing of itself", () => {
  const cipher = createCipher([key()]);
  for (const text of ["", "a", "grüße, 漢字, 🙂".repeat(1000)]) {
    const sealed = cipher.seal(text, "run 1");
    assert.equal(cipher.open(sealed, "run 1"), text);
    assert.throws(() => cipher.open(sealed, "run 2"), /damaged, or stands at a place/);
    assert.notEqual(cipher.seal(text, "run 1"), sealed);
    if (text.length > 10) assert.ok(!sealed.includes(text) && !sealed.includes(Buffer.from(text).toString("base64")));
  }
});

test("no character of a sealed text can be changed, and none cut off", () => {
  const cipher = createCipher([key()]);
  const sealed = cipher.seal("the text", "p");
  for (let at = 0; at < sealed.length; at++) {
    const other = sealed[at] === "A" ? "B" : "A";
    const changed = sealed.slice(0, at) + other + sealed.slice(at + 1);
    // The last character before the padding has bits that mean nothing.
    if (Buffer.from(changed.slice(8), "base64").equals(Buffer.from(sealed.slice(8), "base64"))) continue;
    assert.throws(() => cipher.open(changed, "p"), `character ${at}`);
  }
  for (const end of [0, 5, 8, 20, 40, sealed.length - 4]) assert.throws(() => cipher.open(sealed.slice(0, end), "p"));
});

test("a new key encrypts, an older one still decrypts, one that is gone is named", () => {
  const [old, fresh] = [key(), key()];
  const before = createCipher([old]);
  const after = createCipher([fresh, old]);
  const sealed = before.seal("text", "p");
  assert.equal(after.open(sealed, "p"), "text");
  assert.equal(keyIdOf(after.seal("text", "p")), keyId(fresh));
  assert.ok(after.isDigestOf(before.digest("text"), "text"));
  assert.ok(!after.isDigestOf(before.digest("text"), "other"));
  const without = createCipher([fresh]);
  assert.throws(() => without.open(sealed, "p"), new RegExp(`the key ${keyId(old)}, which is not among`));
  assert.ok(!without.isDigestOf(before.digest("text"), "text"));
});

test("keys are base64 of 32 bytes, one or more", () => {
  const two = [randomBytes(32), randomBytes(32)];
  assert.deepEqual(readKeys(two.map((one) => one.toString("base64")).join(", ")), two);
  for (const wrong of ["", "secret", randomBytes(16).toString("base64"), `${two[0]?.toString("base64")},`]) {
    assert.throws(() => readKeys(wrong), { code: "encryption-key" });
  }
});
