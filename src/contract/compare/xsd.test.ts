/** XSD: each change of a type is made in a request and in an answer. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { ContractModel } from "../model.ts";
import { compared, el, elements, inAnswer, seq, string, values, wsdl } from "../read/fixtures/wsdl/two-way.ts";
import { readContract } from "../read/read-contract.ts";
import { openSource } from "../read/source.ts";
import { compareContracts } from "./compare.ts";
import type { Comparison, Verdict } from "./finding.ts";

/** What changes, old content of the type, new content, rule, verdict in a request, verdict in an answer. */
const types: readonly (readonly [string, string, string, string, Verdict, Verdict])[] = [
  [
    "minOccurs 0 to 1",
    seq(el("a", 'type="xs:string" minOccurs="0"')),
    seq(el("a")),
    "required-property",
    "breaking",
    "safe",
  ],
  [
    "minOccurs 0 to 2",
    seq(el("a", 'type="xs:string" minOccurs="0" maxOccurs="5"')),
    seq(el("a", 'type="xs:string" minOccurs="2" maxOccurs="5"')),
    "list-length",
    "breaking",
    "safe",
  ],
  [
    "maxOccurs unbounded to 3",
    seq(el("a", 'type="xs:string" maxOccurs="unbounded"')),
    seq(el("a", 'type="xs:string" maxOccurs="3"')),
    "list-length",
    "breaking",
    "safe",
  ],
  [
    "maxOccurs 1 to many: a value becomes a list",
    seq(el("a")),
    seq(el("a", 'type="xs:string" maxOccurs="9"')),
    "type",
    "breaking",
    "breaking",
  ],
  ["a new required element", seq(el("a")), seq(el("a") + el("b")), "*", "breaking", "breaking"],
  [
    "a new optional element",
    seq(el("a")),
    seq(el("a") + el("b", 'type="xs:string" minOccurs="0"')),
    "unknown-property",
    "safe",
    "breaking",
  ],
  [
    "a new required attribute",
    seq(el("a")),
    `${seq(el("a"))}<xs:attribute name="b" use="required"/>`,
    "*",
    "breaking",
    "breaking",
  ],
  [
    "a new optional attribute",
    seq(el("a")),
    `${seq(el("a"))}<xs:attribute name="b" type="xs:string"/>`,
    "unknown-property",
    "safe",
    "breaking",
  ],
  ["an element that goes", seq(el("a") + el("b")), seq(el("a")), "*", "breaking", "breaking"],
  ["maxLength added", seq(el("a")), seq(string('<xs:maxLength value="3"/>')), "text-length", "breaking", "safe"],
  ["a pattern added", seq(el("a")), seq(string('<xs:pattern value="[A-Z]+"/>')), "pattern", "breaking", "safe"],
  [
    "minInclusive up",
    seq(string('<xs:minInclusive value="1"/>', "xs:int")),
    seq(string('<xs:minInclusive value="2"/>', "xs:int")),
    "number-range",
    "breaking",
    "safe",
  ],
  [
    "totalDigits down",
    seq(string('<xs:totalDigits value="9"/>', "xs:decimal")),
    seq(string('<xs:totalDigits value="5"/>', "xs:decimal")),
    "*",
    "breaking",
    "safe",
  ],
  [
    "int to long: a number becomes an exact text",
    seq(el("a", 'type="xs:int"')),
    seq(el("a", 'type="xs:long"')),
    "type",
    "breaking",
    "breaking",
  ],
  ["short to int", seq(el("a", 'type="xs:short"')), seq(el("a", 'type="xs:int"')), "number-range", "safe", "breaking"],
  [
    "an enumeration value removed",
    seq(string(values("A", "B"))),
    seq(string(values("A"))),
    "allowed-values",
    "breaking",
    "safe",
  ],
  [
    "the sequence in another order",
    seq(el("a") + el("b")),
    seq(el("b") + el("a")),
    "xml-order",
    "breaking",
    "breaking",
  ],
  [
    "another order in xs:all",
    `<xs:all>${el("a")}${el("b")}</xs:all>`,
    `<xs:all>${el("b")}${el("a")}</xs:all>`,
    "",
    "safe",
    "safe",
  ],
  [
    "a choice's branch removed",
    `<xs:choice>${el("a")}${el("b")}</xs:choice>`,
    `<xs:choice>${el("a")}</xs:choice>`,
    "*",
    "breaking",
    "safe",
  ],
  ["nillable off", seq(el("a", 'type="xs:string" nillable="true"')), seq(el("a")), "type", "breaking", "safe"],
  [
    "a wildcard removed",
    seq(`${el("a")}<xs:any minOccurs="0" maxOccurs="unbounded" processContents="lax"/>`),
    seq(el("a")),
    "*",
    "breaking",
    "safe",
  ],
  [
    "an element becomes an attribute",
    seq(el("a", 'type="xs:string" minOccurs="0"')),
    '<xs:attribute name="a" type="xs:string"/>',
    "xml-form",
    "breaking",
    "breaking",
  ],
  [
    "a member type added to a union",
    seq('<xs:element name="a"><xs:simpleType><xs:union memberTypes="xs:int"/></xs:simpleType></xs:element>'),
    seq('<xs:element name="a"><xs:simpleType><xs:union memberTypes="xs:int xs:boolean"/></xs:simpleType></xs:element>'),
    "*",
    "safe",
    "breaking",
  ],
  [
    "another fixed value",
    '<xs:attribute name="v" type="xs:string" fixed="1"/>',
    '<xs:attribute name="v" type="xs:string" fixed="2"/>',
    "allowed-values",
    "breaking",
    "breaking",
  ],
  ["string to int", seq(el("a")), seq(el("a", 'type="xs:int"')), "type", "breaking", "breaking"],
  ["date to dateTime", seq(el("a", 'type="xs:date"')), seq(el("a", 'type="xs:dateTime"')), "*", "breaking", "breaking"],
  ["string to base64", seq(el("a")), seq(el("a", 'type="xs:base64Binary"')), "", "review", "safe"],
  [
    "a list to a single value",
    seq('<xs:element name="a"><xs:simpleType><xs:list itemType="xs:int"/></xs:simpleType></xs:element>'),
    seq(el("a", 'type="xs:int"')),
    "type",
    "breaking",
    "breaking",
  ],
  [
    "xs:all to xs:sequence",
    `<xs:all>${el("a")}${el("b")}</xs:all>`,
    seq(el("a") + el("b")),
    "xml-order",
    "breaking",
    "safe",
  ],
  ["nillable on", seq(el("a")), seq(el("a", 'type="xs:string" nillable="true"')), "type", "safe", "breaking"],
  [
    "a list's items nillable on",
    seq(el("a", 'type="xs:string" maxOccurs="9"')),
    seq(el("a", 'type="xs:string" nillable="true" maxOccurs="9"')),
    "type",
    "safe",
    "breaking",
  ],
  [
    "a choice becomes a sequence",
    `<xs:choice>${el("a")}${el("b")}</xs:choice>`,
    seq(el("a") + el("b")),
    "required-property",
    "breaking",
    "safe",
  ],
  [
    "an element where a lax wildcard stood",
    seq(`${el("a")}<xs:any minOccurs="0" maxOccurs="unbounded" processContents="lax"/>`),
    seq(
      `${el("a")}${el("b", 'type="xs:string" minOccurs="0"')}<xs:any minOccurs="0" maxOccurs="unbounded" processContents="lax"/>`,
    ),
    "*",
    "safe",
    "safe",
  ],
  [
    "a required element that goes into a wildcard",
    seq(`${el("a")}${el("b")}<xs:any minOccurs="0" maxOccurs="unbounded" processContents="lax"/>`),
    seq(`${el("a")}<xs:any minOccurs="0" maxOccurs="unbounded" processContents="lax"/>`),
    "*",
    "breaking",
    "breaking",
  ],
  [
    "an attribute beside a wildcard",
    seq(`${el("a")}<xs:any minOccurs="0" maxOccurs="unbounded" processContents="lax"/>`),
    `${seq(`${el("a")}<xs:any minOccurs="0" maxOccurs="unbounded" processContents="lax"/>`)}<xs:attribute name="v" type="xs:string"/>`,
    "unknown-property",
    "safe",
    "breaking",
  ],
  [
    "a wildcard for attributes removed",
    `${seq(el("a"))}<xs:anyAttribute processContents="lax"/>`,
    seq(el("a")),
    "*",
    "breaking",
    "safe",
  ],
  [
    "only documentation",
    seq(el("a")),
    `<xs:annotation><xs:documentation>Now with words.</xs:documentation></xs:annotation>${seq(el("a"))}`,
    "",
    "safe",
    "safe",
  ],
];

for (const [what, old, now, rule, request, answer] of types)
  test(`XSD: ${what}`, async () => {
    for (const [side, wanted, before, after] of [
      ["request", request, elements(old), elements(now)],
      ["answer", answer, elements("", inAnswer(old)), elements("", inAnswer(now))],
    ] as const) {
      const { verdict, findings } = await compared(wsdl({ schema: before }), wsdl({ schema: after }));
      assert.equal(verdict, wanted, `${side}: ${JSON.stringify(findings)}`);
      if (rule === "" && wanted === "safe" && request === "safe") assert.deepEqual(findings, []);
      if (wanted === "breaking")
        assert.ok(
          findings.some(
            (each) => each.verdict === "breaking" && (rule === "*" || each.rule === rule) && each.example !== undefined,
          ),
          `${side}: ${JSON.stringify(findings)}`,
        );
    }
  });

const fixtures = fileURLToPath(new URL("../read/fixtures/", import.meta.url));
const whole = readdirSync(fixtures, { recursive: true, encoding: "utf8" }).filter(
  (name) =>
    /(^|\/)[^/]*\.wsdl$|openapi\/[^/]*\.yaml$|\/openapi\.yaml$/.test(name) &&
    !/_import|duplicate|test_http_post|path_traversal|unresolved/.test(name),
);

for (const name of whole)
  test(`${name} compared with itself gives nothing`, async () => {
    const read = async (): Promise<ContractModel> => readContract(await openSource(join(fixtures, name)), "x");
    const [one, again] = [await read(), await read()];
    assert.ok(Object.keys(one.operations).length + Object.keys(one.events).length > 0);
    assert.deepEqual(compareContracts(one, again), { verdict: "safe", findings: [] });
  });

test("what an XSD change does to a request, the way back does to an answer", async () => {
  const broken = ({ findings }: Comparison): string[] =>
    findings
      .filter(({ verdict }) => verdict !== "safe")
      .map(({ rule, verdict, example }) => `${verdict} ${rule} ${example?.proven}`);
  for (const [what, old, now] of types) {
    // A caller's value names what it sends; what is read may lie among what is open.
    if (what.includes("into a wildcard")) continue;
    const forth = await compared(wsdl({ schema: elements(inAnswer(old)) }), wsdl({ schema: elements(inAnswer(now)) }));
    const back = await compared(
      wsdl({ schema: elements("", inAnswer(now)) }),
      wsdl({ schema: elements("", inAnswer(old)) }),
    );
    assert.deepEqual(broken(back), broken(forth), what);
  }
});

test("two safe XSD changes together, and one after the other, are safe", async () => {
  for (const side of [4, 5] as const) {
    const safe = types.filter((row) => row[side] === "safe");
    assert.ok(safe.length > 5);
    const both = (first: string, second: string): string => {
      const content = seq(
        [first, second]
          .map((inner, n) => `<xs:element name="e${n}"><xs:complexType>${inner}</xs:complexType></xs:element>`)
          .join(""),
      );
      return wsdl({ schema: side === 4 ? elements(content) : elements("", content) });
    };
    for (const [n, [what, oldOne, nowOne]] of safe.entries()) {
      const [other, oldTwo, nowTwo] = safe[(n + 1) % safe.length]!;
      const steps = [both(oldOne, oldTwo), both(nowOne, oldTwo), both(nowOne, nowTwo)] as const;
      assert.equal((await compared(steps[0], steps[1])).verdict, "safe", what);
      assert.equal((await compared(steps[1], steps[2])).verdict, "safe", other);
      assert.equal((await compared(steps[0], steps[2])).verdict, "safe", `${what}, ${other}`);
    }
  }
});
