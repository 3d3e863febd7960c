import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parseXml } from "../formats/xml.ts";
import { openEnvelope, type SoapAnswer, type SoapVersion } from "./soap-envelope.ts";

function opened(file: string, version: SoapVersion): SoapAnswer {
  const bytes = readFileSync(new URL(`./fixtures/soap-messages/${file}.xml`, import.meta.url));
  return openEnvelope(parseXml(bytes), version, Date.now());
}

test("faults of both versions, and of systems that mix them, give code, blame, reason and details", () => {
  const cases: readonly (readonly [string, SoapVersion, readonly [string, string, string, readonly string[]]])[] = [
    ["soap11-fault", "1.1", ["Server", "receiver", "Fault occurred while processing.", []]],
    ["soap11-fault-detail", "1.1", ["Server", "receiver", "This is a fault string", ["errorcode", "errorstring"]]],
    ["another-soap-fault", "1.1", ["ERR_NO_SESSION", "receiver", "Wrong session message", ["soapVal"]]],
    ["soap12-fault-detail", "1.2", ["Receiver", "receiver", "Simulated failure", []]],
    ["soap12-fault-detail", "1.1", ["Receiver", "receiver", "Simulated failure", []]],
    ["soap12-fault", "1.1", ["MessageTimeout", "sender", "Sender Timeout", ["MaxTime"]]],
  ];
  for (const [file, version, expected] of cases) {
    const answer = opened(file, version);
    assert.ok(answer.kind === "fault", file);
    const details = answer.details.map((element) => element.local);
    assert.deepEqual([answer.code, answer.blame, answer.reason, details], expected, file);
  }
});

test("what is no envelope of the right version can't be used", () => {
  const cases: readonly (readonly [string, SoapVersion, RegExp])[] = [
    ["bad-envelope", "1.1", /no SOAP envelope/],
    ["bad-envelope-name", "1.1", /no SOAP envelope/],
    ["soap11-header", "1.2", /SOAP 1\.1 envelope/],
  ];
  for (const [file, version, reason] of cases) {
    const answer = opened(file, version);
    assert.ok(answer.kind === "unusable", file);
    assert.match(answer.reason, reason);
  }
  assert.throws(() => opened("unclosed-envelope", "1.1"), { code: "xml-malformed" });
});

test("a header that the next one must understand is not passed over", () => {
  for (const [file, version] of [
    ["soap11-header", "1.1"],
    ["soap12-header", "1.2"],
  ] as const) {
    const answer = opened(file, version);
    assert.ok(answer.kind === "unusable", file);
    assert.match(
      answer.reason,
      /\{http:\/\/travelcompany\.example\.org\/reservation\}reservation, which must be understood/,
    );
  }
});
