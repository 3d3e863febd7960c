import assert from "node:assert/strict";
import { test } from "node:test";
import { preferred, readsAsJson } from "./negotiate.ts";

const json = "application/json";
const csv = "text/csv";

test("OA-8: the most specific range says the weight of a type, whatever the order", () => {
  const takes: readonly (readonly [accept: string | undefined, type: string | undefined])[] = [
    [undefined, json],
    ["", json],
    [" , ", json],
    ["*/*", json],
    ["application/*", json],
    ["APPLICATION/JSON", json],
    ["application/json;q=0.001", json],
    ["application/json; charset=utf-8", json],
    ["application/json; charset=latin1", undefined],
    ["application/json;q=0", undefined],
    ["application/json;q=0, */*", undefined],
    ["*/*, application/json;q=0", undefined],
    ["application/*;q=0, application/json", json],
    ["application/json;version=2", undefined],
    ["application/json;version=2, application/json;q=0.1", json],
    ['text/html;x="a, application/json"', undefined],
    ['text/html;x="\\", q=0", application/json', json],
    ["application/problem+json", undefined],
    ["text/html", undefined],
  ];
  for (const [accept, type] of takes) assert.equal(preferred(accept, [json]), type, String(accept));
});

test("OA-8: of several types the one that is liked best is taken, and the first of equals", () => {
  const offered = [json, csv];
  assert.equal(preferred("*/*", offered), json);
  assert.equal(preferred("text/*, application/json;q=0.5", offered), csv);
  assert.equal(preferred("text/csv;q=0.4, application/json;q=0.5", offered), json);
  assert.equal(preferred("text/csv, application/json", offered), json);
  assert.equal(preferred("text/csv", offered), csv);
  assert.equal(preferred("image/png", offered), undefined);
});

test("OA-8: what is no range, or has no weight, is passed over", () => {
  for (const accept of ["json", "*", "*/json", "application/json;q=2", "application/json;q=x", "application/json;q=-1"])
    assert.equal(preferred(accept, [json]), undefined, accept);
  assert.equal(preferred("nonsense, application/json", [json]), json);
  assert.equal(preferred(`${"text/html,".repeat(100)}${json}`, [json]), undefined);
});

test("OA-8: JSON bodies by any name of theirs, in UTF-8; a patch is not the document", () => {
  for (const type of [
    "application/json",
    "Application/JSON",
    "application/json;charset=UTF-8",
    'application/json; charset="utf-8"',
    "application/json; profile=x",
    "application/vnd.harbour.order.v1+json",
  ])
    assert.ok(readsAsJson(type), type);
  for (const type of [
    undefined,
    "",
    "text/json",
    "text/plain",
    "application/jsonp",
    "application/json; charset=latin1",
    "application/json; charset=utf-8; charset=utf-16",
    "application/json-patch+json",
    "application/merge-patch+json",
    "multipart/form-data; boundary=application/json",
    "application/x-www-form-urlencoded",
    "text/plain; x=application/json",
  ])
    assert.ok(!readsAsJson(type), String(type));
  assert.ok(readsAsJson("application/merge-patch+json", ["application/merge-patch+json"]));
  assert.ok(!readsAsJson("application/json", ["application/merge-patch+json"]));
});
