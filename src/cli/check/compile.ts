/** The project's own compiler over the project. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join, relative } from "node:path";
import type { Finding } from "./finding.ts";

export async function typeFindings(project: string): Promise<Finding[]> {
  const skipped = (message: string): Finding[] => [{ level: "warning", rule: "types-skipped", message }];
  if (!existsSync(join(project, "tsconfig.json")))
    return skipped("the types were not checked: there is no tsconfig.json; `mortise init` shows one");
  let compiler: string;
  try {
    const home = createRequire(join(project, "package.json")).resolve("typescript/package.json");
    compiler = join(home, "..", "bin", "tsc");
  } catch {
    return skipped("the types were not checked: TypeScript is not installed; run: npm i -D typescript @types/node");
  }
  const output = await new Promise<string>((resolve) => {
    const args = [compiler, "-p", project, "--noEmit", "--pretty", "false"];
    execFile(process.execPath, args, { cwd: project, maxBuffer: 64 << 20 }, (error, stdout, stderr) =>
      resolve(error !== null && stdout === "" ? `error TS0: ${stderr || error.message}` : stdout),
    );
  });
  const findings: Finding[] = [];
  for (const line of output.split("\n")) {
    const [, file, row, message] = /^(?:(.+?)\((\d+),\d+\): )?error (TS\d+: .*)$/.exec(line) ?? [];
    if (message === undefined) continue;
    const place =
      file === undefined
        ? {}
        : { file: relative(project, join(project, file)).replaceAll("\\", "/"), line: Number(row) };
    findings.push({ level: "error", rule: "type", ...place, message });
  }
  return findings;
}
