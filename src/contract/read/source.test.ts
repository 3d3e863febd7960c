import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { MortiseError } from "../../errors.ts";
import type { Outbound, OutboundRequest } from "../../outbound/outbound.ts";
import { openSource } from "./source.ts";

let folder = "";
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "mortise-source-"));
  await mkdir(join(folder, "contract", "parts"), { recursive: true });
  await writeFile(join(folder, "secret.yaml"), "secret: true");
  await writeFile(join(folder, "contract", "entry.yaml"), "entry: 1");
  await writeFile(join(folder, "contract", "parts", "a b.yaml"), "a: 1");
  await writeFile(join(folder, "contract", "parts", "b.yaml"), "b: 1");
  await writeFile(join(folder, "contract", "service-xsd-1"), "<x/>");
  await writeFile(
    join(folder, "contract", "latin.xml"),
    Buffer.from('<?xml version="1.0" encoding="ISO-8859-1"?><a>\xe9</a>', "latin1"),
  );
  await writeFile(join(folder, "contract", "bad.yaml"), Buffer.from([0x61, 0xff, 0xfe]));
  await symlink(join(folder, "secret.yaml"), join(folder, "contract", "link.yaml"));
});
after(() => rm(folder, { recursive: true, force: true }));

const refused = (reason: RegExp) => (error: unknown) => {
  assert.ok(error instanceof MortiseError);
  assert.equal(error.code, "contract-unreadable");
  assert.match(error.message, reason);
  return true;
};

test("references are read from inside the contract's folder, each file once, with its hash", async () => {
  const source = await openSource(join(folder, "contract", "entry.yaml"));
  assert.equal(source.entry.path, "entry.yaml");
  const first = await source.read("./parts/a%20b.yaml", "entry.yaml");
  assert.equal(first.text, "a: 1");
  assert.equal(await source.read("a b.yaml", "parts/b.yaml"), first);
  assert.equal((await source.read("../entry.yaml", "parts/b.yaml")).path, "entry.yaml");
  assert.equal((await source.read("service?xsd=1", "entry.yaml")).text, "<x/>");
  assert.deepEqual(
    source.files().map((file) => file.path),
    ["entry.yaml", "parts/a b.yaml", "service-xsd-1"],
  );
  assert.match(first.sha256, /^[0-9a-f]{64}$/);
});

test("nothing outside the folder is read", async () => {
  const source = await openSource(join(folder, "contract", "entry.yaml"));
  const hostile = ["../secret.yaml", "%2e%2e/secret.yaml", "parts/../../secret.yaml", "/etc/passwd", "..\\secret.yaml"];
  for (const reference of hostile) await assert.rejects(source.read(reference, "entry.yaml"), refused(/entry\.yaml/));
  for (const reference of ["file:///etc/passwd", "http://127.0.0.1:1/x", "//host/x"])
    await assert.rejects(source.read(reference, "entry.yaml", "/paths/~1a"), refused(/at \/paths\/~1a.*another place/));
  await assert.rejects(source.read("link.yaml", "entry.yaml"), refused(/link that leads out/));
  await assert.rejects(source.read("none.yaml", "entry.yaml"), refused(/no such file/));
  await assert.rejects(source.read("parts", "entry.yaml"), refused(/not a file/));
});

test("who names a folder, or a file that is not there, is told so, and which files a contract may begin with", async () => {
  const at = (path: string) => join(folder, "contract", path);
  await assert.rejects(
    openSource(at("")),
    refused(
      /contract can't be read: it is a folder; name the file that the contract begins with: bad\.yaml, entry\.yaml, link\.yaml\.$/,
    ),
  );
  await assert.rejects(openSource(at("none.yaml")), refused(/none\.yaml can't be read: there is no such file\.$/));
  await mkdir(at("services"));
  for (const name of ["b.wsdl", "a.wsdl", "types.xsd", "notes.json"]) await writeFile(at(`services/${name}`), "<x/>");
  await assert.rejects(openSource(at("services")), refused(/begins with: a\.wsdl, b\.wsdl\.$/));
});

test("encodings are honoured, and broken bytes refused", async () => {
  const source = await openSource(join(folder, "contract", "entry.yaml"));
  assert.match((await source.read("latin.xml", "entry.yaml")).text, /<a>é<\/a>/);
  await assert.rejects(source.read("bad.yaml", "entry.yaml"), refused(/not utf-8/));
});

test("size and number of files are limited, and addresses can be mapped to files", async () => {
  const entry = join(folder, "contract", "entry.yaml");
  await assert.rejects(openSource(entry, { maxFileBytes: 7 }), refused(/larger than 7 bytes/));
  const two = await openSource(entry, { maxFiles: 2, urls: { "http://far.example/x": "parts/b.yaml" } });
  assert.equal((await two.read("http://far.example/x", "entry.yaml")).path, "parts/b.yaml");
  await assert.rejects(two.read("latin.xml", "entry.yaml"), refused(/at most 2 files/));
});

test("a contract by URL stays within its origin, and reads the same from where it was pinned", async () => {
  const asked: OutboundRequest[] = [];
  const outbound: Outbound = {
    request: async (request) => {
      asked.push(request);
      return { status: request.url.endsWith("missing") ? 404 : 200, headers: {}, body: Buffer.from(request.url) };
    },
    stream: () => Promise.reject(new Error("no stream is asked for")),
    close: async () => {},
  };
  const source = await openSource("http://erp.example/api/service?wsdl", { outbound });
  assert.equal(source.entry.path, "service-wsdl");
  assert.equal((await source.read("service?xsd=1", source.entry.path)).path, "service-xsd-1");
  assert.equal((await source.read("/common/types.xsd", source.entry.path)).path, "_origin/common/types.xsd");
  assert.equal((await source.read("more.xsd", "_origin/common/types.xsd")).text, "http://erp.example/common/more.xsd");
  await assert.rejects(source.read("http://other.example/x", source.entry.path), refused(/another place/));
  await assert.rejects(source.read("missing", source.entry.path), refused(/answered 404/));
  assert.ok(asked.every((request) => request.redirects === 3 && request.internal === false));

  const pinned = await openSource(join(folder, "contract", "entry.yaml"), {
    origin: "http://erp.example/api/service?wsdl",
  });
  assert.equal((await pinned.read("http://erp.example/api/service?xsd=1", "entry.yaml")).path, "service-xsd-1");
  assert.equal((await pinned.read("parts/b.yaml", "entry.yaml")).text, "b: 1");
  await assert.rejects(pinned.read("http://other.example/x", "entry.yaml"), refused(/another place/));
  await assert.rejects(pinned.read("../../../secret.yaml", "entry.yaml"), refused(/no such file/));
  assert.equal((await pinned.read("../api/parts/b.yaml", "_origin/common/x.xsd")).path, "parts/b.yaml");
  await assert.rejects(openSource("http://erp.example/x"), refused(/no HTTP client/));
});
