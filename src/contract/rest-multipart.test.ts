import assert from "node:assert/strict";
import { test } from "node:test";
import { multipartValue } from "./rest-multipart.ts";
import { seen } from "./rest-values.ts";

const shape = seen(
  {
    type: "object",
    properties: {
      note: { type: "string" },
      place: { type: "object" },
      photo: { type: "string", contentEncoding: "base64" },
      size: { type: "integer" },
    },
  },
  {},
);
const encoding = { photo: { contentType: "image/png", otherTypes: ["image/jpeg"], bytes: true } } as const;

function read(body: string, contentType = "multipart/form-data; boundary=x") {
  return multipartValue({ encoding }, contentType, Buffer.from(body, "latin1"), shape, {});
}
const form = (...parts: readonly string[]) => `${parts.map((part) => `--x\r\n${part}\r\n`).join("")}--x--\r\n`;
const note = (rest: string) => `Content-Disposition: form-data; name="note"${rest}`;

test("a part is read as every other reader of forms reads it", () => {
  for (const [part, expected] of [
    [note("\r\n\r\na"), { note: "a" }],
    ["content-disposition:form-data;name=note\r\n\r\na", { note: "a" }],
    [note('; filename="; name=photo.txt"\r\n\r\na'), { note: "a" }],
    [note("; filename*=UTF-8''b\r\nX-Other: 1\r\nContent-Type: text/plain; charset=\"UTF-8\"\r\n\r\na"), { note: "a" }],
    [note("\r\nContent-Type: text/plain; charset=ISO-8859-1\r\n\r\n\xe4"), { note: "ä" }],
    [note("\r\nContent-Type: text/plain; charset=UTF-8\r\n\r\n\xc3\xa4"), { note: "ä" }],
    [note('; filename="a\\"; name=b"\r\n\r\na'), { note: "a" }],
    ["Content-Disposition: form-data ; name=note ;\r\n\r\na", { note: "a" }],
    [
      'Content-Disposition: form-data; filename="p"; name="photo"\r\nContent-Type: image/jpeg\r\n\r\n\xff',
      { photo: "/w==" },
    ],
    [
      'Content-Disposition: form-data; name="photo"\r\nContent-Type: application/octet-stream\r\n\r\n\xff',
      { photo: "/w==" },
    ],
    ['Content-Disposition: form-data; name="size"\r\n\r\n12', { size: 12 }],
    ['Content-Disposition: form-data; name="size"\r\n\r\n9007199254740993', { size: "9007199254740993" }],
    [
      'Content-Disposition: form-data; name="place"\r\nContent-Type: application/json\r\n\r\n{"a":1}',
      { place: { a: 1 } },
    ],
  ] as const)
    assert.deepEqual(read(form(part)), expected, part);
});

test("a part that two readers could take differently is refused", () => {
  const place = 'Content-Disposition: form-data; name="place"\r\nContent-Type: application/json\r\n\r\n';
  for (const [part, message] of [
    ['Content-Disposition: attachment; name="note"\r\n\r\na', /not as forms have it/],
    [note('; name="size"\r\n\r\n1'), /two names/],
    [note("; name*=UTF-8''size\r\n\r\n1"), /two names/],
    [note('\r\nContent-Disposition: form-data; name="size"\r\n\r\n1'), /content-disposition twice/],
    [note("\r\nContent-Type: text/plain\r\ncontent-type: application/json\r\n\r\n1"), /content-type twice/],
    [note('; filename="a\r\nX: b"\r\n\r\na'), /not as forms have it/],
    [note('; filename="a\0b"\r\n\r\na'), /no header field/],
    [note("\r\n folded\r\n\r\na"), /no header field/],
    [note("\r\nContent-Type: multipart/mixed; boundary=y\r\n\r\n--y--"), /"note" consists of parts itself/],
    [note("\r\nContent-Type: text/plain; charset=utf-16le\r\n\r\na\0"), /"note" is not UTF-8/],
    [
      'Content-Disposition: form-data; name="photo"\r\nContent-Type: text/html\r\n\r\n<b>',
      /"photo" must be image\/png or image\/jpeg/,
    ],
    [`${place}{`, /"place" can't be read as JSON/],
    [`${place}{"a":1,"a":2}`, /"place" can't be read as JSON/],
    [`${place}${"[".repeat(100)}${"]".repeat(100)}`, /"place" can't be read as JSON/],
  ] as const)
    assert.match(String(read(form(part))), message, part);
});

test("a form has one boundary and one end", () => {
  const whole = form(note("\r\n\r\na"));
  assert.deepEqual(read(`before\r\n${whole}behind`), { note: "a" });
  assert.match(String(read(`${whole}${whole}`)), /behind its end/);
  assert.match(String(read(whole, "multipart/form-data; boundary=x; boundary=y")), /two boundaries/);
  assert.match(String(read(whole, 'multipart/form-data; a="; boundary=y"; boundary=x')), /two boundaries/);
  assert.match(String(read(whole.replace("--x--", "--x--y"))), /no line of its own|begin and end/);
});
