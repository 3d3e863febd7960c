/** WSDL: how an operation is spoken with, and which there are. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { brief, compared, el, elements, model, type Parts, seq, wsdl } from "../read/fixtures/wsdl/two-way.ts";
import { compareContracts } from "./compare.ts";

const type = elements(seq(el("a")), seq(el("b") + el("c")));
const plain: Parts = { schema: type };

/** What changes, the parts of the new version, all that is found. */
const bindings: readonly (readonly [string, Parts, readonly string[]])[] = [
  ["the SOAP action", { action: "b" }, ["breaking soap-binding do: action"]],
  ["the version of SOAP", { soap: "http://schemas.xmlsoap.org/wsdl/soap12/" }, ["breaking soap-binding do: version"]],
  ["the address", { address: "http://y.example/" }, ["safe servers servers"]],
  [
    "a header that is asked for",
    { input: '<s:header message="t:H" part="h" use="literal"/>' },
    ["breaking soap-header do: headers", "safe unknown-property do: input"],
  ],
  [
    "one more fault",
    {
      faults: '<fault name="F" message="t:F"/><fault name="G" message="t:G"/>',
      boundFaults:
        '<fault name="F"><s:fault name="F" use="literal"/></fault><fault name="G"><s:fault name="G" use="literal"/></fault>',
    },
    ["breaking fault do: fault G"],
  ],
  ["a fault less", { faults: "", boundFaults: "" }, ["safe fault do: fault F"]],
  [
    "one way instead of an answer",
    { output: "", faults: "", boundFaults: "" },
    [
      "breaking type do: output",
      "breaking soap-binding do: response",
      "breaking soap-binding do: wrapped",
      "safe fault do: fault F",
    ],
  ],
  [
    "the target namespace of the types",
    { attributes: 'targetNamespace="urn:other" elementFormDefault="qualified"' },
    [],
  ],
  [
    "unqualified elements",
    { attributes: 'targetNamespace="urn:t"' },
    ["breaking xml-form do: input /a", "breaking xml-form do: output /b", "breaking xml-form do: output /c"],
  ],
];

for (const [what, now, found] of bindings)
  test(`WSDL: ${what}`, async () => {
    const text = wsdl({ ...plain, ...now });
    const other = what.includes("target namespace")
      ? text
          .replaceAll('xmlns:t="urn:t"', 'xmlns:t="urn:other"')
          .replaceAll('message="t:', 'message="w:')
          .replaceAll('type="t:P"', 'type="w:P"')
          .replaceAll('binding="t:B"', 'binding="w:B"')
          .replace("<definitions ", '<definitions xmlns:w="urn:t" ')
      : text;
    const comparison = await compared(wsdl(plain), other);
    if (found.length > 0) assert.deepEqual(brief(comparison), found);
    else {
      const rules = comparison.findings.map(({ rule, at }) => `${rule} ${at}`);
      for (const each of ["soap-binding do: request", "soap-binding do: response", "xml-form do: input /a"])
        assert.ok(rules.includes(each), rules.join());
      assert.equal(comparison.verdict, "breaking");
    }
  });

test("WSDL: rpc instead of document, and encoded instead of literal", async () => {
  const parts =
    '<message name="I"><part name="a" type="xs:string"/></message><message name="O"><part name="r" type="xs:string"/></message>';
  const rpc: Parts = { schema: type, messages: parts, style: "rpc" };
  const found = brief(await compared(wsdl(plain), wsdl(rpc)));
  for (const each of ["breaking soap-binding do: style", "breaking xml-form do: input /a"])
    assert.ok(found.includes(each), found.join());
  assert.ok(
    brief(await compared(wsdl(rpc), wsdl({ ...rpc, use: "encoded" }))).includes("breaking soap-binding do: use"),
  );
  const renamed = { ...rpc, messages: parts.replace('name="a"', 'name="z"') };
  assert.deepEqual(brief(await compared(wsdl(rpc), wsdl(renamed))), [
    "breaking required-property do: input",
    "breaking unknown-property do: input",
  ]);
});

test("WSDL: an operation that goes, and one that is renamed, break; a new one does not", async () => {
  const two = wsdl(plain)
    .replace("</portType>", '<operation name="More"><input message="t:I"/></operation></portType>')
    .replace(
      "</binding>",
      '<operation name="More"><s:operation soapAction="m"/><input><s:body use="literal"/></input></operation></binding>',
    );
  assert.deepEqual(brief(await compared(wsdl(plain), two)), ["safe operation-added more"]);
  assert.deepEqual(brief(await compared(two, wsdl(plain))), ["breaking operation-removed more"]);
  assert.deepEqual(brief(await compared(two, two.replaceAll('"More"', '"Further"'))), [
    "breaking operation-removed more",
    "safe operation-added further",
  ]);
});

test("WSDL: prefixes, documentation and the layout of files are no change", async () => {
  const one = wsdl(plain);
  const spread = one
    .replace(
      /<types>.*<\/types>/s,
      '<types><xs:schema><xs:import namespace="urn:t" schemaLocation="types/t.xsd"/></xs:schema></types>',
    )
    .replaceAll("t:", "other:")
    .replace("xmlns:other:", "xmlns:t:")
    .replaceAll('xmlns:t="urn:t"', 'xmlns:other="urn:t"')
    .replace("<portType", "<!-- moved --><portType");
  const xsd = `<schema xmlns="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:t" elementFormDefault="qualified"><include schemaLocation="more.xsd"/></schema>`;
  const more = `<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:t" elementFormDefault="qualified"><xs:annotation><xs:documentation>words</xs:documentation></xs:annotation>${type}</xs:schema>`;
  const [before, after] = await Promise.all([
    model(one),
    model(spread, { "types/t.xsd": xsd, "types/more.xsd": more }),
  ]);
  assert.equal(after.source.files.length, 3);
  assert.deepEqual(compareContracts(before, after).findings, []);
});

test("WSDL over plain HTTP: method, path, place of the input, form of the answer", async () => {
  const http = (
    verb = "GET",
    location = "/Do",
    input = "<h:urlEncoded/>",
    output = '<mime:mimeXml part="p"/>',
  ): string =>
    wsdl({
      schema: type,
      messages:
        '<message name="I"><part name="a" type="xs:string"/></message><message name="O"><part name="p" element="t:DoResponse"/></message>',
      faults: "",
      boundFaults: "",
    })
      .replace(
        "<definitions ",
        '<definitions xmlns:h="http://schemas.xmlsoap.org/wsdl/http/" xmlns:mime="http://schemas.xmlsoap.org/wsdl/mime/" ',
      )
      .replace(
        /<binding .*<\/binding>/s,
        `<binding name="B" type="t:P"><h:binding verb="${verb}"/><operation name="Do"><h:operation location="${location}"/><input>${input}</input><output>${output}</output></operation></binding>`,
      )
      .replace("s:address", "h:address");
  const from = http();
  const found = async (now: string): Promise<string[]> => brief(await compared(from, now));
  assert.deepEqual(await found(from), []);
  assert.deepEqual(await found(http("POST")), ["breaking http-binding do: method"]);
  assert.deepEqual(await found(http("GET", "/Other")), ["breaking http-binding do: location"]);
  assert.deepEqual(await found(http("GET", "/Do/(a)", "<h:urlReplacement/>")), [
    "breaking http-binding do: location",
    "breaking http-binding do: input",
  ]);
  const text = await found(http("GET", "/Do", "<h:urlEncoded/>", '<mime:content type="text/plain"/>'));
  assert.deepEqual(text.slice(0, 2), ["breaking type do: output", "breaking http-binding do: output"]);
});
