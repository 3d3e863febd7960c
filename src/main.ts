/** The binary: `mortise`. The launcher in bin/ finds a Node for it. */
import { main } from "./cli/program.ts";

// Whoever read our output has enough (`mortise runs list | head`): no reason to fail.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
});
// What can't be said there can be said nowhere; a server goes on where the disk under its log is full.
process.stderr.on("error", () => {});

process.exitCode = await main(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  folder: process.cwd(),
  ...(process.stdin.isTTY && process.stdout.isTTY ? { confirm } : {}),
  secret: async (question) =>
    (await import("./cli/read-secret.ts")).readSecret(question, process.stdin, process.stderr),
});

async function confirm(question: string): Promise<boolean> {
  const { createInterface } = await import("node:readline/promises");
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  // Ctrl-D is no.
  const closed = new Promise<string>((resolve) => terminal.once("close", () => resolve("")));
  const answer = await Promise.race([terminal.question(question), closed]);
  terminal.close();
  return /^y(es)?$/i.test(answer.trim());
}
