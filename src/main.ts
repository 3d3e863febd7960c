/** The binary: `mortise`. The launcher in bin/ finds a Node for it. */
import { main } from "./cli/program.ts";

process.exitCode = await main(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  folder: process.cwd(),
});
