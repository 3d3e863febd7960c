/** OA-6: every style with and without explode (OpenAPI 3.2.0, "Style Examples"), for a scalar, a list and an object. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { RestParameter } from "../contract/model.ts";
import { formWriter, plainWriter, queryWriter } from "./rest-parameters.ts";

const list = ["blue", "black", "brown"];
const object = { R: 100, G: 200, B: 150 };

function write(
  place: RestParameter["in"],
  style: RestParameter["style"],
  explode: boolean,
  more: Partial<RestParameter> = {},
) {
  const parameter = { property: "color", name: "color", in: place, style, explode, required: false, ...more };
  return place === "query" || place === "querystring" ? queryWriter(parameter) : plainWriter(parameter);
}

const matrix: readonly [RestParameter["in"], RestParameter["style"], boolean, ...(string | undefined)[]][] = [
  // place, style, explode, then: empty, scalar, list, object
  ["path", "matrix", false, ";color", ";color=blue", ";color=blue,black,brown", ";color=R,100,G,200,B,150"],
  ["path", "matrix", true, ";color", ";color=blue", ";color=blue;color=black;color=brown", ";R=100;G=200;B=150"],
  ["path", "label", false, ".", ".blue", ".blue,black,brown", ".R,100,G,200,B,150"],
  ["path", "label", true, ".", ".blue", ".blue.black.brown", ".R=100.G=200.B=150"],
  ["path", "simple", false, "", "blue", "blue,black,brown", "R,100,G,200,B,150"],
  ["path", "simple", true, "", "blue", "blue,black,brown", "R=100,G=200,B=150"],
  ["header", "simple", false, "", "blue", "blue,black,brown", "R,100,G,200,B,150"],
  ["header", "simple", true, "", "blue", "blue,black,brown", "R=100,G=200,B=150"],
  ["query", "form", false, "color=", "color=blue", "color=blue,black,brown", "color=R,100,G,200,B,150"],
  ["query", "form", true, "color=", "color=blue", "color=blue&color=black&color=brown", "R=100&G=200&B=150"],
  [
    "query",
    "spaceDelimited",
    false,
    undefined,
    undefined,
    "color=blue%20black%20brown",
    "color=R%20100%20G%20200%20B%20150",
  ],
  [
    "query",
    "pipeDelimited",
    false,
    undefined,
    undefined,
    "color=blue%7Cblack%7Cbrown",
    "color=R%7C100%7CG%7C200%7CB%7C150",
  ],
  ["query", "tabDelimited", false, undefined, undefined, "color=blue%09black%09brown", undefined],
  ["query", "deepObject", true, undefined, undefined, undefined, "color%5BR%5D=100&color%5BG%5D=200&color%5BB%5D=150"],
  ["cookie", "form", false, "color=", "color=blue", "color=blue,black,brown", "color=R,100,G,200,B,150"],
  ["cookie", "form", true, "color=", "color=blue", "color=blue; color=black; color=brown", "R=100; G=200; B=150"],
  ["cookie", "cookie", true, "color=", "color=blue", "color=blue; color=black; color=brown", "R=100; G=200; B=150"],
  ["path", "pipeDelimited", false, undefined, "blue", "blue%7Cblack%7Cbrown", undefined],
  ["header", "pipeDelimited", false, undefined, "blue", "blue|black|brown", undefined],
];

test("OA-6: parameters of every style", () => {
  for (const [place, style, explode, ...expected] of matrix) {
    const writer = write(place, style, explode);
    const values = ["", "blue", list, object];
    for (const [index, text] of expected.entries())
      if (text !== undefined) assert.equal(writer(values[index]), text, `${place} ${style} ${explode} ${index}`);
  }
});

test("OA-6: empty lists and objects say nothing, null members neither; nested deep objects have a name per level", () => {
  for (const style of ["form", "spaceDelimited", "pipeDelimited", "deepObject"] as const)
    for (const explode of [true, false])
      for (const nothing of [[], {}]) assert.equal(write("query", style, explode)(nothing), "", `${style} ${explode}`);
  assert.equal(write("query", "form", true)({ a: null, b: undefined, c: 1 }), "c=1");
  assert.equal(
    write("query", "deepObject", true)({ a: { b: [1, { c: 2 }] } }),
    "color%5Ba%5D%5Bb%5D%5B0%5D=1&color%5Ba%5D%5Bb%5D%5B1%5D%5Bc%5D=2",
  );
});

test("OA-6: what is reserved is encoded, or kept where the contract says so; what would end the value never", () => {
  const text = "a/b?c#d&e=f+g%20h é";
  assert.equal(write("query", "form", true)(text), "color=a%2Fb%3Fc%23d%26e%3Df%2Bg%2520h%20%C3%A9");
  assert.equal(write("query", "form", true, { allowReserved: true })(text), "color=a/b?c%23d%26e%3Df%2Bg%20h%20%C3%A9");
  assert.equal(write("path", "simple", false, { allowReserved: true })("a/b:c?d"), "a%2Fb:c%3Fd");
  assert.equal(write("cookie", "cookie", false)("a%20b"), "color=a%20b");
  assert.equal(write("query", "form", true)("\uD800"), "color=%EF%BF%BD");
});

test("OA-6: content instead of a schema is JSON, or the whole query as a form", () => {
  assert.equal(write("query", "form", true, { json: true })({ a: [1] }), "color=%7B%22a%22%3A%5B1%5D%7D");
  assert.equal(write("querystring", "form", true, { json: true })({ a: 1 }), "%7B%22a%22%3A1%7D");
  const encoding = { a: { style: "pipeDelimited", explode: false } } as const;
  assert.equal(write("querystring", "form", true, { encoding })({ a: [1, 2], b: "x y" }), "a=1%7C2&b=x%20y");
  assert.equal(write("querystring", "form", true)("plain"), "plain");
});

test("forms: each property by its own style; objects are JSON where nothing is said", () => {
  const writer = formWriter({
    deep: { style: "deepObject", explode: true },
    joined: { style: "form", explode: false },
    json: { contentType: "application/json" },
  });
  const body = { deep: { a: [1] }, joined: [1, 2], many: [1, 2], object: { a: 1 }, json: [1], none: null };
  assert.equal(writer(body), "deep%5Ba%5D%5B0%5D=1&joined=1,2&many=1&many=2&object=%7B%22a%22%3A1%7D&json=%5B1%5D");
});
