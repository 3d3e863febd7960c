/** Row 27 over raw sockets: bodies that are called what they are not, and bodies that look like an upload. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { openTarget } from "./target.ts";
import { bodyOf, exchange, sized, statuses } from "./wire.ts";

const json = "Content-Type: application/json";
const head = (auth: string) => ["POST /orders/v1/echo HTTP/1.1", "Host: a", "Connection: close", json, auth].join("\n");

test("attack 27: a body that is called what it is not is 415, and one that looks like an upload opens no file", async (t) => {
  const target = await openTarget(t);
  const { ask, port, auth, upstream } = target;
  const types: readonly string[] = [
    "multipart/form-data; boundary=x",
    "multipart/form-data",
    "multipart/mixed; boundary=x",
    "application/x-www-form-urlencoded",
    "text/plain",
    "text/json",
    "application/jsonp",
    "application/json, text/plain",
    "text/plain, application/json",
    "application/json; charset=utf-16",
    "application/json; charset=utf-8; charset=utf-16",
    "application/json\u000b",
    "application/ json",
    "application/*",
    "*/*",
    "",
    "json",
    "application/xml",
    "application/x-yaml",
    "application/merge-patch+json",
    "application/octet-stream",
  ];
  const upload = '{"files":{"x":{"filepath":"/etc/passwd","path":"/etc/passwd","originalFilename":"a","size":1}}}';
  for (const type of types) {
    const { status, text } = await ask("POST /orders/v1/echo", { headers: [`Content-Type: ${type}`], body: upload });
    assert.ok([400, 415].includes(status), `${type}: ${text}`);
  }
  const parts = `--x\r\nContent-Disposition: form-data; name="f"; filename="../../etc/passwd"\r\n\r\nx`;
  const endless = await ask("POST /orders/v1/echo", {
    headers: ["Content-Type: multipart/form-data; boundary=x"],
    body: parts,
  });
  assert.equal(endless.status, 415);
  const twice: readonly string[] = [
    sized(`${head(auth)}\nContent-Type: multipart/form-data; boundary=x`, upload),
    sized(`${head(auth)}\n${json}`, upload),
    sized(`${head(auth)}\nContent-Encoding: identity\nContent-Encoding: gzip`, upload),
    sized(head(auth).replace(`${json}\n`, ""), upload),
  ];
  for (const bytes of twice) {
    const text = await exchange(port, bytes);
    assert.ok([400, 415].includes(statuses(text)[0]!), text);
  }
  target.quiet();
  // As JSON it is data, and stays data.
  for (const type of ["application/json", "Application/JSON; Charset=UTF-8", 'application/json;charset="utf-8"']) {
    const answer = await ask("POST /orders/v1/echo", { headers: [`Content-Type: ${type}`], body: upload });
    assert.deepEqual([answer.status, bodyOf(answer.text)], [200, upload], type);
    assert.equal(upstream.ledger.splice(0)[0]?.body, upload);
  }
  await target.works();
});
