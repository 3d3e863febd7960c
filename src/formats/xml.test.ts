import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { MortiseError } from "../errors.ts";
import { attributeOf, namespaceOf, parseXml } from "./xml.ts";
import { escapeAttribute, escapeText, Prefixes } from "./xml-write.ts";

function refused(code: string, place?: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof MortiseError, String(error));
    assert.equal(error.code, code);
    if (place !== undefined) assert.equal((error.details as { place: string }).place, place);
    return true;
  };
}

test("names are resolved through the prefixes in scope, also for names inside values", () => {
  const root = parseXml('<a xmlns="urn:d" xmlns:p="urn:p"><p:b p:x="1" y="2"><c xmlns=""/></p:b></a>');
  assert.deepEqual([root.namespace, root.local], ["urn:d", "a"]);
  const [b] = root.children;
  assert.ok(b);
  assert.deepEqual([b.namespace, b.local], ["urn:p", "b"]);
  assert.equal(attributeOf(b, "x", "urn:p"), "1");
  assert.equal(attributeOf(b, "y"), "2");
  assert.equal(attributeOf(b, "y", "urn:d"), undefined, "the default namespace is none for attributes");
  assert.equal(b.children[0]?.namespace, "");
  assert.equal(namespaceOf(b.scope, "p"), "urn:p");
  assert.equal(namespaceOf(b.scope, "q"), undefined);
});

test("every element knows its line and column, whatever follows its name", () => {
  const root = parseXml('<a\n  x="1"\n><b\n/>\n  <c>t</c></a>');
  assert.deepEqual(
    [root, ...root.children].map(({ local, line, column }) => [local, line, column]),
    [
      ["a", 1, 1],
      ["b", 3, 2],
      ["c", 5, 3],
    ],
  );
});

test("text joins character data and CDATA; white space between elements is none", () => {
  const root = parseXml("<a>\n <b>x &amp; <![CDATA[<y>]]> z&#33;</b>\n <c> </c>\n</a>");
  assert.equal(root.text, "");
  assert.deepEqual(
    root.children.map((child) => child.text),
    ["x & <y> z!", " "],
  );
});

test("a DOCTYPE is refused, whatever it holds", () => {
  for (const doctype of [
    "<!DOCTYPE a>",
    '<!DOCTYPE a SYSTEM "file:///etc/passwd">',
    '<!DOCTYPE a [<!ENTITY x "y">]>',
    '<!DOCTYPE a [<!ENTITY % p SYSTEM "http://127.0.0.1/p"> %p;]>',
  ])
    assert.throws(() => parseXml(`${doctype}<a>1</a>`), refused("xml-malformed"));
});

test("what is not well-formed is refused with its place", () => {
  const cases: readonly [string, string | undefined][] = [
    ["", "1:1"],
    ["<a>\n<b></a>", "2:8"],
    ["<a x='1' x='2'/>", undefined],
    ["<p:a/>", undefined],
    ["<a>&nbsp;</a>", undefined],
    ["<a/><b/>", undefined],
    ["text", undefined],
    ["<a>\u0000</a>", undefined],
  ];
  for (const [text, place] of cases) assert.throws(() => parseXml(text), refused("xml-malformed", place), text);
});

test("each limit holds at its edge", () => {
  const nested = (depth: number): string => "<a>".repeat(depth) + "</a>".repeat(depth);
  parseXml(nested(64));
  assert.throws(() => parseXml(nested(65)), refused("xml-limit"));
  parseXml(nested(256), { depth: 1000 });
  assert.throws(() => parseXml(nested(257), { depth: 1000 }), refused("xml-limit"));
  const attributes = (count: number): string =>
    `<a ${Array.from({ length: count }, (_, i) => `x${i}="1"`).join(" ")}/>`;
  parseXml(attributes(64));
  assert.throws(() => parseXml(attributes(65)), refused("xml-limit"));
  parseXml(`<a>${"<b/>".repeat(9)}</a>`, { elements: 10 });
  assert.throws(() => parseXml(`<a>${"<b/>".repeat(10)}</a>`, { elements: 10 }), refused("xml-limit"));
  parseXml("<a>12</a>", { bytes: 9 });
  assert.throws(() => parseXml("<a>123</a>", { bytes: 9 }), refused("xml-limit"));
});

test("depth far beyond the cap is refused without reading on", () => {
  const started = performance.now();
  assert.throws(() => parseXml("<a>".repeat(200_000)), refused("xml-limit"));
  assert.ok(performance.now() - started < 1000);
});

test("bytes are decoded by mark, then charset, then declaration", () => {
  const latin = Buffer.from('<?xml version="1.0" encoding="ISO-8859-1"?><a>\xe9</a>', "latin1");
  assert.equal(parseXml(latin).text, "é");
  const utf16 = Buffer.concat([
    Buffer.from([0xff, 0xfe]),
    Buffer.from('<?xml version="1.0" encoding="UTF-16"?><a>é</a>', "utf16le"),
  ]);
  assert.equal(parseXml(utf16, {}, "utf-8").text, "é");
  assert.equal(parseXml(Buffer.from("\ufeff<a>é</a>")).text, "é");
  assert.equal(parseXml(Buffer.from("<a>\xe9</a>", "latin1"), {}, "iso-8859-1").text, "é");
  assert.throws(() => parseXml(Buffer.from("<a>\xe9</a>", "latin1")), refused("xml-malformed"));
  assert.throws(() => parseXml(Buffer.from('<?xml version="1.0" encoding="EBCDIC"?><a/>')), refused("xml-malformed"));
  const cyrillic = Buffer.concat([
    Buffer.from('<?xml version="1.0" encoding="windows-1251"?><a>'),
    Buffer.from([0xe4, 0xe0]),
    Buffer.from("</a>"),
  ]);
  assert.equal(parseXml(cyrillic).text, "да");
});

test("names of Object's own members are plain names", () => {
  const root = parseXml('<a __proto__="1" constructor="2"><__proto__/></a>');
  assert.equal(attributeOf(root, "__proto__"), "1");
  assert.equal(attributeOf(root, "toString"), undefined);
  assert.equal(root.children[0]?.local, "__proto__");
});

/** Any code units, lone surrogates and control characters among them; mostly what needs care in XML. */
const units = fc
  .array(
    fc.oneof(
      fc.integer({ min: 0, max: 0xffff }),
      fc.constantFrom(..."<>&'\"]\r\n\t é".split("").map((c) => c.charCodeAt(0))),
    ),
  )
  .map((codes) => String.fromCharCode(...codes));

test("text and attributes come back as they were written", () => {
  fc.assert(
    fc.property(units, (value) => {
      const document = (): string => `<a x="${escapeAttribute(value)}">${escapeText(value)}</a>`;
      let text: string;
      try {
        text = document();
      } catch (error) {
        return refused("xml-character")(error);
      }
      const root = parseXml(text);
      assert.equal(root.text, value);
      assert.equal(attributeOf(root, "x"), value);
      return true;
    }),
  );
  assert.equal(parseXml(`<a>${escapeText("a\r\nb]]>c")}</a>`).text, "a\r\nb]]>c");
});

test("characters that XML can't carry are refused, lone surrogates too", () => {
  for (const text of ["\u0000", "a\u001fb", "\ufffe", "\ud800", "\udc00x"])
    assert.throws(() => escapeText(text), refused("xml-character"));
  assert.equal(escapeText("😀\t\n"), "😀\t\n");
});

test("prefixes are declared once and keep their namespace", () => {
  const prefixes = new Prefixes({ soap: "urn:soap" });
  assert.equal(prefixes.tag({ namespace: "urn:soap", local: "Body" }), "soap:Body");
  assert.equal(prefixes.tag({ namespace: 'urn:"x&y', local: "a" }), "ns1:a");
  assert.equal(prefixes.tag({ namespace: 'urn:"x&y', local: "b" }), "ns1:b");
  assert.equal(prefixes.tag({ namespace: "", local: "c" }), "c");
  const root = parseXml(`<ns1:a${prefixes.declarations()}/>`);
  assert.equal(root.namespace, 'urn:"x&y');
});
