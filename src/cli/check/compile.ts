/** The project's own compiler over the project. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join, relative } from "node:path";
import { explained } from "./explain.ts";
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
  return typeProblems(output, project);
}

/**
 * What the compiler printed, as findings. Under a message it prints, indented ever deeper, what led to it: the whole types come
 * first, the property that is wrong last. So of a chain the first sentence and the last, deepest ones are kept.
 */
export function typeProblems(output: string, project: string): Finding[] {
  const findings: Finding[] = [];
  let chain: string[] = [];
  const finish = (): void => {
    const reason = deepest(chain);
    const last = findings.at(-1);
    if (last !== undefined && reason !== "")
      findings[findings.length - 1] = { ...last, message: joined(last.message, reason) };
    chain = [];
  };
  for (const line of output.split(/\r?\n/)) {
    const [, file, row, message] = /^(?:(.+?)\((\d+),\d+\): )?error (TS\d+: .*)$/.exec(line) ?? [];
    if (message === undefined) {
      if (line.startsWith("  ")) chain.push(line);
      continue;
    }
    finish();
    const place =
      file === undefined
        ? {}
        : { file: relative(project, join(project, file)).replaceAll("\\", "/"), line: Number(row) };
    findings.push({ level: "error", rule: "type", ...place, message });
  }
  finish();
  return findings.map((finding) => ({ ...finding, message: explained(finding.message) }));
}

/**
 * The sentence that is indented deepest (of several the last, which is about the overload that came closest), with the path of the
 * properties that it is about, which stand above it.
 */
function deepest(chain: readonly string[]): string {
  let found = 0;
  const indent = (line: string): number => line.length - line.trimStart().length;
  for (const [at, line] of chain.entries()) if (indent(line) >= indent(chain[found]!)) found = at;
  const last = chain[found] ?? "";
  const path: string[] = [];
  let above = indent(last);
  for (const line of chain.slice(0, found).reverse()) {
    if (indent(line) >= above) continue;
    above = indent(line);
    const name = /^(?:Types of property|The types of) '([^']+)'/.exec(line.trim())?.[1];
    if (name !== undefined) path.unshift(name);
  }
  return path.length === 0 ? last.trim() : `Types of property '${path.join(".")}' are incompatible. ${last.trim()}`;
}

/** A first sentence with two whole types in it says less than the last one; it is shortened. */
function joined(message: string, reason: string): string {
  return `${message.length <= longestHead ? message : `${message.slice(0, longestHead)}…`}\n${reason}`;
}
const longestHead = 160;
