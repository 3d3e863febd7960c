import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { exampleOf } from "../contract/example/example.ts";
import type { ContractModel, OperationModel, SoapBinding } from "../contract/model.ts";
import { openSource } from "../contract/read/source.ts";
import { readWsdl } from "../contract/read/wsdl.ts";
import { MortiseError } from "../errors.ts";
import { parseXml } from "../formats/xml.ts";
import type { Json } from "../operation.ts";
import { Codec } from "./soap-codec.ts";
import { openEnvelope } from "./soap-envelope.ts";
import { SoapMessages } from "./soap-messages.ts";

const contracts = fileURLToPath(new URL("../contract/read/fixtures/wsdl/", import.meta.url));
const samples = fileURLToPath(new URL("./fixtures/node-soap/", import.meta.url));

/** Every contract in WSDL that the tests have, as far as it can be read. */
async function models(): Promise<ContractModel[]> {
  const files = [contracts, samples].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".wsdl"))
      .map((name) => folder + name),
  );
  const read: ContractModel[] = [];
  for (const file of files.toSorted()) {
    try {
      read.push(await readWsdl(await openSource(file), "x"));
    } catch (error) {
      // Some are there to be refused.
      if (!(error instanceof MortiseError) || error.code !== "contract-unreadable") throw error;
    }
  }
  return read;
}

/** Lists and objects of attributes that are empty have no form in XML: they are as good as absent. */
function withoutEmpty(value: Json): Json {
  if (Array.isArray(value)) return (value as readonly Json[]).map(withoutEmpty);
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value as { readonly [name: string]: Json }).filter(
    ([name, inner]) =>
      !(Array.isArray(inner) && inner.length === 0) &&
      !(/^(attributes|anyAttributes)$/.test(name) && Object.keys(inner as object).length === 0),
  );
  return Object.fromEntries(members.map(([name, inner]) => [name, withoutEmpty(inner)]));
}

test("whatever fits a contract is read back as it was written: inputs, outputs and faults of every operation", async () => {
  let checked = 0;
  for (const model of await models()) {
    const codec = new Codec(model);
    for (const operation of Object.values(model.operations)) {
      const { binding } = operation;
      if (binding.protocol === "soap") checked += bothWays(model, operation, binding, codec);
    }
  }
  assert.ok(checked > 400, `${checked} messages`);
});

function bothWays(model: ContractModel, operation: OperationModel, binding: SoapBinding, codec: Codec): number {
  const messages = new SoapMessages(operation, binding, codec);
  let checked = 0;
  for (let seed = 1; seed <= 4; seed++) {
    const example = (schema: OperationModel["input"]): Json => {
      const value = exampleOf(schema, model.schemas, { seed });
      assert.notEqual(value, undefined);
      return value as Json;
    };
    const same = (what: string, value: Json, text: string, back: Json, problems: readonly unknown[]): void => {
      const place = `${model.source.files[0]?.path} ${operation.name} ${what}\n${text}`;
      assert.deepEqual(problems, [], place);
      assert.deepEqual(withoutEmpty({ back }), withoutEmpty({ back: value }), place);
      checked += 1;
    };
    const input = example(operation.input);
    const request = messages.writeRequest(input);
    const parts = partsOf(request);
    const read = messages.readRequest(parts.body, parts.header);
    same("input", input, request, read.value, read.problems);
    const output = example(operation.output);
    const answer = messages.writeAnswer(output);
    const back = messages.readAnswer(partsOf(answer).body);
    same("output", output, answer, back.value, back.problems);
    for (const [name, { detail }] of Object.entries(operation.faults)) {
      const value = example(detail);
      const text = messages.writeFault({ blame: "receiver", message: "no", declared: { name, detail: value } });
      const fault = openEnvelope(parseXml(text), binding.version, Date.now());
      assert.ok(fault.kind === "fault" && fault.details[0] !== undefined);
      const declared = messages.readFault(fault.details[0], fault.body);
      assert.equal(declared?.name, name);
      same(name, value, text, declared.value, declared.problems);
    }
  }
  return checked;
}

function partsOf(text: string): Record<"header" | "body", ReturnType<typeof parseXml>["children"]> {
  const root = parseXml(text);
  const inside = (local: string) => root.children.find((child) => child.local === local)?.children ?? [];
  return { header: inside("Header"), body: inside("Body") };
}
