/** What is done with an operation, event or schema where the code names it. */
import type { Compiler, Node } from "./compiler.ts";

/** The parts of nodes that are looked at, by the compiler's names. */
export interface Parts {
  readonly text?: string;
  readonly name?: Node;
  readonly propertyName?: Node;
  readonly expression?: Node;
  readonly argumentExpression?: Node;
  readonly arguments?: readonly Node[];
  readonly initializer?: Node;
  readonly type?: Node;
  readonly body?: Node;
  readonly left?: Node;
  readonly right?: Node;
  readonly operatorToken?: Node;
  readonly elements?: readonly Node[];
  readonly properties?: readonly Node[];
  readonly typeParameters?: readonly Node[];
  readonly dotDotDotToken?: Node;
  readonly moduleSpecifier?: Node;
  readonly whenTrue?: Node;
  readonly whenFalse?: Node;
}

export interface Sections {
  readonly section: "operations" | "events" | "schemas";
  readonly name: string;
}

export type MemberUse =
  | { readonly how: "calls"; readonly why: string; readonly inputs?: readonly Node[] }
  | { readonly how: "whole"; readonly why: string };

type Any = Node & Parts;

/** `node`: `erp.createSalesOrder`, or `erp.schemas.SalesOrder`. */
export function memberUse(compiler: Compiler, { section }: Sections, node: Node): MemberUse {
  const { kinds: k } = compiler;
  const parent = node.parent as Any;
  if (section === "schemas") {
    const name = parent.kind === k.PropertyAssignment ? (parent.name as Any).text : undefined;
    return {
      how: "whole",
      why: name === "input" || name === "output" ? `is the schema of an ${name}` : "is the schema of a value",
    };
  }
  if (parent.kind === k.CallExpression && parent.expression !== node) {
    const called = parent.expression as Any;
    const verb = (called.name as Any | undefined)?.text ?? called.text ?? "";
    if (parent.arguments?.[0] === node && ["call", "attempt", "receive"].includes(verb))
      return { how: "calls", why: verb === "receive" ? "is waited for" : "is called" };
    if (verb === "isFault") return { how: "calls", why: "is asked for its faults" };
    return { how: "whole", why: `is handed to ${verb === "" ? "a function" : verb}` };
  }
  if (parent.kind === k.PropertyAssignment) {
    const name = (parent.name as Any).text ?? "";
    const beside = ((parent.parent as Any).properties ?? []) as readonly Any[];
    const given = beside.find((each) => (each.name as Any | undefined)?.text === "with");
    if (name === "call" && given !== undefined) {
      const inputs = answersOf(compiler, given);
      return inputs === undefined
        ? { how: "whole", why: "takes a step back, by a function that stands elsewhere" }
        : { how: "calls", why: "takes a step back", inputs };
    }
    if (name === "on" && section === "events") return { how: "whole", why: "starts runs" };
    if (name === "calls") return { how: "whole", why: "is published as it is" };
    return { how: "whole", why: `is given as ${name}` };
  }
  return { how: "whole", why: "is taken out of its system" };
}

/** The values that a function in a property may answer; `undefined`: the function stands elsewhere. */
function answersOf({ kinds: k }: Compiler, property: Any): readonly Node[] | undefined {
  const given = (property.kind === k.PropertyAssignment ? property.initializer : property) as Any;
  const { body } = given;
  if (body === undefined) return undefined;
  if (body.kind !== k.Block) return alternatives(k, body);
  const found: Node[] = [];
  const open: Node[] = [body];
  for (let node = open.pop() as Any | undefined; node !== undefined; node = open.pop() as Any | undefined) {
    if (node.kind === k.ReturnStatement && node.expression !== undefined)
      found.push(...alternatives(k, node.expression));
    if (node !== body && (node.kind === k.ArrowFunction || node.kind === k.FunctionExpression)) continue;
    node.forEachChild((child) => void open.push(child));
  }
  return found;
}

/** Both sides of a condition, without parentheses. */
function alternatives(k: Compiler["kinds"], from: Node): readonly Node[] {
  const node = from as Any;
  if (node.kind === k.ParenthesizedExpression) return alternatives(k, node.expression!);
  if (node.kind === k.ConditionalExpression)
    return [...alternatives(k, node.whenTrue!), ...alternatives(k, node.whenFalse!)];
  return [node];
}

/** `probe: { call: "findSalesOrder", with: ... }` under the name of an operation, in the file of a system. */
export function probesIn(
  compiler: Compiler,
  nodes: readonly Node[],
): readonly {
  readonly operation: string;
  readonly call: string;
  /** Absent: a function elsewhere answers them. */
  readonly inputs: readonly Node[] | undefined;
  readonly found: boolean;
  readonly node: Node;
}[] {
  const { kinds: k } = compiler;
  return (nodes as readonly Any[]).flatMap((node) => {
    if (node.kind !== k.PropertyAssignment || (node.name as Any).text !== "probe") return [];
    const { properties } = node.initializer as Any;
    const owner = (node.parent as Any).parent as Any;
    const named = (name: string) =>
      ((properties ?? []) as readonly Any[]).find((each) => (each.name as Any | undefined)?.text === name);
    const call = (named("call")?.initializer as Any | undefined)?.text;
    const operation = owner.kind === k.PropertyAssignment ? (owner.name as Any).text : undefined;
    if (call === undefined || operation === undefined) return [];
    const given = named("with");
    return [
      {
        operation,
        call,
        inputs: given === undefined ? [] : answersOf(compiler, given),
        found: named("found") !== undefined,
        node,
      },
    ];
  });
}

/** The texts of `sensitive: ["authorize.input.token"]` in the file of a system, as their names. */
export function sensitiveIn(
  { kinds: k }: Compiler,
  nodes: readonly Node[],
): readonly { readonly names: readonly string[]; readonly node: Node }[] {
  return (nodes as readonly Any[]).flatMap((node) => {
    if (node.kind !== k.PropertyAssignment || (node.name as Any).text !== "sensitive") return [];
    return (((node.initializer as Any).elements ?? []) as readonly Any[]).flatMap((element) =>
      element.kind === k.StringLiteral && element.text !== undefined
        ? [{ names: element.text.split("."), node: element }]
        : [],
    );
  });
}
