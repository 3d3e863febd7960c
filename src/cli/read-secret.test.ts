import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { readSecret } from "./read-secret.ts";

function keyboard() {
  const modes: boolean[] = [];
  const input = Object.assign(new PassThrough(), {
    isTTY: true as const,
    setRawMode(on: boolean) {
      modes.push(on);
      return input as never;
    },
  });
  let shown = "";
  const output = {
    write(text: string) {
      shown += text;
    },
  };
  return { input, output, modes, shown: () => shown };
}

test("what is typed is not shown, and can be corrected", async () => {
  const { input, output, modes, shown } = keyboard();
  const read = readSecret("Value: ", input, output);
  input.write("wrong\u0015s3crf\u007fet");
  input.write("\r");
  assert.equal(await read, "s3cret");
  assert.equal(shown(), "Value: \n");
  assert.deepEqual(modes, [true, false]);
});

test("Ctrl-C at the prompt gives nothing up", async () => {
  const { input, output, modes } = keyboard();
  const read = readSecret("Value: ", input, output);
  input.write("half\u0003");
  await assert.rejects(read, { code: "option-invalid", message: /not typed to its end/ });
  assert.deepEqual(modes, [true, false]);
});

test("what is piped in is read to its end, without the last line break", async () => {
  const input = new PassThrough();
  input.end("s3cret\r\n");
  assert.equal(await readSecret("", input, { write() {} }), "s3cret");
  const long = new PassThrough();
  long.end("x".repeat(70_000));
  await assert.rejects(readSecret("", long, { write() {} }), { code: "option-invalid" });
});
