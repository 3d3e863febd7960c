/** The binary: `mortise`. The launcher in bin/ finds a Node for it. */
import { main } from "./cli/program.ts";
import { failure } from "./errors.ts";

let lost = false;
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  // Whoever read our output has enough (`mortise runs list | head`): no reason to fail.
  if (error.code === "EPIPE" || lost) return;
  // A command's result is lost, and that is told; a server goes on.
  lost = true;
  process.exitCode = 1;
  const { code, message } = failure("output-unwritten", { reason: error.message });
  process.stderr.write(`error ${message} (${code})\n`);
});
// What can't be said there can be said nowhere; a server goes on where the disk under its log is full.
process.stderr.on("error", () => {});

const ended = await main(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  folder: process.cwd(),
  ...(process.stdin.isTTY && process.stdout.isTTY ? { confirm } : {}),
  secret: async (question) =>
    (await import("./cli/read-secret.ts")).readSecret(question, process.stdin, process.stderr),
});
process.exitCode = ended === 0 && lost ? 1 : ended;

async function confirm(question: string): Promise<boolean> {
  const { createInterface } = await import("node:readline/promises");
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  // Ctrl-D is no.
  const closed = new Promise<string>((resolve) => terminal.once("close", () => resolve("")));
  const answer = await Promise.race([terminal.question(question), closed]);
  terminal.close();
  return /^y(es)?$/i.test(answer.trim());
}
