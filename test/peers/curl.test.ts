/** Against curl: what a caller types, with curl's own understanding of HTTP and TLS. */
import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, type TestContext, test } from "node:test";
import { authority, type Installation, openInstallation } from "./installation.ts";

const skip = spawnSync("curl", ["--version"]).status === 0 ? false : "curl is not installed";

let clear: Installation;
let key: string;

before(async () => {
  if (skip !== false) return;
  clear = await openInstallation({});
  key = await clear.key("web-shop");
});
after(() => clear?.stop());

interface Ran {
  /** Exit code of the program. */
  readonly exit: number;
  readonly out: string;
  readonly error: string;
}

function run(program: string, args: readonly string[], env: Record<string, string> = {}): Promise<Ran> {
  return new Promise((resolve) => {
    const options = { env: { ...process.env, ...env }, timeout: 60_000 };
    execFile(program, args, options, (error, out, words) =>
      resolve({ exit: error === null ? 0 : Number(error.code ?? -1), out, error: words }),
    );
  });
}

interface Answer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** curl with `-i`: what it printed, taken apart. */
async function curl(...args: string[]): Promise<Answer> {
  const { exit, out, error } = await run("curl", [
    "--silent",
    "--show-error",
    "--include",
    "--max-time",
    "30",
    ...args,
  ]);
  assert.equal(exit, 0, error);
  const cut = out.indexOf("\r\n\r\n");
  const [first = "", ...lines] = out.slice(0, cut).split("\r\n");
  const headers = new Map(
    lines.map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 1).trim()]),
  );
  return { status: Number(first.split(" ")[1]), headers, body: out.slice(cut + 4) };
}

const order = () => ({ id: `o-${randomUUID()}`, lines: [{ sku: "SHACKLE-8", quantity: 2 }] });
const place = (idempotencyKey: string, body: object, url = clear.url) => [
  ...["-H", `Authorization: Bearer ${key}`, "-H", `Idempotency-Key: "${idempotencyKey}"`],
  ...["-H", "Content-Type: application/json", "--data", JSON.stringify(body), `${url}/orders/v1/orders`],
];

test("curl places an order; a repeat with its key is answered the same and does nothing (IK-2, IK-6)", {
  skip,
}, async () => {
  const before = await clear.runs();
  const wanted = order();
  const first = await curl(...place("first", wanted));
  assert.equal(first.status, 201, first.body);
  assert.deepEqual(JSON.parse(first.body), { number: `S-${wanted.id}`, lines: wanted.lines });
  const again = await curl(...place("first", wanted));
  assert.deepEqual([again.status, again.headers.get("idempotency-replayed")], [201, "true"]);
  assert.equal(again.body, first.body);
  const other = await curl(...place("first", order()));
  assert.equal(other.status, 422);
  assert.equal((await clear.runs()) - before, 1);
});

test("curl sees a problem where the input does not fit, and a challenge where the key is missing (PD-1, PD-7)", {
  skip,
}, async () => {
  const wrong = await curl(...place("wrong", { id: "", lines: [] }));
  assert.deepEqual([wrong.status, wrong.headers.get("content-type")], [400, "application/problem+json"]);
  const problem = JSON.parse(wrong.body) as { type: string; errors: { pointer: string }[] };
  assert.equal(problem.type, "urn:mortise:error:input-invalid");
  assert.deepEqual(
    problem.errors.map(({ pointer }) => pointer),
    ["/id"],
  );
  const nobody = await curl(`${clear.url}/orders/v1/orders/o-1`);
  assert.equal(nobody.status, 401);
  assert.match(nobody.headers.get("www-authenticate") ?? "", /^Bearer/);
});

test("curl asks again with the entity tag that it kept, and is told that nothing has changed", { skip }, async () => {
  const wanted = order();
  assert.equal((await curl(...place("etag", wanted))).status, 201);
  const kept = join(clear.folder, "etag");
  const url = `${clear.url}/orders/v1/orders/${wanted.id}`;
  const seen = await curl("-H", `X-API-Key: ${key}`, "--etag-save", kept, url);
  assert.equal(seen.status, 200);
  assert.equal(readFileSync(kept, "utf8").trim(), seen.headers.get("etag"));
  const unchanged = await curl("-H", `X-API-Key: ${key}`, "--etag-compare", kept, url);
  assert.deepEqual([unchanged.status, unchanged.body], [304, ""]);
  assert.equal(unchanged.headers.get("etag"), seen.headers.get("etag"));
});

test("curl unpacks gzip where it asked for it, and is sent plain text where it did not", { skip }, async () => {
  const plain = await curl(`${clear.url}/orders/v1/openapi.json`);
  const packed = await curl("--compressed", `${clear.url}/orders/v1/openapi.json`);
  assert.equal(plain.headers.has("content-encoding"), false);
  assert.equal(packed.headers.get("content-encoding"), "gzip");
  assert.ok(Number(packed.headers.get("content-length")) < Number(plain.headers.get("content-length")) / 2);
  assert.equal(packed.body, plain.body);
  assert.match(packed.headers.get("vary") ?? "", /accept-encoding/i);
});

test("curl's HEAD has the head of the GET, and no body", { skip }, async () => {
  const get = await curl(`${clear.url}/orders/v1/openapi.json`);
  const head = await curl("--head", `${clear.url}/orders/v1/openapi.json`);
  assert.deepEqual([head.status, head.body], [200, ""]);
  for (const name of ["content-type", "content-length", "etag"])
    assert.equal(head.headers.get(name), get.headers.get(name), name);
});

test("curl trusts our certificate through its authority alone, by the right name alone, and speaks TLS 1.2 and 1.3 alone", {
  skip,
}, async (t: TestContext) => {
  const secure = await openInstallation({ tls: true });
  t.after(() => secure.stop());
  const here = ["--resolve", `localhost:${secure.port}:127.0.0.1`, `${secure.url}/orders/v1/openapi.json`];
  const answer = await curl("--cacert", authority, ...here);
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get("strict-transport-security") ?? "", /^max-age=/);
  for (const version of ["1.2", "1.3"]) {
    const one = await curl("--cacert", authority, `--tlsv${version}`, "--tls-max", version, ...here);
    assert.equal(one.status, 200, version);
  }
  const refused = async (...args: string[]) => (await run("curl", ["--silent", "--max-time", "30", ...args])).exit;
  // The certificate can't be verified.
  assert.equal(await refused(...here), 60);
  const wrongName = [`localhost.example:${secure.port}:127.0.0.1`, `https://localhost.example:${secure.port}/`];
  assert.equal(await refused("--cacert", authority, "--resolve", ...wrongName), 60);
  // In clear it is told so, and led nowhere (OA2-7).
  const inClear = await curl("--location", `http://127.0.0.1:${secure.port}/orders/v1/openapi.json`);
  assert.deepEqual([inClear.status, inClear.headers.has("location")], [403, false]);
  assert.match(inClear.body, /tls-required/);
});

/** What stands in the page's boxes of code. */
async function examplesOf({ url }: Installation, begins: RegExp): Promise<readonly string[]> {
  const page = await (await fetch(`${url}/orders/v1/docs`)).text();
  const entities = (text: string) => text.replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)));
  const boxes = [...page.matchAll(/<pre[^>]*>([^<]*)<\/pre>/g)].map(([, text = ""]) => entities(text));
  return boxes.filter((box) => begins.test(box));
}

test("the examples of the docs page run in a shell as they stand there", { skip }, async () => {
  const examples = await examplesOf(clear, /^curl /);
  assert.equal(examples.length, 2);
  const statuses: string[] = [];
  for (const example of examples) {
    const script = example.replace(/^curl /, 'curl --silent --output /dev/null --write-out "%{http_code}" ');
    const { exit, out, error } = await run("sh", ["-c", script], { API_URL: clear.url, API_KEY: key });
    assert.equal(exit, 0, error);
    statuses.push(out);
  }
  assert.deepEqual(statuses, ["201", "404"], "an order is placed; nobody has placed the one that is asked for");
});

test("the same examples in JavaScript run, too", async (t) => {
  const own = await openInstallation({});
  t.after(() => own.stop());
  const examples = await examplesOf(own, /^const answer /);
  assert.equal(examples.length, 2);
  const statuses: unknown[] = [];
  const told = { log: (status: number) => void statuses.push(status) };
  const mine = await own.key("web-shop");
  for (const example of examples) {
    const run = new Function("url", "key", "console", `return (async () => { ${example} })();`);
    await (run(own.url, mine, told) as Promise<void>);
  }
  assert.deepEqual(statuses, [201, 404]);
});
