/** The binary: `mortise`. The launcher in bin/ finds a Node for it. */
import { main } from "./cli/program.ts";

// Whoever read our output has enough (`mortise runs list | head`): no reason to fail.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
}

process.exitCode = await main(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  folder: process.cwd(),
});
