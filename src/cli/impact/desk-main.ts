/**
 * The process that asks the compiler, apart from the command's own: what the compiler writes to the terminal stays here, and one
 * that hangs can be ended. It answers one question after another, and ends with whoever started it.
 */
import { asMortiseError } from "../../errors.ts";
import { type Compiler, compileErrors, type NoCompiler, openCompiler } from "./compiler.ts";
import type { Answer, Question } from "./desk.ts";
import { askedByTypes, judge } from "./impact.ts";
import { type ProjectUses, usesOf } from "./uses.ts";

/** One for all questions: a second program takes from it what is the same, which is nearly everything. */
let compiler: Promise<Compiler | NoCompiler> | undefined;
/** Of the sources as they are; asked once. */
let uses: ProjectUses | undefined;

async function answer(question: Question): Promise<Answer> {
  const { folder } = question;
  compiler ??= openCompiler(folder);
  const opened = await compiler;
  if ("reason" in opened) return opened;
  if (question.ask === "errors") return { errors: compileErrors(opened.over(question.overlay)) };
  const { pinned, comparison } = question;
  uses ??= usesOf(opened);
  const found = uses;
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
