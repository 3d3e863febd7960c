import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { MortiseError } from "../../errors.ts";
import { createServer } from "../../http.ts";
import { createOutbound } from "../../outbound/client.ts";
import type { ContractModel } from "../model.ts";
import { sequence, written, wsdlOf } from "./fixtures/wsdl/text.ts";
import { openSource } from "./source.ts";
import { readWsdl } from "./wsdl.ts";

type Properties = { readonly [name: string]: { readonly [keyword: string]: unknown } };
function propertiesOf(model: ContractModel, name: string): Properties {
  return (model.schemas[name] as { readonly properties: Properties }).properties;
}
function unreadable(file: string, place: RegExp, reason: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof MortiseError, String((error as Error).stack));
    assert.equal(error.code, "contract-unreadable");
    assert.ok(error.message.startsWith(`The contract ${file} can't be read: at `), error.message);
    assert.match(error.message, place);
    assert.match(error.message, reason);
    return true;
  };
}

test("a contract by address is read with all that it imports from there, in rings too, and nothing from elsewhere", async () => {
  const pages = new Map<string, string>();
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? "");
    const page = pages.get(request.url ?? "");
    response.writeHead(page === undefined ? 404 : 200, { "content-type": "text/xml" }).end(page);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const outbound = createOutbound();
  try {
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const schema = (imports: string, inside: string): string =>
      `<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:o="urn:o" targetNamespace="urn:o">${imports}${inside}</xs:schema>`;
    const entry = (location: string): string =>
      wsdlOf(
        `<xs:import namespace="urn:o" schemaLocation="${location}"/><xs:element name="Do" type="o:T" xmlns:o="urn:o"/>`,
      );
    pages.set("/svc?wsdl", entry(`${base}/svc?xsd=1`));
    pages.set(
      "/svc?xsd=1",
      schema(
        `<xs:include schemaLocation="${base}/svc?xsd=2"/>`,
        '<xs:simpleType name="T"><xs:restriction base="o:U"/></xs:simpleType>',
      ),
    );
    pages.set(
      "/svc?xsd=2",
      schema(
        '<xs:include schemaLocation="svc?xsd=1"/>',
        '<xs:simpleType name="U"><xs:restriction base="xs:int"/></xs:simpleType>',
      ),
    );
    const model = await readWsdl(await openSource(`${base}/svc?wsdl`, { outbound, internal: true }), "x");
    assert.deepEqual(model.operations.do?.input, { type: "integer", minimum: -2147483648, maximum: 2147483647 });
    assert.deepEqual(asked.toSorted(), ["/svc?wsdl", "/svc?xsd=1", "/svc?xsd=2"]);
    for (const [location, reason] of [
      ["http://127.0.0.1:1/svc?xsd=1", /leads to another place/],
      ["file:///etc/passwd", /leads to another place/],
      ["gone.xsd", /the server answered 404/],
    ] as const) {
      pages.set("/svc?wsdl", entry(location));
      const source = openSource(`${base}/svc?wsdl`, { outbound, internal: true });
      await assert.rejects(
        source.then((files) => readWsdl(files, "x")),
        (error: MortiseError) => {
          assert.equal(error.code, "contract-unreadable");
          assert.match(error.message, reason);
          return true;
        },
      );
    }
    // Inside the own network only where that was allowed.
    await assert.rejects(openSource(`${base}/svc?wsdl`, { outbound }), { code: "outbound-address" });
  } finally {
    await outbound.close();
    server.closeAllConnections();
    server.close();
  }
});

test("repeated groups that unfold without end are refused in time", async () => {
  const levels = Array.from(
    { length: 30 },
    (_, n) =>
      `<xs:group name="g${n}"><xs:choice><xs:sequence maxOccurs="unbounded"><xs:group ref="t:g${n + 1}"/><xs:group ref="t:g${n + 1}"/></xs:sequence><xs:group ref="t:g${n + 1}" maxOccurs="9"/></xs:choice></xs:group>`,
  ).join("");
  const started = performance.now();
  await assert.rejects(
    written({
      "a.wsdl": wsdlOf(
        `${levels}<xs:group name="g30"><xs:sequence><xs:element name="a" type="xs:int"/></xs:sequence></xs:group>
         <xs:element name="Do"><xs:complexType><xs:choice maxOccurs="unbounded"><xs:group ref="t:g0"/><xs:any/></xs:choice></xs:complexType></xs:element>`,
      ),
    }),
    unreadable("a.wsdl", /at \d+:/, /unfold to more than 200000 parts/),
  );
  assert.ok(performance.now() - started < 20_000);
});

test("operations that can't be called are left out with the reason; the others can be used", async () => {
  const text = wsdlOf('<xs:element name="Do" type="xs:int"/>')
    .replace('xmlns:t="urn:t"', 'xmlns:t="urn:t" xmlns:m="http://schemas.xmlsoap.org/wsdl/mime/"')
    .replace(
      "</portType>",
      '<operation name="Send"><input message="t:M"/></operation><operation name="Told"><output message="t:M"/></operation></portType>',
    )
    .replace(
      "</binding>",
      `<operation name="Send"><s:operation soapAction="b"/><input><m:multipartRelated><m:part><s:body use="literal"/></m:part><m:part><m:content part="p" type="image/png"/></m:part></m:multipartRelated></input></operation>
       <operation name="Told"><s:operation soapAction="c"/><output><s:body use="literal"/></output></operation></binding>`,
    );
  const model = await written({ "a.wsdl": text });
  assert.deepEqual(Object.keys(model.operations), ["do"]);
  assert.deepEqual(
    model.source.leftOut?.map(({ operation, reason }) => [
      operation,
      /attachments|started by the system/.exec(reason)?.[0],
    ]),
    [
      ["Send", "attachments"],
      ["Told", "started by the system"],
    ],
  );
});

test("a redefinition is built upon what it replaces", async () => {
  const model = await written({
    "a.wsdl": wsdlOf(
      `<xs:redefine schemaLocation="b.xsd">
         <xs:complexType name="T"><xs:complexContent><xs:extension base="t:T"><xs:sequence><xs:element name="b" type="xs:int"/></xs:sequence></xs:extension></xs:complexContent></xs:complexType>
         <xs:simpleType name="S"><xs:restriction base="t:S"><xs:maxLength value="3"/></xs:restriction></xs:simpleType>
         <xs:group name="G"><xs:sequence><xs:group ref="t:G"/><xs:element name="h" type="xs:int"/></xs:sequence></xs:group>
       </xs:redefine>${sequence('<xs:element name="t" type="t:T"/><xs:element name="s" type="t:S"/><xs:group ref="t:G"/>')}`,
    ),
    "b.xsd": `<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:t="urn:t" targetNamespace="urn:t">
      <xs:complexType name="T"><xs:sequence><xs:element name="a" type="xs:int"/></xs:sequence></xs:complexType>
      <xs:simpleType name="S"><xs:restriction base="xs:string"><xs:minLength value="1"/></xs:restriction></xs:simpleType>
      <xs:group name="G"><xs:sequence><xs:element name="g" type="xs:int"/></xs:sequence></xs:group></xs:schema>`,
  });
  const properties = propertiesOf(model, "Do");
  assert.deepEqual(Object.keys(properties), ["t", "s", "g", "h"]);
  assert.deepEqual(Object.keys(propertiesOf(model, "T")), ["a", "b"]);
  assert.deepEqual([properties.s?.minLength, properties.s?.maxLength], [1, 3]);
});

test("what the oldest and the largest contracts do is taken as it is meant", async () => {
  const old = wsdlOf(
    '<xs:element name="Do"><xs:complexType><xs:sequence><xs:element name="at" type="xs:timeInstant"/></xs:sequence></xs:complexType></xs:element>',
  ).replace("http://www.w3.org/2001/XMLSchema", "http://www.w3.org/1999/XMLSchema");
  assert.match(String(propertiesOf(await written({ "a.wsdl": old }), "Do").at?.pattern), /T/);
  const many = Array.from({ length: 300 }, (_, n) => ` xmlns:n${n}="urn:n${n}"`).join("");
  const text = wsdlOf('<xs:import namespace="urn:q" schemaLocation=""/><xs:element name="Do" type="xs:int"/>');
  const model = await written({ "a.wsdl": text.replace("<definitions", `<definitions${many}`) });
  assert.deepEqual(Object.keys(model.operations), ["do"]);
  // The same definition in two files may differ in its words.
  const twice = await written({
    "a.wsdl": wsdlOf(
      '<xs:include schemaLocation="b.xsd"/><xs:simpleType name="S"><xs:annotation><xs:documentation>One.</xs:documentation></xs:annotation><xs:restriction base="xs:int"/></xs:simpleType><xs:element name="Do" type="t:S"/>',
    ),
    "b.xsd":
      '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:t"><xs:simpleType name="S"><xs:restriction base="xs:int"/></xs:simpleType></xs:schema>',
  });
  assert.equal((twice.operations.do?.input as { type?: string } | undefined)?.type, "integer");
});

test("endpoint references of WS-Addressing need no file; a file of the contract goes before what is known", async () => {
  const entry = (location: string): string =>
    wsdlOf(
      `<xs:import namespace="http://www.w3.org/2005/08/addressing"${location}/>${sequence('<xs:element name="to" type="a:EndpointReferenceType" xmlns:a="http://www.w3.org/2005/08/addressing"/>')}`,
    );
  for (const location of ["", ' schemaLocation="http://www.w3.org/2006/03/addressing/ws-addr.xsd"']) {
    const model = await written({ "a.wsdl": entry(location) });
    const properties = propertiesOf(model, "EndpointReferenceType");
    assert.deepEqual(Object.keys(properties), ["Address", "ReferenceParameters", "Metadata", "any", "anyAttributes"]);
  }
  const own = await written({
    "a.wsdl": entry(' schemaLocation="b.xsd"'),
    "b.xsd":
      '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="http://www.w3.org/2005/08/addressing"><xs:complexType name="EndpointReferenceType"><xs:sequence><xs:element name="only" type="xs:int"/></xs:sequence></xs:complexType></xs:schema>',
  });
  assert.deepEqual(Object.keys(propertiesOf(own, "EndpointReferenceType")), ["only"]);
});

test("a part whose prefix is missing, wrong or undeclared is the only one of its name, with a note; one of several is refused", async () => {
  const good = wsdlOf(sequence('<xs:element name="a" type="xs:int"/>'));
  for (const [from, to] of [
    ['type="t:P"', 'type="P"'],
    ['type="t:P"', 'type="gone:P"'],
    ['message="t:M"', 'message="M"'],
  ] as const) {
    assert.ok(good.includes(from));
    const model = await written({ "a.wsdl": good.replace(from, to) });
    assert.deepEqual(Object.keys(model.operations), ["do"]);
    assert.match(
      model.source.notes?.join() ?? "",
      /^a\.wsdl at \d+:\d+: the \w+ "(gone:)?\w" is taken to be \{urn:t\}\w$/,
    );
  }
  assert.equal((await written({ "a.wsdl": good })).source.notes, undefined);
  const other = good.replaceAll("urn:t", "urn:u");
  const two = good
    .replace('type="t:P"', 'type="P"')
    .replace("<types>", '<import namespace="urn:u" location="b.wsdl"/><types>');
  await assert.rejects(
    written({ "a.wsdl": two, "b.wsdl": other }),
    unreadable("a.wsdl", /at \d+:/, /P is defined nowhere/),
  );
});

test("types of a schema that forgot its namespace are found; an element there is not, since it is written otherwise", async () => {
  const types =
    '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:simpleType name="N"><xs:restriction base="xs:int"/></xs:simpleType><xs:element name="E"/></xs:schema>';
  const text = (inside: string): string => wsdlOf(sequence(inside)).replace("<types>", `<types>${types}`);
  const model = await written({ "a.wsdl": text('<xs:element name="n" type="t:N"/>') });
  assert.equal(propertiesOf(model, "Do").n?.type, "integer");
  assert.match(model.source.notes?.join() ?? "", /the type \{urn:t\}N is taken to be N, which has no namespace/);
  await assert.rejects(
    written({ "a.wsdl": text('<xs:element ref="t:E"/>') }),
    unreadable("a.wsdl", /at \d+:/, /the element \{urn:t\}E is defined nowhere; there is E without a namespace/),
  );
});

test("a schema at another place is missed only where something of it is needed", async () => {
  const entry = (inside: string): string =>
    wsdlOf(`<xs:import namespace="urn:far" schemaLocation="https://far.example/a.xsd"/>${sequence(inside)}`);
  const model = await written({ "a.wsdl": entry('<xs:element name="a" type="xs:int"/>') });
  assert.match(
    model.source.notes?.join() ?? "",
    /a\.wsdl at .*"https:\/\/far\.example\/a\.xsd" can't be read: it leads to another place/,
  );
  await assert.rejects(
    written({ "a.wsdl": entry('<xs:element name="a" type="f:T" xmlns:f="urn:far"/>') }),
    unreadable(
      "a.wsdl",
      /at \d+:/,
      /\{urn:far\}T is defined nowhere: "https:\/\/far\.example\/a\.xsd" can't be read: it leads to another/,
    ),
  );
  await assert.rejects(
    written({ "a.wsdl": entry("").replace("https://far.example/a.xsd", "gone.xsd") }),
    unreadable("a.wsdl", /at \d+:/, /no such file/),
  );
});

test("what everybody knows needs no file: links, signatures, maps of Apache and the older WS-Addressing", async () => {
  const model = await written({
    "a.wsdl": wsdlOf(
      `<xs:element name="Do"><xs:complexType><xs:sequence><xs:element name="map" type="p:Map" xmlns:p="http://xml.apache.org/xml-soap"/>
       <xs:element ref="d:Signature" xmlns:d="http://www.w3.org/2000/09/xmldsig#"/>
       <xs:element name="to" type="w:EndpointReferenceType" xmlns:w="http://schemas.xmlsoap.org/ws/2004/08/addressing"/></xs:sequence>
       <xs:attribute ref="l:href" xmlns:l="http://www.w3.org/1999/xlink"/></xs:complexType></xs:element>`,
    ),
  });
  assert.deepEqual(Object.keys(propertiesOf(model, "Do")), ["map", "Signature", "to", "href"]);
  assert.deepEqual(Object.keys(propertiesOf(model, "mapItem")), ["key", "value"]);
  assert.deepEqual((propertiesOf(model, "Do").href as { xml?: object }).xml, {
    name: "href",
    namespace: "http://www.w3.org/1999/xlink",
    attribute: true,
  });
});

test("a fault without a part is left out with a note, and a name with a colon is refused", async () => {
  const fault = wsdlOf(sequence(""))
    .replace("<portType", '<message name="F"/><portType')
    .replace(/(<operation name="Do"><input[^>]*\/>)/, '$1<output message="t:M"/><fault name="f" message="t:F"/>');
  const model = await written({ "a.wsdl": fault });
  assert.deepEqual(model.operations.do?.faults, {});
  assert.match(model.source.notes?.join() ?? "", /the message of the fault has no part/);
  await assert.rejects(
    written({ "a.wsdl": wsdlOf(sequence('<xs:element name="area:code" type="xs:int"/>')) }),
    unreadable("a.wsdl", /at \d+:/, /"area:code" is no name that an element can have/),
  );
});

test("simple content may be built on a type of SOAP encoding", async () => {
  const model = await written({
    "a.wsdl": wsdlOf(
      '<xs:element name="Do"><xs:complexType><xs:simpleContent><xs:extension base="e:base64Binary" xmlns:e="http://schemas.xmlsoap.org/soap/encoding/"><xs:attribute name="kind" type="xs:string"/></xs:extension></xs:simpleContent></xs:complexType></xs:element>',
    ),
  });
  assert.equal(propertiesOf(model, "Do").value?.contentEncoding, "base64");
});

test("an XML declaration after a comment or white space is read, in its encoding and with places that stay", async () => {
  const text = wsdlOf(sequence('<xs:element name="a" type="xs:int"/>'));
  const late = `\n<!-- (c) --> \n<?xml version="1.0" encoding="utf-8"?>\n${text}`;
  const model = await written({ "a.wsdl": late });
  assert.deepEqual(Object.keys(model.operations), ["do"]);
  assert.match(model.source.notes?.join() ?? "", /^a\.wsdl at 4:1: the XML declaration does not stand at the start/);
  await assert.rejects(
    written({ "a.wsdl": late.replace("xs:int", "t:Gone") }),
    unreadable("a.wsdl", /at 6:/, /Gone is defined nowhere/),
  );
  const started = performance.now();
  for (const blank of [" ", "<!-- -->", "<!--"])
    await assert.rejects(written({ "a.wsdl": blank.repeat(8000) }), unreadable("a.wsdl", /at \d+:/, /./));
  assert.ok(performance.now() - started < 5000);
});
