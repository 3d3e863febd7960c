/**
 * Rows 20 to 26 of the attacks on contracts, through the readers, the generator, the comparer and the fake: each ends in a clear error that
 * names the place, or is read as plain data and called. In bounded time, with a heap of 512 MB; no file outside and no address is touched.
 */
import assert from "node:assert/strict";
import { type AddressInfo, createServer } from "node:net";
import { after, before, test } from "node:test";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { sequence, wsdlOf } from "../../src/contract/read/fixtures/wsdl/text.ts";
import { endWorker, type Outcome, takeThrough } from "./hostile-contract.ts";

interface Case {
  readonly name: string;
  readonly files: Readonly<Record<string, string | Uint8Array>>;
  /** The message of the refusal; absent: it is read, and each of its operations is called. */
  readonly refused?: RegExp;
  /** By address, from a server of this machine that answers with these bytes. */
  readonly served?: { readonly type: string; readonly encoding: string; readonly body: Uint8Array };
  /** Why its operation can't be called. */
  readonly uncalled?: RegExp;
  readonly also?: (outcome: Outcome) => void;
}

/** A place that must never be asked: whatever connects is counted. */
const canary = createServer((socket) => {
  visits++;
  socket.destroy();
});
let visits = 0;
let address = "";
before(async () => {
  await new Promise<void>((resolve) => canary.listen(0, "127.0.0.1", resolve));
  address = `http://127.0.0.1:${(canary.address() as AddressInfo).port}`;
});
after(async () => {
  canary.close();
  await endWorker();
});

const most = 40_000; // ms of the processor for one contract, on a busy machine

/** It is read, and there is nothing in it. */
const nothing = (outcome: Outcome): void => assert.equal(outcome.operations + outcome.events, 0);

async function endsWell({ files, refused, uncalled, served, also }: Case): Promise<void> {
  const told = Object.fromEntries(
    Object.entries(files).map(([name, text]) => [
      name,
      typeof text === "string" ? text.replaceAll("CANARY", address) : text,
    ]),
  );
  const outcome = served === undefined ? await takeThrough(told) : await fromServer(served);
  assert.equal(visits, 0, "an address was asked");
  assert.deepEqual(outcome.polluted, []);
  assert.ok(outcome.cpuMs < most, `it took ${outcome.cpuMs} ms`);
  assert.ok(!outcome.made.includes("CANARY-outside"));
  assert.ok(!outcome.made.includes("root:x:0"));
  if (refused === undefined) {
    assert.equal(outcome.refused, undefined, JSON.stringify(outcome.refused));
    if (uncalled === undefined) assert.deepEqual(outcome.uncalled, []);
    else assert.match(String(outcome.uncalled), uncalled);
    assert.equal(outcome.differsFromItself, 0);
    if (also !== nothing) assert.ok(outcome.operations + outcome.events > 0);
  } else {
    assert.ok(outcome.refused !== undefined, `it was read: ${outcome.made.slice(0, 500)}`);
    assert.match(
      outcome.refused.code,
      /^(contract-unreadable|outbound-|answer-|response-)/,
      JSON.stringify(outcome.refused),
    );
    assert.match(outcome.refused.message, refused);
    assert.ok(outcome.refused.message.length < 2000, "the message is not the contract");
  }
  also?.(outcome);
}

async function fromServer({ type, encoding, body }: NonNullable<Case["served"]>): Promise<Outcome> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => {
      socket.write(
        `HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\ncontent-encoding: ${encoding}\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n`,
      );
      socket.end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    return await takeThrough({}, `http://127.0.0.1:${(server.address() as AddressInfo).port}/contract`);
  } finally {
    server.close();
  }
}

const zeros = Buffer.alloc(200 * 1024 * 1024);
const yaml = (rest: string): string => `openapi: 3.1.0\ninfo: { title: T, version: "1" }\n${rest}`;
const json = (rest: object): string =>
  JSON.stringify({ openapi: "3.1.0", info: { title: "T", version: "1" }, ...rest });
const post = (schema: string): string =>
  yaml(
    `paths: { /a: { post: { operationId: a, requestBody: { required: true, content: { application/json: { schema: ${schema} } } }, responses: { "200": { description: ok, content: { application/json: { schema: ${schema} } } } } } } }\n`,
  );
const nested = (levels: number, open: string, inside: string, close: string): string =>
  open.repeat(levels) + inside + close.repeat(levels);
const text = sequence('<xs:element name="a" type="xs:string"/>');
const doctype = (body: string): string => `<!DOCTYPE definitions [${body}]>${wsdlOf(text)}`;
const sql = (statement: string, more = ""): string => `-- @operation act\n-- @returns one\n${more}${statement};\n`;
const csv = (columns: readonly object[]): string =>
  JSON.stringify({
    "@context": "http://www.w3.org/ns/csvw",
    url: "a-*.csv",
    "mortise:event": "came",
    tableSchema: { columns },
  });

const rows: Readonly<Record<string, readonly Case[]>> = {
  "row 20: bombs": [
    {
      name: "gzip",
      files: {},
      served: { type: "application/yaml", encoding: "gzip", body: gzipSync(zeros) },
      refused: /./,
    },
    {
      name: "deflate",
      files: {},
      served: { type: "text/xml", encoding: "deflate", body: deflateSync(zeros) },
      refused: /./,
    },
    {
      name: "gzip in gzip",
      files: {},
      served: { type: "text/xml", encoding: "gzip, gzip", body: gzipSync(gzipSync(zeros)) },
      refused: /./,
    },
    {
      name: "brotli that nobody asked for",
      files: {},
      served: { type: "text/xml", encoding: "br", body: brotliCompressSync(zeros.subarray(0, 20_000_000)) },
      refused: /./,
    },
    {
      name: "gzip that is none",
      files: {},
      served: { type: "text/xml", encoding: "gzip", body: Buffer.from("no gzip at all") },
      refused: /./,
    },
    { name: "a file of 17 MiB", files: { "a.yaml": Buffer.alloc(17 * 1024 * 1024, 32) }, refused: /larger than/ },
  ],
  "row 21: depth, breadth, numbers, broken texts": [
    {
      name: "JSON, 100,000 levels",
      files: { "a.json": `{"openapi":"3.1.0","paths":{},"x":${nested(100_000, "[", "", "]")}}` },
      refused: /depth/,
    },
    {
      name: "YAML flow, 100,000 levels",
      files: { "a.yaml": yaml(`paths: {}\nx: ${nested(100_000, "[", "", "]")}\n`) },
      refused: /deep/,
    },
    {
      name: "YAML blocks, 5,000 levels",
      files: {
        "a.yaml": yaml(`paths: {}\nx:\n${Array.from({ length: 5000 }, (_, n) => `${" ".repeat(n + 1)}a:\n`).join("")}`),
      },
      refused: /deep/,
    },
    {
      name: "YAML aliases of aliases",
      files: {
        "a.yaml": yaml(
          `paths: {}\nx0: &x0 [a,a,a,a,a,a,a,a,a]\n${Array.from({ length: 12 }, (_, n) => `x${n + 1}: &x${n + 1} [${Array(9).fill(`*x${n}`).join()}]\n`).join("")}`,
        ),
      },
      refused: /alias/i,
    },
    {
      name: "300,000 members",
      files: {
        "a.json": `{"openapi":"3.1.0","paths":{},"x":{${Array.from({ length: 300_000 }, (_, n) => `"k${n}":0`).join()}}}`,
      },
      also: nothing,
    },
    { name: "1e999", files: { "a.json": '{"openapi":"3.1.0","paths":{},"x":1e999}' }, refused: /too large/ },
    {
      name: "a lone surrogate",
      files: { "a.json": '{"openapi":"3.1.0","paths":{},"x":"\\ud800"}' },
      refused: /surrogate/,
    },
    { name: "a NUL in YAML", files: { "a.yaml": yaml("paths: {}\nx: \u0000\n") }, also: nothing },
    {
      name: "schemas inside schemas, 25 levels",
      files: {
        "a.yaml": post(nested(25, "{ type: object, required: [p], properties: { p: ", "{ type: string }", " } }")),
      },
    },
    {
      name: "a number beyond 2^53",
      files: { "a.yaml": post("{ type: object, properties: { n: { type: integer, maximum: 9007199254740993 } } }") },
    },
    {
      name: "WSDL, 100,000 levels",
      files: { "a.wsdl": wsdlOf(nested(100_000, "<xs:sequence>", "", "</xs:sequence>")) },
      refused: /nested deeper than/,
    },
    {
      name: "WSDL, types inside types, 25 levels",
      files: {
        "a.wsdl": wsdlOf(
          sequence(
            nested(
              25,
              '<xs:element name="e"><xs:complexType><xs:sequence>',
              '<xs:element name="a" type="xs:string"/>',
              "</xs:sequence></xs:complexType></xs:element>",
            ),
          ),
        ),
      },
    },
    {
      name: "SQL, 100,000 brackets",
      files: { "a.sql": sql(`SELECT ${nested(100_000, "(", "1", ")")} AS a`) },
      refused: /./,
    },
    {
      name: "SQL, a thousand columns",
      files: {
        "a.sql": sql(
          `SELECT ${Array.from({ length: 1000 }, (_, n) => `${n} AS c${n}`).join()}`,
          Array.from({ length: 1000 }, (_, n) => `-- @column c${n} integer\n`).join(""),
        ),
      },
    },
    {
      name: "SQL, 40,000 columns",
      files: { "a.sql": sql(`SELECT ${Array.from({ length: 40_000 }, (_, n) => `${n} AS c${n}`).join()}`) },
      refused: /columns/,
    },
    {
      name: "CSV, 100,000 columns",
      files: { "a.csvw.json": csv(Array.from({ length: 100_000 }, (_, n) => ({ name: `c${n}` }))) },
      refused: /more than 10000 columns/,
    },
    {
      name: "CSV, 2,000 columns",
      files: { "a.csvw.json": csv(Array.from({ length: 2000 }, (_, n) => ({ name: `c${n}` }))) },
    },
  ],
  "row 22: entities": [
    {
      name: "nested entities",
      files: {
        "a.wsdl": doctype(
          `<!ENTITY a "aaaaaaaaaa">${Array.from({ length: 12 }, (_, n) => `<!ENTITY ${"b".repeat(n + 1)} "${`&${n === 0 ? "a" : "b".repeat(n)};`.repeat(10)}">`).join("")}`,
        ),
      },
      refused: /DOCTYPE/,
    },
    { name: "an empty DOCTYPE", files: { "a.wsdl": `<!DOCTYPE definitions>${wsdlOf(text)}` }, refused: /DOCTYPE/ },
    {
      name: "several",
      files: { "a.wsdl": `<!DOCTYPE a [<!ENTITY x "y">]><!DOCTYPE b>${wsdlOf(text)}` },
      refused: /DOCTYPE/,
    },
    {
      name: "in small letters, behind a comment",
      files: { "a.wsdl": `<!-- x --><!doctype a [<!ENTITY x "y">]>${wsdlOf(text)}` },
      refused: /./,
    },
    {
      name: "in an imported schema",
      files: {
        "a.wsdl": wsdlOf('<xs:include schemaLocation="b.xsd"/>'),
        "b.xsd": `<!DOCTYPE schema [<!ENTITY x "y">]><xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:t">${text}</xs:schema>`,
      },
      refused: /b\.xsd.*DOCTYPE/,
    },
    {
      name: "an entity that nobody declares",
      files: {
        "a.wsdl": wsdlOf(
          text.replace(
            "<xs:sequence>",
            "<xs:annotation><xs:documentation>&lol;</xs:documentation></xs:annotation><xs:sequence>",
          ),
        ),
      },
      refused: /entity/,
    },
    {
      name: "a million references to characters",
      files: {
        "a.wsdl": wsdlOf(
          `<xs:annotation><xs:documentation>${"&#65;".repeat(1_000_000)}</xs:documentation></xs:annotation>${text}`,
        ),
      },
    },
    {
      name: "twenty thousand attributes",
      files: { "a.wsdl": wsdlOf(text, Array.from({ length: 20_000 }, (_, n) => `a${n}="1"`).join(" ")) },
      refused: /attributes/,
    },
    {
      name: "2,100,000 elements",
      files: { "a.wsdl": wsdlOf(`${text}<xs:annotation>${"<x/>".repeat(2_100_000)}</xs:annotation>`) },
      refused: /elements/,
    },
  ],
  "row 23: files and addresses in XML": [
    {
      name: "an external entity",
      files: { "a.wsdl": doctype('<!ENTITY x SYSTEM "file:///etc/passwd">') },
      refused: /DOCTYPE/,
    },
    {
      name: "a parameter entity",
      files: { "a.wsdl": doctype('<!ENTITY % x SYSTEM "CANARY/x.dtd"> %x;') },
      refused: /DOCTYPE/,
    },
    {
      name: "an external subset",
      files: { "a.wsdl": `<!DOCTYPE definitions SYSTEM "CANARY/x.dtd">${wsdlOf(text)}` },
      refused: /DOCTYPE/,
    },
    {
      name: "XInclude is an element like any other",
      files: {
        "a.wsdl": wsdlOf(
          `<xs:annotation><xs:appinfo><xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="../outside/secret.txt" parse="text"/><xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="CANARY/x"/></xs:appinfo></xs:annotation>${text}`,
        ),
      },
    },
    ...[
      "file:///etc/passwd",
      "/etc/passwd",
      "../outside/secret.txt",
      "..%2foutside%2fsecret.txt",
      "CANARY/t.xsd",
      "//127.0.0.1/t.xsd",
      "\\\\127.0.0.1\\share\\t.xsd",
      "gopher://127.0.0.1/x",
    ].map(
      (at): Case => ({
        name: `xs:include of ${at}`,
        files: { "a.wsdl": wsdlOf(`<xs:include schemaLocation="${at}"/>${text}`) },
        refused: /can't be read: at/,
      }),
    ),
    ...["file:///etc/passwd", "../outside/secret.txt", "CANARY/b.wsdl"].map(
      (at): Case => ({
        name: `wsdl:import of ${at}`,
        files: { "a.wsdl": wsdlOf(text).replace("<types>", `<import namespace="urn:other" location="${at}"/><types>`) },
        refused: /can't be read: at/,
      }),
    ),
    {
      name: "a stylesheet and a schema location are hints, and are passed over",
      files: {
        "a.wsdl": `<?xml-stylesheet href="CANARY/x.xsl"?>${wsdlOf(text).replace("<definitions ", '<definitions xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="urn:t CANARY/t.xsd" ')}`,
      },
    },
  ],
  "row 24: references out of the contract, and rings of them": [
    ...[
      "/etc/passwd",
      "file:///etc/passwd",
      "../outside/secret.txt",
      "..%2Foutside%2Fsecret.txt",
      "%2e%2e/outside/secret.txt",
      "CANARY/a.yaml#/x",
      "//127.0.0.1/a.yaml",
    ].map(
      (at): Case => ({
        name: `$ref to ${at}`,
        files: { "a.yaml": post(`{ $ref: "${at}" }`) },
        refused: /can't be read: at/,
        also: ({ refused }) =>
          assert.ok(refused!.message.includes(at.replace("CANARY", address).split("#")[0]!), refused!.message),
      }),
    ),
    {
      name: "$self and $id on another server lead nowhere",
      files: {
        "a.yaml": post('{ $id: "CANARY/base/", type: object, properties: { a: { type: string } } }').replace(
          "info:",
          "$self: CANARY/self.yaml\ninfo:",
        ),
      },
    },
    {
      name: "an example elsewhere is not fetched",
      files: {
        "a.yaml": post("{ type: string }").replace(
          "{ schema: { type: string } }",
          '{ schema: { type: string }, examples: { x: { externalValue: "CANARY/x" } } }',
        ),
      },
    },
    {
      name: "a ring of 30,000 references",
      files: {
        "a.json": json({
          paths: {},
          components: {
            schemas: Object.fromEntries(
              Array.from({ length: 100_000 }, (_, n) => [
                `S${n}`,
                { $ref: `#/components/schemas/S${(n + 1) % 30_000}` },
              ]),
            ),
          },
        }),
      },
      refused: /defined by itself/,
    },
    {
      name: "600 objects in a ring",
      files: {
        "a.json": json({
          paths: {
            "/a": {
              get: {
                operationId: "a",
                responses: {
                  200: {
                    description: "",
                    content: { "application/json": { schema: { $ref: "#/components/schemas/S0" } } },
                  },
                },
              },
            },
          },
          components: {
            schemas: Object.fromEntries(
              Array.from({ length: 600 }, (_, n) => [
                `S${n}`,
                {
                  type: "object",
                  properties: { a: { type: "string" }, n: { $ref: `#/components/schemas/S${(n + 1) % 600}` } },
                },
              ]),
            ),
          },
        }),
      },
    },
    {
      name: "an object that must hold itself",
      files: {
        "a.yaml": `${post('{ $ref: "#/components/schemas/A" }')}components: { schemas: { A: { type: object, required: [a], properties: { a: { $ref: "#/components/schemas/A" } } } } }\n`,
      },
      uncalled: /no output that satisfies its schema was found/,
    },
  ],
  "row 25: names that objects have anyway": [
    {
      name: "OpenAPI",
      files: {
        "a.yaml": yaml(
          `paths:\n${["__proto__", "constructor", "toString", "then", "valueOf"].map((name) => `  "/${name}": { post: { operationId: "${name}", parameters: [{ name: "${name}", in: query, schema: { type: string } }], requestBody: { required: true, content: { application/json: { schema: { $ref: "#/components/schemas/${name}" } } } }, responses: { "200": { description: ok, content: { application/json: { schema: { $ref: "#/components/schemas/${name}" } } } } } } }\n`).join("")}components:\n  schemas:\n${["__proto__", "constructor", "toString", "then", "valueOf"].map((name) => `    "${name}": { type: object, required: ["${name}"], properties: { "${name}": { type: string }, "__proto__ ": { type: integer } } }\n`).join("")}`,
        ),
      },
      also: ({ operations, called }) => assert.deepEqual([operations, called], [5, 5]),
    },
    {
      name: "WSDL",
      files: {
        "a.wsdl": wsdlOf(
          `<xs:complexType name="constructor"><xs:sequence>${["__proto__", "constructor", "toString", "hasOwnProperty", "then"].map((name) => `<xs:element name="${name}" type="xs:string"/>`).join("")}</xs:sequence><xs:attribute name="valueOf" type="xs:string"/></xs:complexType><xs:element name="Do" type="t:constructor"/>`,
        ).replaceAll('operation name="Do"', 'operation name="__proto__"'),
      },
      also: ({ called }) => assert.equal(called, 1),
    },
    {
      name: "SQL: an operation's name",
      files: { "a.sql": "-- @operation constructor\nSELECT 1 AS a;\n" },
      refused: /the name "constructor" is taken/,
    },
    {
      name: "SQL: columns and parameters",
      files: {
        "a.sql":
          "-- @operation act\n-- @returns one\n-- @param hasOwnProperty text\n-- @column __proto__ text\n-- @column toString text\nSELECT :hasOwnProperty AS __proto__, 1 AS toString;\n",
      },
    },
    {
      name: "CSV",
      files: {
        "a.csvw.json": csv(["constructor", "toString", "valueOf"].map((name) => ({ name, titles: "__proto__" }))),
      },
    },
    {
      name: "CSV: a name with an underscore",
      files: { "a.csvw.json": csv([{ name: "__proto__" }]) },
      refused: /"__proto__" begins with "_"/,
    },
  ],
  "row 26: patterns that others never finish": [
    ...[
      ["^(a|a)*$"],
      ["^(a+)+$"],
      ["^(?=(a+)+$)a*"],
      // Nothing fits it, which is found out in time.
      ["^(?=(a+)+$)a*b", /no output that satisfies its schema/],
      ["^(([a-z])+.)+[A-Z]([a-z])+$"],
      ["((a{60}){60}){60}"],
      ["^(a|aa)+\\1$"],
    ].map(
      ([pattern, uncalled]): Case => ({
        name: `OpenAPI: ${pattern}`,
        ...(uncalled instanceof RegExp ? { uncalled } : {}),
        files: {
          "a.yaml": post(
            `{ type: object, required: [p], properties: { p: { type: string, pattern: ${JSON.stringify(pattern)} } }, patternProperties: { ${JSON.stringify(pattern)}: { type: string } } }`,
          ),
        },
      }),
    ),
    ...["(a|a)*", "(a+)+", "((a{60}){60}){60}", "(\\i\\c*)*", "[a-z-[aeiou]]{1,5000}"].map(
      (pattern): Case => ({
        name: `XSD: ${pattern}`,
        files: {
          "a.wsdl": wsdlOf(
            sequence(
              `<xs:element name="a"><xs:simpleType><xs:restriction base="xs:string"><xs:pattern value="${pattern}"/></xs:restriction></xs:simpleType></xs:element>`,
            ),
          ),
        },
      }),
    ),
  ],
};

for (const [row, cases] of Object.entries(rows))
  for (const each of cases) test(`${row}: ${each.name}`, () => endsWell(each));
