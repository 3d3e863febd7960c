import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { MortiseError } from "../../errors.ts";
import type { JsonSchema } from "../../operation.ts";
import { type ContractModel, contractHash, type SoapBinding } from "../model.ts";
import { operationValidators } from "../validate.ts";
import { sequence, written, wsdlOf } from "./fixtures/wsdl/text.ts";
import { openSource } from "./source.ts";
import { readWsdl } from "./wsdl.ts";

const fixtures = fileURLToPath(new URL("./fixtures/wsdl/", import.meta.url));

async function fixture(path: string): Promise<ContractModel> {
  return readWsdl(await openSource(join(fixtures, path)), "erp");
}

type Properties = { readonly [name: string]: { readonly [keyword: string]: unknown } };
function propertiesOf(model: ContractModel, name: string): Properties {
  return (model.schemas[name] as { readonly properties: Properties }).properties;
}
function requiredOf(model: ContractModel, name: string): unknown {
  return (model.schemas[name] as { readonly required?: unknown }).required;
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

test("a contract over several files becomes operations with typed input, output and faults", async () => {
  const model = await fixture("erp/erp.wsdl");
  assert.deepEqual(Object.keys(model.operations), ["createOrder", "getOrder", "notify"]);
  assert.deepEqual(model.servers, ["http://erp.example/orders"]);
  assert.equal(model.source.title, "ErpService");
  assert.deepEqual(
    model.source.files.map((file) => file.path),
    ["erp.wsdl", "types/base.xsd", "types/common.xsd", "types/orders.xsd"],
  );
  const create = model.operations.createOrder;
  assert.ok(create);
  assert.equal(create.description, "Creates a sales order.");
  assert.equal(create.effect, "unrepeatable");
  assert.deepEqual(create.binding, {
    protocol: "soap",
    version: "1.1",
    action: "urn:example:erp/CreateOrder",
    style: "document",
    use: "literal",
    request: { namespace: "urn:example:erp:orders", local: "CreateOrder" },
    response: { namespace: "urn:example:erp:orders", local: "CreateOrderResponse" },
    wrapped: true,
    faults: [{ element: { namespace: "urn:example:erp:orders", local: "OrderRejected" }, fault: "OrderRejected" }],
  });
  assert.deepEqual(create.faults.OrderRejected?.detail, { $ref: "#/$defs/OrderRejected" });
  assert.deepEqual(create.output, {
    anyOf: [{ $ref: "#/$defs/Receipt" }, { type: "null" }],
    xml: { name: "CreateOrderResult", namespace: "urn:example:erp:orders", optional: true },
  });
  const notify = model.operations.notify;
  assert.deepEqual(notify?.output, { type: "null" });
  assert.deepEqual(notify?.input, { type: "string" });
  assert.equal((notify?.binding as SoapBinding | undefined)?.response, null);
});

test("extension comes base first, each element in the namespace of the schema that declares it", async () => {
  const model = await fixture("erp/erp.wsdl");
  const order = propertiesOf(model, "OrderType");
  assert.deepEqual(Object.keys(order), [
    "created",
    "customer",
    "address",
    "remark",
    "line",
    "card",
    "invoice",
    "payment",
    "sequence",
    "attachment",
    "sizes",
    "id",
    "priority",
    "channel",
  ]);
  assert.equal((model.schemas.OrderType as { description: string }).description, "A sales order.");
  assert.deepEqual(requiredOf(model, "OrderType"), ["created", "customer", "address", "remark", "line", "channel"]);
  assert.deepEqual(
    (order.created?.xml as { namespace?: string } | undefined)?.namespace,
    "",
    "unqualified local element of the base",
  );
  assert.deepEqual(order.customer?.xml, { name: "customer", namespace: "urn:example:erp:orders" });
  assert.deepEqual(order.channel?.xml, { name: "channel", namespace: "urn:example:erp:base", attribute: true });
  assert.deepEqual((order.priority as { default: number }).default, 5);
  assert.deepEqual(order.line, {
    type: "array",
    items: { $ref: "#/$defs/Line" },
    minItems: 1,
    xml: { name: "line", namespace: "urn:example:erp:orders", many: true },
  });
  assert.deepEqual(order.remark?.anyOf, [{ type: "string" }, { type: "null" }]);
  assert.equal((order.remark?.xml as { nillable?: boolean } | undefined)?.nillable, true);
  assert.deepEqual(propertiesOf(model, "Address").country?.xml, { name: "country", namespace: "urn:example:erp:base" });
  assert.deepEqual(propertiesOf(model, "Address").city?.xml, { name: "city", namespace: "" });
});

test("exact numbers are text, small ones are numbers, enumerations are named", async () => {
  const model = await fixture("erp/erp.wsdl");
  const receipt = propertiesOf(model, "Receipt");
  assert.deepEqual([receipt.total?.type, receipt.total?.format], ["string", "decimal"]);
  assert.deepEqual([receipt.sequenceNumber?.type, receipt.sequenceNumber?.format], ["string", "int64"]);
  assert.equal(receipt.number?.pattern, "^(?:SO-\\d{4,8})$");
  assert.equal(receipt.number?.maxLength, 20);
  const money = propertiesOf(model, "Money");
  assert.deepEqual(money.value, { type: "string", format: "decimal", xml: { text: true } });
  assert.equal(money.currency?.$ref, "#/$defs/Currency");
  assert.deepEqual((model.schemas.Currency as { enum: unknown }).enum, ["EUR", "USD"]);
  const order = propertiesOf(model, "OrderType");
  assert.equal(order.attachment?.contentEncoding, "base64");
  assert.deepEqual(order.sizes?.items, { type: "integer", minimum: -2147483648, maximum: 2147483647 });
});

test("types that others extend become a union told apart by xsiType; the abstract one is left out", async () => {
  const model = await fixture("erp/erp.wsdl");
  assert.deepEqual(model.schemas.AnyPayment, {
    anyOf: ["CardPayment", "BankPayment"].map((name) => ({ $ref: `#/$defs/${name}`, required: ["xsiType"] })),
    xml: { derived: { abstract: true } },
  });
  assert.deepEqual(propertiesOf(model, "CardPayment").xsiType, { const: "CardPayment", xml: { xsiType: true } });
  assert.deepEqual(Object.keys(propertiesOf(model, "BankPayment")), ["xsiType", "reference", "iban"]);
});

test("the same files give the same bytes, and everything is frozen", async () => {
  const [one, two] = [await fixture("erp/erp.wsdl"), await fixture("erp/erp.wsdl")];
  assert.equal(contractHash(one), contractHash(two));
  assert.ok(Object.isFrozen(one.schemas.OrderType));
});

test("definitions that import each other are read once", async () => {
  const model = await fixture("circular/hello_world_recursive.wsdl");
  assert.equal(Object.keys(model.operations).length, 6);
});

test("of a service's ports SOAP 1.1 is taken, and HTTP ones are passed over", async () => {
  const model = await fixture("rubiii/email_verification.wsdl");
  for (const operation of Object.values(model.operations))
    assert.equal((operation.binding as SoapBinding).version, "1.1");
  assert.ok(Object.keys(model.operations).length > 0);
});

test("a SOAP 1.2 binding is read as such", async () => {
  const model = await fixture("hello_world_soap12.wsdl");
  assert.deepEqual(
    Object.values(model.operations).map((each) => (each.binding as SoapBinding).version),
    ["1.2", "1.2"],
  );
});

test("where the answer of a wrapped operation is one element, the output is its value; where it is none, null", async () => {
  const model = await fixture("rubiii/document_literal_wrapped.wsdl");
  assert.deepEqual(model.operations.op1?.output, {
    $ref: "#/$defs/Data",
    xml: { name: "op1Return", namespace: "" },
  } satisfies JsonSchema);
});

test("rpc/literal wraps the parts in an element named after the operation", async () => {
  const model = await written({
    "a.wsdl": `<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:s="http://schemas.xmlsoap.org/wsdl/soap/"
        xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:t="urn:t" targetNamespace="urn:t">
      <message name="In"><part name="a" type="xs:int"/><part name="b" type="xs:string"/></message>
      <message name="Out"><part name="sum" type="xs:decimal"/></message>
      <portType name="P"><operation name="Add"><input message="t:In"/><output message="t:Out"/></operation></portType>
      <binding name="B" type="t:P"><s:binding style="rpc" transport="http://schemas.xmlsoap.org/soap/http"/>
        <operation name="Add"><s:operation soapAction=""/><input><s:body use="literal" namespace="urn:body"/></input>
        <output><s:body use="literal" namespace="urn:body"/></output></operation></binding>
    </definitions>`,
  });
  const add = model.operations.add;
  assert.ok(add?.binding.protocol === "soap");
  assert.deepEqual(add.binding.request, { namespace: "urn:body", local: "Add" });
  assert.deepEqual(add.binding.response, { namespace: "urn:body", local: "AddResponse" });
  assert.deepEqual(Object.keys((add.input as { properties: object }).properties), ["a", "b"]);
  assert.deepEqual(add.output, { type: "string", format: "decimal", xml: { name: "sum", namespace: "" } });
  assert.deepEqual(model.servers, []);
});

test("overloaded operations get stable names", async () => {
  const [one, two] = Object.keys((await fixture("rubiii/operation_overloading.wsdl")).operations);
  assert.ok(one !== undefined && two?.startsWith(`${one}_`), `${one} ${two}`);
});

test("a type that holds itself refers to itself", async () => {
  const model = await fixture("erp/erp.wsdl");
  assert.deepEqual(propertiesOf(model, "Line").part?.items, { $ref: "#/$defs/Line" });
});

test("lists, unions and any content have a schema", async () => {
  const model = await written({
    "a.wsdl": wsdlOf(
      `<xs:simpleType name="U"><xs:union memberTypes="xs:int xs:date"/></xs:simpleType>${sequence(
        '<xs:element name="u" type="t:U"/><xs:element name="l" type="xs:NMTOKENS"/><xs:element name="x"/><xs:any processContents="lax"/>',
      )}`,
    ),
  });
  const properties = propertiesOf(model, "Do");
  assert.equal(properties.u?.$ref, "#/$defs/U");
  assert.equal((model.schemas.U as { anyOf: unknown[] }).anyOf.length, 2);
  assert.deepEqual((properties.l?.xml as { list?: boolean } | undefined)?.list, true);
  assert.deepEqual((properties.x?.xml as { any?: boolean } | undefined)?.any, true);
  assert.deepEqual((properties.any?.xml as { wildcard?: boolean } | undefined)?.wildcard, true);
  assert.deepEqual(properties.any?.items, { $ref: "#/$defs/XmlElement" });
});

test("choices are optional; an element in two branches stays single, one that stands twice has two places", async () => {
  const model = await written({
    "a.wsdl": wsdlOf(
      sequence(
        `<xs:choice><xs:sequence><xs:element name="a" type="xs:int"/><xs:element name="b" type="xs:int"/></xs:sequence>
         <xs:element name="a" type="xs:int"/></xs:choice>
         <xs:element name="c" type="xs:int"/><xs:element name="d" type="xs:int"/><xs:element name="c" type="xs:int"/>
         <xs:element name="e" type="xs:int"/><xs:element name="e" type="xs:int"/>`,
      ),
    ),
  });
  const properties = propertiesOf(model, "Do");
  assert.deepEqual(Object.keys(properties), ["a", "b", "c", "d", "c2", "e"]);
  assert.equal(properties.a?.type, "integer");
  assert.equal(properties.c?.type, "integer");
  assert.equal(properties.e?.type, "array");
  assert.deepEqual(requiredOf(model, "Do"), ["c", "d", "c2", "e"]);
});

test("bounds and digits of exact numbers are kept, and checked without losing a digit", async () => {
  const facet = (name: string, base: string, facets: string): string =>
    `<xs:element name="${name}" minOccurs="0"><xs:simpleType><xs:restriction base="xs:${base}">${facets}</xs:restriction></xs:simpleType></xs:element>`;
  const model = await written({
    "a.wsdl": wsdlOf(
      sequence(
        facet(
          "a",
          "decimal",
          '<xs:minExclusive value="0"/><xs:maxInclusive value="9999999999999999.99"/><xs:fractionDigits value="2"/>',
        ) +
          facet("b", "long", '<xs:minInclusive value="9007199254740993"/>') +
          facet("c", "decimal", '<xs:totalDigits value="4"/>') +
          facet("d", "positiveInteger", '<xs:maxInclusive value="10"/>'),
      ),
    ),
  });
  const operation = model.operations.do;
  assert.ok(operation);
  const check = operationValidators(model, operation).input;
  for (const good of [
    { a: "9999999999999999.99", b: "9007199254740993", c: "0012.340", d: "10" },
    { a: "0.01", c: "-1234" },
    { a: "1.500", c: ".1234" },
  ])
    assert.deepEqual(check(good), [], JSON.stringify(good));
  for (const bad of [
    { a: "0.00" },
    { a: "10000000000000000.00" },
    { a: "0.001" },
    { b: "9007199254740992" },
    { c: "12345" },
    { c: "1.2345" },
    { d: "11" },
    { d: "0" },
  ])
    assert.equal(check(bad).length, 1, JSON.stringify(bad));
});

test("substitution groups become a choice, and names that collide get a readable suffix", async () => {
  const model = await written({
    "a.wsdl": wsdlOf(
      `<xs:import namespace="urn:other:v2" schemaLocation="b.xsd"/>
       <xs:element name="head" abstract="true" type="xs:string"/>
       <xs:element name="one" substitutionGroup="t:head"/><xs:element name="two" substitutionGroup="t:head" type="xs:token"/>
       <xs:complexType name="Address"><xs:sequence><xs:element name="a" type="xs:int"/></xs:sequence></xs:complexType>
       ${sequence('<xs:element ref="t:head"/><xs:element name="x" type="t:Address"/><xs:element name="y" type="o:Address" xmlns:o="urn:other:v2"/>')}`,
    ),
    "b.xsd":
      '<schema xmlns="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:other:v2"><complexType name="Address"><attribute name="id" type="string" use="required"/></complexType></schema>',
  });
  const properties = propertiesOf(model, "Do");
  assert.deepEqual(Object.keys(properties), ["one", "two", "x", "y"]);
  assert.equal(properties.one?.type, "string");
  assert.equal(properties.x?.$ref, "#/$defs/Address");
  assert.equal(properties.y?.$ref, "#/$defs/Address_other_v2");
  assert.deepEqual(requiredOf(model, "Do"), ["x", "y"]);
});

test("an attribute and an element of one name both have a property, and __proto__ is no trap", async () => {
  const model = await written({
    "a.wsdl": wsdlOf(
      `<xs:element name="Do"><xs:complexType><xs:sequence><xs:element name="id" type="xs:int"/>
       <xs:element name="__proto__" type="xs:int"/></xs:sequence><xs:attribute name="id"/></xs:complexType></xs:element>`,
    ),
  });
  assert.deepEqual(Object.keys(propertiesOf(model, "Do")), ["id", "_proto_", "idAttribute"]);
});

test("patterns are anchored and translated, or left out where linear time can't say them", async () => {
  const restriction = (name: string, ...patterns: string[]): string =>
    `<xs:element name="${name}"><xs:simpleType><xs:restriction base="xs:string">${patterns
      .map((pattern) => `<xs:pattern value="${pattern}"/>`)
      .join("")}</xs:restriction></xs:simpleType></xs:element>`;
  const model = await written({
    "a.wsdl": wsdlOf(
      sequence(
        restriction("a", "[0-9]{2}", "x|y") +
          restriction("b", "[a-z-[aeiou]]") +
          restriction("c", "\\i\\c*") +
          restriction("d", "$a^") +
          restriction("e", "\\p{IsBasicLatin}*"),
      ),
    ),
  });
  const properties = propertiesOf(model, "Do");
  assert.equal(properties.a?.pattern, "(?:^(?:[0-9]{2})$)|(?:^(?:x|y)$)");
  assert.equal(properties.b?.pattern, undefined);
  assert.ok(new RegExp(properties.c?.pattern as string, "u").test("a-b"));
  assert.ok(!new RegExp(properties.c?.pattern as string, "u").test("1b"));
  assert.ok(new RegExp(properties.d?.pattern as string, "u").test("$a^"));
  assert.equal(properties.e?.pattern, undefined);
});

test("an address in an import is refused, unless manifest.yml maps it to a file", async () => {
  const entry = wsdlOf(
    `<xs:import namespace="urn:o" schemaLocation="http://127.0.0.1:1/o.xsd"/><xs:element name="Do" type="o:T" xmlns:o="urn:o"/>`,
  );
  const schema =
    '<schema xmlns="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:o"><simpleType name="T"><restriction base="string"/></simpleType></schema>';
  await assert.rejects(written({ "a.wsdl": entry, "o.xsd": schema }), unreadable("a.wsdl", /at 3:/, /127\.0\.0\.1/));
  const model = await written({
    "a.wsdl": entry,
    "o.xsd": schema,
    "manifest.yml": "mappings:\n  http://127.0.0.1:1/o.xsd: o.xsd\n",
  });
  assert.deepEqual(model.operations.do?.input, { type: "string" });
});

test("what is wrong is told with file, place and name", async () => {
  const cases: readonly [() => Promise<ContractModel>, string, RegExp, RegExp][] = [
    [
      () => fixture("duplicate/root.wsdl"),
      "b.wsdl",
      /at 4:3/,
      /\{urn:dup\}SharedMessage is defined a second time; the first is in a\.wsdl at 4:3/,
    ],
    [
      () => fixture("rubiii/unresolved_message.wsdl"),
      "unresolved_message.wsdl",
      /at 10:7/,
      /\{urn:bad\}MissingMessage is defined nowhere/,
    ],
    [() => fixture("rubiii/path_traversal.wsdl"), "path_traversal.wsdl", /at 17:7/, /climbs out/],
    [
      () => written({ "a.wsdl": wsdlOf(sequence("")).replace(/<portType.*<\/portType>/s, "") }),
      "a.wsdl",
      /at \d+:\d+/,
      /portType \{urn:t\}\w+ is defined nowhere/,
    ],
    [
      () => written({ "a.wsdl": wsdlOf(sequence('<xs:element name="a" type="t:Gone"/>')) }),
      "a.wsdl",
      /at 3:/,
      /type \{urn:t\}Gone is defined nowhere/,
    ],
    [
      () => written({ "a.wsdl": wsdlOf(sequence('<xs:element name="a" type="q:Gone"/>')) }),
      "a.wsdl",
      /at 3:/,
      /prefix "q", which is not declared/,
    ],
    [() => written({ "a.wsdl": wsdlOf('<xs:include schemaLocation="gone.xsd"/>') }), "a.wsdl", /at 3:/, /gone\.xsd/],
    [() => written({ "a.wsdl": '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>' }), "a.wsdl", /at 1:/, /DOCTYPE/],
    [() => written({ "a.wsdl": "<definitions>" }), "a.wsdl", /at 1:/, /unclosed/],
    [() => written({ "a.wsdl": "<html/>" }), "a.wsdl", /at 1:1/, /neither a WSDL 1\.1 document nor a schema/],
    [
      () =>
        written({
          "a.wsdl": wsdlOf(
            `${sequence("")}<xs:complexType name="A"/><xs:complexType name="A"><xs:sequence/></xs:complexType>`,
          ),
        }),
      "a.wsdl",
      /at 3:/,
      /\{urn:t\}A is defined a second time/,
    ],
  ];
  for (const [reading, file, place, reason] of cases) await assert.rejects(reading, unreadable(file, place, reason));
});

test("rings of types, groups and bases end with an error instead of a full stack", async () => {
  const extend = (name: string, base: string): string =>
    `<xs:complexType name="${name}"><xs:complexContent><xs:extension base="t:${base}"/></xs:complexContent></xs:complexType>`;
  const element = '<xs:element name="Do" type="t:A"/>';
  const cases = [
    `${extend("A", "B")}${extend("B", "A")}${element}`,
    `<xs:simpleType name="A"><xs:restriction base="t:B"/></xs:simpleType><xs:simpleType name="B"><xs:restriction base="t:A"/></xs:simpleType>${element}`,
    `<xs:group name="G"><xs:sequence><xs:group ref="t:G"/></xs:sequence></xs:group>${sequence('<xs:group ref="t:G"/>')}`,
    `<xs:attributeGroup name="G"><xs:attributeGroup ref="t:G"/></xs:attributeGroup><xs:element name="Do"><xs:complexType><xs:attributeGroup ref="t:G"/></xs:complexType></xs:element>`,
    `<xs:element name="Do" substitutionGroup="t:Do"/>`,
    `${Array.from({ length: 150 }, (_, i) => extend(`T${i}`, `T${i + 1}`)).join("")}<xs:complexType name="T150"/><xs:element name="Do" type="t:T0"/>`,
  ];
  for (const schema of cases)
    await assert.rejects(written({ "a.wsdl": wsdlOf(schema) }), { code: "contract-unreadable" }, schema.slice(0, 200));
});

test("a small schema that unfolds without end is refused in time", async () => {
  const doubling = (kind: string, inside: (next: string) => string): string =>
    Array.from({ length: 40 }, (_, i) => `<xs:${kind} name="G${i}">${inside(`t:G${i + 1}`)}</xs:${kind}>`).join("");
  const cases = [
    `${doubling("group", (next) => `<xs:sequence><xs:group ref="${next}"/><xs:group ref="${next}"/></xs:sequence>`)}
     <xs:group name="G40"><xs:sequence/></xs:group>${sequence('<xs:group ref="t:G0"/>')}`,
    `${doubling("attributeGroup", (next) => `<xs:attributeGroup ref="${next}"/><xs:attributeGroup ref="${next}"/>`)}
     <xs:attributeGroup name="G40"/><xs:element name="Do"><xs:complexType><xs:attributeGroup ref="t:G0"/></xs:complexType></xs:element>`,
    `${doubling("simpleType", (next) => `<xs:union memberTypes="${next} ${next}"/>`)}
     <xs:simpleType name="G40"><xs:restriction base="xs:int"/></xs:simpleType><xs:element name="Do" type="t:G0"/>`,
  ];
  for (const schema of cases)
    await assert.rejects(
      written({ "a.wsdl": wsdlOf(schema) }),
      unreadable("a.wsdl", /at \d+:\d+/, /unfold to more than/),
    );
});

test("a long chain of types costs no stack", async () => {
  const types = Array.from(
    { length: 5000 },
    (_, i) =>
      `<xs:complexType name="T${i}"><xs:sequence><xs:element name="n" type="t:T${(i + 1) % 5000}" minOccurs="0"/></xs:sequence></xs:complexType>`,
  );
  const model = await written({ "a.wsdl": wsdlOf(`${types.join("")}<xs:element name="Do" type="t:T0"/>`) });
  assert.equal(Object.keys(model.schemas).length, 5000);
});
