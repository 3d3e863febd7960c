import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { OperationModel } from "../contract/model.ts";
import { openSource } from "../contract/read/source.ts";
import { readWsdl } from "../contract/read/wsdl.ts";
import { operationValidators } from "../contract/validate.ts";
import { parseXml } from "../formats/xml.ts";
import type { Json } from "../operation.ts";
import { bodyElements, canonical } from "./fixtures/canonical.ts";
import { Codec } from "./soap-codec.ts";
import { openEnvelope } from "./soap-envelope.ts";
import { SoapMessages } from "./soap-messages.ts";

const folder = fileURLToPath(new URL("./fixtures/", import.meta.url));
const text = (path: string): string => readFileSync(folder + path, "utf8");

interface Sample {
  /** The folder's name. */
  readonly name: string;
  readonly input?: Json;
  /** The request holds what the contract does not know, and is only read. */
  readonly received?: Json;
  readonly output?: Json;
  /** What the sample's own contract says against the input or the output. */
  readonly inputBreaks?: RegExp;
  readonly outputBreaks?: RegExp;
}

/** Messages of others: their contract, a request and an answer. What they hold as values is written here by hand. */
const samples: readonly Sample[] = [
  { name: "DefaultNamespace__no_xmlns_prefix_used_for_default_namespace", input: "", output: "" },
  {
    name: "Dummy__should_deserialize_basic_types",
    input: { DummyField1: "foo & bar" },
    output: {
      boolean: true,
      decimal: "1.1",
      double: 1.21,
      float: 1.321,
      int: 1,
      short: 3,
      long: "60000000000",
      string: "foo",
    },
    outputBreaks: /lacks the property "byte"/,
  },
  // A nil that the contract does not allow.
  {
    name: "Dummy__should_escape_xml",
    received: { DummyField1: "foo & bar", DummyFilter: { DummyStringFilter: null } },
    inputBreaks: /must be string/,
    output: { DummyResult: { DummyList: { DummyElement: [null] } } },
    outputBreaks: /must be object/,
  },
  // An attribute that the contract does not name.
  {
    name: "Dummy__should_handle_attributes_in_request",
    received: { DummyField1: "Humpty", DummyFilter: { DummyStringFilter: "Dumpty" } },
  },
  {
    name: "Dummy__should_handle_datetime_transformation",
    input: {
      EventName: "Product Launch",
      EventDateTime: "2026-02-15T14:30:00.000Z",
      CreatedAt: "2026-01-29T10:15:30.500Z",
    },
    output: {
      EventId: "EVT-2026-001",
      ProcessedDateTime: "2026-01-29T12:00:45.000Z",
      NextScheduledDateTime: "2026-03-15T09:00:00",
    },
  },
  // The answer qualifies elements that the contract leaves unqualified.
  { name: "Dummy__should_handle_inline_types", input: "", outputBreaks: /another namespace/ },
  {
    name: "Dummy__should_handle_minOccurs_and_maxOccurs",
    input: {},
    output: {
      DummyList_MaxUnbounded: [{ DummyFirst: "foo", DummySecond: "foo" }],
      DummyList_MaxInt: [{ DummyFirst: "foo", DummySecond: "foo" }],
    },
  },
  {
    name: "Dummy__should_handle_nil",
    input: { DummyField1: "Humpty", DummyFilter: { DummyStringFilter: "Dumpty" } },
    output: { DummyResult: { DummyList: { DummyElement: [null] } } },
    outputBreaks: /must be object/,
  },
  {
    name: "Dummy__should_work_with_imported_schemas",
    input: { DummyField1: "Humpty", DummyFilter: { DummyStringFilter: "Dumpty" } },
  },
  {
    name: "GetNodes__complex_self_referencing",
    input: {},
    output: {
      Name: "Parent",
      Children: {
        Node: [
          { Name: "Child1", Children: {} },
          { Name: "Child2", Children: {} },
        ],
      },
    },
  },
  {
    name: "IndienenBericht__should_work_with_deeply_nested_XML_messages",
    input: { Request: { BerichtInfo: {} } },
    inputBreaks: /lacks the property "Bericht"/,
    output: { ConversatieId: "12345", TraceerId: "56789" },
    outputBreaks: /at least 36 characters/,
  },
  { name: "NoParams__add_correct_namespace_for_operations_without_parameters", input: {} },
  // The request spells the only part in another way than the contract.
  { name: "Message__Messages_suffixed_with_In_Out", output: { return: "-1", bstrError: "1" } },
  { name: "OneWay__should_handle_one_way_operation", input: { OneWayField: "never coming back" } },
  { name: "RequestHeaders__propogate_basic_security", input: "", output: "" },
  { name: "RequestHeaders__propogate_basic_security_no_timestamp", input: "", output: "" },
  // What stands in these headers is in no contract: it is passed over.
  { name: "RequestHeaders__propogate_custom_header", input: "", output: "" },
  { name: "ResponseHeaders__return_soap_headers", input: "", output: "" },
  // The answer leaves out the namespace of its element.
  {
    name: "SendCDATA__cdata_is_handled_correctly",
    input: { message: "Hello World! & Hello Me!" },
    outputBreaks: /holds \{\}TestResponse/,
  },
  {
    name: "UpdateProfile__correct_namespaces_in_sequence_with_imports",
    input: {
      Profile: {
        IDs: { UniqueID: [{ value: "100", source: "TESTSOURCE" }] },
        Phones: {
          NamePhone: [
            { IDs: { UniqueID: [{ value: "1", source: "TEST" }] }, primary: true },
            { IDs: { UniqueID: [{ value: "2", source: "TEST" }] }, primary: false },
          ],
        },
      },
    },
    inputBreaks: /lacks the property "PhoneData"/,
    output: { Result: { IDs: { UniqueID: [{ value: "100", source: "TESTSOURCE" }] }, resultStatusFlag: "SUCCESS" } },
  },
  ...["qualified", "unqualified"].map((form) => ({
    name: `execFile__valid_xml_generated_on_request_with_complex_type_element_form_default_${form}`,
    input: { fileName: "PSTN", arguments: ["0"], base64EncodedStdIn: "null", startDetached: true },
  })),
  // Its request stands in the WSDL's namespace, and the contract says another one for the body.
  {
    name: "getAttachments__should_handle_not_MTOM_response",
    output: { attachment1: "cid:1186818862128", attachment2: "cid:536857424511" },
  },
  // An item of any type says that it is a boolean.
  { name: "multiCall__rpc_stype_request_xsi_attributes", output: [true] },
];

test("each sample that is here is tried", () => {
  const there = readdirSync(`${folder}node-soap`, { withFileTypes: true }).filter((each) => each.isDirectory());
  assert.deepEqual(there.map(({ name }) => name).sort(), samples.map(({ name }) => name).sort());
});

const encodingOnly: ReadonlySet<string> = new Set([
  "{http://schemas.xmlsoap.org/soap/envelope/}encodingStyle",
  "{http://www.w3.org/2001/XMLSchema-instance}type",
]);

for (const sample of samples) {
  test(`a message of others, ${sample.name.split("__")[0]} (${sample.name.split("__")[1]?.replaceAll("_", " ")}), is written and read exactly`, async () => {
    const path = `node-soap/${sample.name}/`;
    const model = await readWsdl(await openSource(`${folder}${path}soap.wsdl`), "x");
    const [operation] = Object.values(model.operations) as [OperationModel];
    assert.ok(operation.binding.protocol === "soap");
    const messages = new SoapMessages(operation, operation.binding, new Codec(model));
    const validators = operationValidators(model, operation);
    if (sample.input !== undefined) {
      const request = text(`${path}request.xml`);
      // In SOAP encoding ours say types and encoding, which theirs leave to the contract.
      const without = operation.binding.use === "encoded" ? encodingOnly : undefined;
      const ours = bodyElements(messages.writeRequest(sample.input)).map((each) => canonical(each, without));
      assert.deepEqual(
        ours,
        bodyElements(request).map((each) => canonical(each, without)),
      );
      const back = messages.readRequest(bodyElements(request), []);
      // White space inside an empty element of others is text to us where its type is text.
      assert.deepEqual(typeof back.value === "string" ? back.value.trim() : back.value, sample.input);
      assert.deepEqual(back.problems, []);
      judge(validators.input(sample.input), sample.inputBreaks);
    }
    if (sample.received !== undefined) {
      const back = messages.readRequest(bodyElements(text(`${path}request.xml`)), []);
      assert.deepEqual(back.value, sample.received);
      judge(validators.input(back.value), sample.inputBreaks);
    }
    if (sample.output === undefined && sample.outputBreaks === undefined) return;
    const answer = openEnvelope(parseXml(text(`${path}response.xml`)), operation.binding.version, Date.now());
    assert.ok(answer.kind === "body", answer.kind);
    const read = messages.readAnswer(answer.elements);
    if (sample.output !== undefined) {
      assert.deepEqual(read.value, sample.output);
    }
    if (sample.output !== undefined && sample.outputBreaks === undefined) {
      const written = messages.readAnswer(bodyElements(messages.writeAnswer(sample.output)));
      assert.deepEqual(written.value, sample.output, "written by us, read by us");
    }
    judge(read.problems.length > 0 ? read.problems : validators.output(read.value), sample.outputBreaks);
  });
}

function judge(problems: readonly { readonly message: string }[], expected: RegExp | undefined): void {
  const told = problems.map((problem) => problem.message).join("; ");
  if (expected === undefined) assert.equal(told, "");
  else assert.match(told, expected);
}

test("an answer whose values stand beside it and are referred to is read whole", async () => {
  const contract = `<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:s="http://schemas.xmlsoap.org/wsdl/soap/"
    xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:e="http://schemas.xmlsoap.org/soap/encoding/" xmlns:h="http://ws.example.com/ws/history"
    xmlns:t="http://ws.example.com" xmlns:w="http://schemas.xmlsoap.org/wsdl/" targetNamespace="http://ws.example.com">
  <types><xs:schema targetNamespace="http://ws.example.com/ws/history"><xs:complexType name="HistoryEntry"><xs:sequence>
    <xs:element name="date" type="xs:dateTime"/><xs:element name="location" type="e:string"/><xs:element name="mailId" type="e:int"/>
    <xs:element name="referenceId" type="e:int"/><xs:element name="state" type="e:string"/><xs:element name="subject" type="e:string"/></xs:sequence></xs:complexType>
    <xs:complexType name="Entries"><xs:complexContent><xs:restriction base="e:Array"><xs:attribute ref="e:arrayType" w:arrayType="h:HistoryEntry[]"/></xs:restriction></xs:complexContent></xs:complexType></xs:schema></types>
  <message name="I"/><message name="O"><part name="listReturn" type="h:Entries"/></message>
  <portType name="P"><operation name="list"><input message="t:I"/><output message="t:O"/></operation></portType>
  <binding name="B" type="t:P"><s:binding style="rpc" transport="http://schemas.xmlsoap.org/soap/http"/><operation name="list"><s:operation soapAction=""/>
    <input><s:body use="encoded" namespace="http://ws.example.com"/></input><output><s:body use="encoded" namespace="http://ws.example.com"/></output></operation></binding>
  <service name="S"><port name="p" binding="t:B"><s:address location="http://x.example/"/></port></service></definitions>`;
  const own = await mkdtemp(join(tmpdir(), "mortise-samples-"));
  await writeFile(join(own, "a.wsdl"), contract);
  const model = await readWsdl(await openSource(join(own, "a.wsdl")), "x");
  await rm(own, { recursive: true });
  const operation = model.operations.list as OperationModel;
  assert.ok(operation.binding.protocol === "soap");
  const messages = new SoapMessages(operation, operation.binding, new Codec(model));
  const read = messages.readAnswer(bodyElements(text("messages/multi-ref.xml")));
  const entry = (date: string, mailId: number, state: string): Json => ({ date, mailId, state });
  assert.deepEqual(read.problems, []);
  assert.deepEqual(
    (read.value as { date: string; mailId: number; state: string }[]).map((each) =>
      entry(each.date, each.mailId, each.state),
    ),
    [
      entry("2009-04-30T06:38:34.000Z", 708021, "Original"),
      entry("2009-09-22T13:47:23.000Z", 855763, "Original"),
      entry("2009-12-18T15:43:21.000Z", 972219, "Original"),
    ],
  );
  assert.deepEqual(operationValidators(model, operation).output(read.value), []);
});

test("faults of others give code, blame, reason and detail", () => {
  const expected: Readonly<Record<string, readonly [string, string, string, readonly string[]]>> = {
    "soap11-fault.xml": ["Server", "receiver", "Fault occurred while processing.", []],
    "soap12-fault.xml": ["MessageTimeout", "sender", "Sender Timeout", ["MaxTime"]],
    "another-soap-fault.xml": ["ERR_NO_SESSION", "receiver", "Wrong session message", ["soapVal"]],
    "soap11-fault-detail.xml": ["Server", "receiver", "This is a fault string", ["errorcode", "errorstring"]],
    "soap12-fault-saaj.xml": ["Receiver", "receiver", "Error Message.", []],
    "soap12-fault-detail.xml": ["Receiver", "receiver", "Simulated failure", []],
    "doc-lit-fault.xml": ["Server", "receiver", "Hadrian did it.", ["BadRecordLit"]],
  };
  for (const [file, facts] of Object.entries(expected)) {
    const fault = openEnvelope(parseXml(text(`messages/${file}`)), "1.1", Date.now());
    assert.ok(fault.kind === "fault", file);
    const details = fault.details.map((each) => each.local);
    assert.deepEqual([fault.code, fault.blame, fault.reason, details], facts, file);
  }
});

test("envelopes that are none are refused with a reason", () => {
  const usable = (file: string): string => {
    const answer = openEnvelope(parseXml(text(`messages/${file}`)), "1.1", Date.now());
    return answer.kind === "unusable" ? answer.reason : "usable";
  };
  assert.match(usable("bad-envelope.xml"), /no SOAP envelope/);
  assert.match(usable("bad-envelope-name.xml"), /no SOAP envelope/);
  assert.match(usable("soap11-header.xml"), /must be understood/);
  assert.throws(() => usable("unclosed-envelope.xml"), { code: "xml-malformed" });
});
