/** Blocks for the header that do not come from the contract: the hook that WS-Security uses, and WS-Addressing will. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { SoapBinding } from "../contract/model.ts";
import { openTexts } from "../contract/read/source.ts";
import { readWsdl } from "../contract/read/wsdl.ts";
import { parseXml, type XmlElement } from "../formats/xml.ts";
import { Codec } from "./soap-codec.ts";
import { type HeaderBlocks, SoapMessages } from "./soap-messages.ts";

const addressing = "http://www.w3.org/2005/08/addressing";
const soap = {
  "1.1": "http://schemas.xmlsoap.org/soap/envelope/",
  "1.2": "http://www.w3.org/2003/05/soap-envelope",
} as const;

async function messagesOf(version: "1.1" | "1.2"): Promise<SoapMessages> {
  const binding =
    version === "1.1" ? "http://schemas.xmlsoap.org/wsdl/soap/" : "http://schemas.xmlsoap.org/wsdl/soap12/";
  const wsdl = `<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:s="${binding}" xmlns:xs="http://www.w3.org/2001/XMLSchema"
      xmlns:t="urn:t" targetNamespace="urn:t">
    <types><xs:schema targetNamespace="urn:t" elementFormDefault="qualified">
      <xs:element name="Do"><xs:complexType><xs:sequence><xs:element name="a" type="xs:string"/></xs:sequence></xs:complexType></xs:element>
      <xs:element name="Done"><xs:complexType><xs:sequence><xs:element name="b" type="xs:string"/></xs:sequence></xs:complexType></xs:element>
      <xs:element name="Session" type="xs:string"/></xs:schema></types>
    <message name="I"><part name="p" element="t:Do"/></message><message name="O"><part name="p" element="t:Done"/></message>
    <message name="H"><part name="h" element="t:Session"/></message>
    <portType name="P"><operation name="Do"><input message="t:I"/><output message="t:O"/></operation></portType>
    <binding name="B" type="t:P"><s:binding transport="http://schemas.xmlsoap.org/soap/http"/><operation name="Do"><s:operation soapAction="a"/>
      <input><s:header message="t:H" part="h" use="literal"/><s:body use="literal"/></input><output><s:body use="literal"/></output></operation></binding>
    <service name="S"><port name="p" binding="t:B"><s:address location="http://x.example/"/></port></service></definitions>`;
  const model = await readWsdl(await openTexts({ "a.wsdl": wsdl }), "x");
  const operation = Object.values(model.operations)[0]!;
  return new SoapMessages(operation, operation.binding as SoapBinding, new Codec(model));
}

for (const version of ["1.1", "1.2"] as const)
  test(`SOAP ${version}: blocks stand before those of the contract, in requests, answers and faults, with the message's prefixes`, async () => {
    const asked: string[] = [];
    const blocks: HeaderBlocks = (prefixes, namespace) => {
      asked.push(namespace);
      const tag = prefixes.tag({ namespace: addressing, local: "Action" });
      const must = prefixes.tag({ namespace, local: "mustUnderstand" });
      return `<${tag} ${must}="1">urn:t/Do</${tag}>`;
    };
    const messages = await messagesOf(version);
    const input = { a: "x & y", soapHeaders: { Session: "s-1" } };
    const request = parseXml(messages.writeRequest(input, blocks));
    assert.deepEqual(headersOf(request), [`{${addressing}}Action urn:t/Do`, "{urn:t}Session s-1"]);
    const action = request.children[0]!.children[0]!;
    const flag = action.attributes.find(({ local }) => local === "mustUnderstand");
    assert.deepEqual([flag?.namespace, flag?.value], [soap[version], "1"]);
    // The body is what it is without them.
    const plain = parseXml(messages.writeRequest(input));
    assert.deepEqual(headersOf(plain), ["{urn:t}Session s-1"]);
    const [ours, theirs] = [request, plain].map(bodyOf);
    assert.deepEqual(messages.readRequest(ours!, []).value, messages.readRequest(theirs!, []).value);
    assert.deepEqual(headersOf(parseXml(messages.writeAnswer("z", blocks))), [`{${addressing}}Action urn:t/Do`]);
    const fault = parseXml(messages.writeFault({ blame: "sender", message: "no" }, blocks));
    assert.deepEqual(headersOf(fault), [`{${addressing}}Action urn:t/Do`]);
    assert.deepEqual(asked, Array(3).fill(soap[version]));
  });

test("without blocks and without headers in the input there is no header at all", async () => {
  const messages = await messagesOf("1.1");
  for (const empty of [undefined, () => ""]) {
    const request = parseXml(messages.writeRequest({ a: "x" }, empty));
    assert.deepEqual(
      request.children.map(({ local }) => local),
      ["Body"],
    );
  }
});

function headersOf(envelope: XmlElement): string[] {
  const header = envelope.children.find(({ local }) => local === "Header");
  return (header?.children ?? []).map(({ namespace, local, text }) => `{${namespace}}${local} ${text}`);
}

function bodyOf(envelope: XmlElement): readonly XmlElement[] {
  return envelope.children.find(({ local }) => local === "Body")!.children;
}
