/** `mortise diff`: what a new version of a contract means for those who know the old one. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { compareContracts } from "../../contract/compare/compare.ts";
import { override, parseOverrides } from "../../contract/compare/overrides.ts";
import { failure } from "../../errors.ts";
import type { Context } from "../context.ts";
import { contractFrom } from "../contract-source.ts";
import { markdownOf, printComparison, summaryOf } from "../diff-report.ts";
import { exit } from "../exit.ts";
import { projectFolder } from "../project-folder.ts";
import { printable } from "../terminal.ts";

interface Options {
  readonly internal?: boolean;
  readonly root?: string;
  readonly markdown?: boolean;
  readonly overrides?: string;
}

export async function diff(context: Context, [old, now]: readonly string[], options: Options): Promise<number> {
  const { terminal, io } = context;
  const project = projectAround(context);
  const from = {
    folder: io.folder,
    ...(project === undefined ? {} : { project }),
    ...(options.internal === true ? { internal: true } : {}),
    ...(options.root === undefined ? {} : { root: options.root }),
  };
  const before = await contractFrom(old!, "old", from);
  const after = await contractFrom(now!, "new", from);
  const decided = options.overrides === undefined ? [] : readOverrides(resolve(io.folder, options.overrides));
  const today = new Date().toISOString().slice(0, 10);
  const comparison = override(compareContracts(before.model, after.model), decided, today);
  terminal.result({ ...comparison, summary: summaryOf(comparison) }, () => {
    if (options.markdown === true) io.stdout.write(printable(markdownOf(comparison, old!, now!)));
    else printComparison(terminal, comparison);
  });
  return { breaking: exit.found, review: exit.review, safe: exit.done }[comparison.verdict];
}

/** Outside of a project, contracts can be compared as well. */
function projectAround({ io, project }: Context): string | undefined {
  try {
    return projectFolder(io.folder, project);
  } catch (error) {
    if (project !== undefined) throw error;
    return undefined;
  }
}

export function readOverrides(file: string) {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw failure("override-invalid", { file, place: "its text", reason: (cause as Error).message }, { cause });
  }
  return parseOverrides(file, text);
}
