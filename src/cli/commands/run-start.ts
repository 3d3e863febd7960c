/** `mortise runs start`: starts a run by hand, now or for later. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { failure } from "../../errors.ts";
import type { Json } from "../../operation.ts";
import { adminClient } from "../admin-client.ts";
import type { Context } from "../context.ts";
import { exit } from "../exit.ts";
import { time } from "../terminal.ts";
import { durationOption, jsonOption, segment } from "../values.ts";

interface StartOptions {
  readonly input: string;
  readonly at?: string;
  readonly in?: string;
  readonly reason: string;
}

export async function startRun(context: Context, [process]: readonly string[], options: StartOptions): Promise<number> {
  const { terminal } = context;
  const input = inputOf(context, options.input);
  const at = options.in === undefined ? options.at : Math.ceil(Date.now() + durationOption("--in", options.in));
  const client = await adminClient(context);
  const answer: { result: string; run: string; key: string } = await client.post(
    `/processes/${segment(process!)}/start`,
    { input, reason: options.reason, ...(at === undefined ? {} : { at }) },
  );
  terminal.result(answer, () => {
    if (answer.result === "exists")
      terminal.line(`run ${answer.run} has the key ${answer.key} already; nothing was started`);
    else if (at === undefined) terminal.line(`${terminal.paint("green", "started")} run ${answer.run} (${answer.key})`);
    else {
      const when = time(typeof at === "number" ? at : Date.parse(at));
      terminal.line(`${terminal.paint("green", "queued")} run ${answer.run} (${answer.key}) until ${when}`);
    }
  });
  return exit.done;
}

/** JSON, or `@` and the file that holds it. */
function inputOf(context: Context, text: string): Json {
  if (!text.startsWith("@")) return jsonOption("--input", text);
  const file = resolve(context.io.folder, text.slice(1));
  let content: string;
  try {
    content = readFileSync(file, "utf8");
  } catch (error) {
    throw failure("option-invalid", { option: "--input", reason: (error as Error).message });
  }
  return jsonOption("--input", content);
}
