/**
 * Between the shape outside and the shape inside: what `accepts` makes of a request, what `responds` makes of what came of it. An operation of an
 * older version that was made of a newer one's has a mapping for each version.
 */
import { failure, type MortiseError } from "../errors.ts";
import type { Json, Problem, Schema, Validate } from "../operation.ts";
import type { Exchange, Workshop } from "./exchange.ts";
import { fieldsOf } from "./fields.ts";
import { DeclaredAnswer } from "./implement/fault.ts";
import type { Accepts, Responds } from "./operations.ts";
import { invalidInput, ProblemError } from "./problem.ts";

/** What was asked for, from outside to inside: the request, what each version makes of it, and at last the input. */
export interface Asked {
  readonly input: Json;
  readonly stages: readonly Json[];
}

/**
 * Applies `accepts` and checks what it made: without it, what was sent is the input. Of an adapted operation, one after the other.
 * `inside`: who takes the input, for the sentence. Throws `mapping-unfit`, which is no fault of the caller: the request was what its schema
 * allows, and the places are of a shape that callers don't know. What no mapping has touched they do know: there it is `input-invalid`.
 */
export function inputReader(
  accepts: Accepts<unknown, unknown> | undefined,
  input: Schema,
  inside: string,
  compile: Workshop["compile"],
): (exchange: Exchange) => Asked {
  if (accepts === undefined) return ({ input: sent }) => ({ input: sent, stages: [sent] });
  const steps: { readonly map: Accepts<unknown, unknown>["map"]; readonly validate: Validate; readonly to: string }[] =
    [];
  for (let step: typeof accepts | undefined = accepts; step !== undefined; step = step.next) {
    const { map, next } = step;
    const to = next === undefined ? inside : "the version that it is adapted from";
    steps.push({ map, validate: compile((next?.body as Schema | undefined) ?? input), to });
  }
  return (exchange) => {
    let made = exchange.input;
    const stages = [made];
    for (const { map, validate, to } of steps) {
      made = map(made, { caller: exchange.caller }) as Json;
      const problems = validate(made);
      if (problems.length > 0) throw made === exchange.input ? invalidInput(problems) : unfit(to, problems);
      stages.push(made);
    }
    return { input: made, stages };
  };
}

/** For the log alone (PD-5). */
function unfit(inside: string, problems: readonly Problem[]): MortiseError {
  const more = problems.length > mostNamed ? `; and ${problems.length - mostNamed} more` : "";
  const named = problems.slice(0, mostNamed).map(({ at, message }) => (at === "" ? message : `${at} ${message}`));
  return failure("mapping-unfit", { inside, problems: `${named.join("; ")}${more}` }, { details: problems });
}
const mostNamed = 5;

/** Of what came of it inside, the answer; or a fault that the contract declares. */
export type Respond = (output: unknown, asked: Asked) => unknown;

/**
 * Applies `responds` and checks what it made; a wrong answer of our own is a failure, not an answer. What the schema of the answer does
 * not name is left out (OW-3). `output`: of what is answered without `responds`. `first`: the outermost mapping has the first stage.
 */
export function responder(
  responds: Responds<unknown, unknown> | undefined,
  output: Schema,
  compile: Workshop["compile"],
  first = false,
): Respond {
  if (responds === undefined) return fieldsOf(output).drop;
  const validate = compile(responds.body);
  const fields = fieldsOf(responds.body);
  const before = responds.before === undefined ? undefined : responder(responds.before, output, compile);
  const depth = depthOf(responds);
  return (given, asked) => {
    const inner = before === undefined ? given : before(given, asked);
    // A fault of the newer version's contract has no form in the older one.
    if (inner instanceof DeclaredAnswer)
      throw new ProblemError(failure("fault-declared", { fault: inner.fault }), { members: { fault: inner.fault } });
    const { stages } = asked;
    // Counted from the inside: an older version may map one way only.
    const at = first ? 0 : Math.max(0, stages.length - 1 - depth);
    const mapped = responds.map(inner, { request: stages[at], input: stages[at + 1] ?? asked.input });
    if (mapped instanceof DeclaredAnswer) return mapped;
    const made = fields.drop(mapped);
    const problems = validate(made);
    if (problems.length > 0) {
      const [wrong] = problems;
      throw new Error(`responds made an answer that does not fit its schema: ${wrong?.at} ${wrong?.message}`);
    }
    return made;
  };
}

/** How many mappings there are from here to the inside. */
function depthOf(responds: Responds<unknown, unknown>): number {
  return responds.before === undefined ? 1 : 1 + depthOf(responds.before);
}
