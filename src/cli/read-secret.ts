/** Reads a value that must not be seen: from a terminal without showing it, else from what is piped in. */
import type { ReadStream } from "node:tty";
import { failure } from "../errors.ts";

const longest = 65_536;
const keys = { enter: /^[\r\n]$/, back: /^[\b\u007f]$/, interrupt: "\u0003", end: "\u0004" } as const;

/** Without the line break at its end. Rejects with `option-invalid` where none is given. */
export async function readSecret(
  question: string,
  input: NodeJS.ReadableStream & Partial<Pick<ReadStream, "isTTY" | "setRawMode">>,
  output: { write(text: string): unknown },
): Promise<string> {
  input.setEncoding("utf8");
  if (input.isTTY !== true) {
    let text = "";
    for await (const part of input) {
      text += String(part);
      if (text.length > longest) throw refused(`is longer than ${longest} characters`);
    }
    return text.replace(/\r?\n$/, "");
  }
  output.write(question);
  input.setRawMode?.(true);
  try {
    return await typed(input);
  } finally {
    input.setRawMode?.(false);
    input.pause();
    output.write("\n");
  }
}

function typed(input: NodeJS.ReadableStream): Promise<string> {
  return new Promise((resolve, reject) => {
    let text: string[] = [];
    const done = (act: () => void): void => {
      input.off("data", take);
      act();
    };
    const take = (part: unknown): void => {
      for (const key of String(part)) {
        if (keys.enter.test(key)) {
          done(() => resolve(text.join("")));
          return;
        }
        if (key === keys.interrupt || key === keys.end) {
          done(() => reject(refused("was not typed to its end")));
          return;
        }
        if (keys.back.test(key)) text.pop();
        // Ctrl-U begins anew, as at a prompt for a password.
        else if (key === "\u0015") text = [];
        else text.push(key);
      }
    };
    input.on("data", take);
    input.resume();
  });
}

function refused(what: string): Error {
  return failure("option-invalid", { option: "<value>", reason: `it ${what}; nothing was changed` });
}
