/**
 * The process that asks the compiler, apart from the command's own: what the compiler writes to the terminal stays here, and one
 * that hangs can be ended. It answers one question after another, and ends with whoever started it.
 */
import { asMortiseError } from "../../errors.ts";
import { compileErrors, openCompiler } from "./compiler.ts";
import type { Answer, Question } from "./desk.ts";
import { askedByTypes, judge } from "./impact.ts";
import { type ProjectUses, usesOf } from "./uses.ts";

/** Of the sources as they are; asked once. */
let uses: ProjectUses | { readonly reason: string } | undefined;

async function projectUses(folder: string): Promise<ProjectUses | { readonly reason: string }> {
  if (uses !== undefined) return uses;
  const compiler = await openCompiler(folder);
  if ("reason" in compiler) {
    uses = compiler;
    return compiler;
  }
  try {
    uses = usesOf(compiler);
  } finally {
    compiler.close();
  }
  return uses;
}

async function answer(question: Question): Promise<Answer> {
  const { folder } = question;
  if (question.ask === "errors") {
    const compiler = await openCompiler(folder, question.overlay);
    if ("reason" in compiler) return compiler;
    try {
      return { errors: compileErrors(compiler) };
    } finally {
      compiler.close();
    }
  }
  const { pinned, comparison } = question;
  const found = await projectUses(folder);
  if ("reason" in found) return found;
  const contract = found.contracts.get(pinned.name);
  if (contract === undefined)
    return { reason: `the compiler does not see systems/${pinned.name}/contract.ts; is it left out in tsconfig.json?` };
  return { impact: judge(comparison, askedByTypes(pinned, contract.book, contract.marks, found.files)) };
}

process.on("message", (question: Question) => {
  void answer(question)
    .catch(
      (error: unknown): Answer => ({ reason: `the compiler could not be asked: ${asMortiseError(error).message}` }),
    )
    .then((found) => process.send?.(found));
});
process.on("disconnect", () => process.exit());
