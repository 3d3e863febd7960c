/** Where values are handed on: arguments, results, members of literals, assignments. */
import type { Compiler, Node } from "./compiler.ts";
import type { Parts } from "./members.ts";

/** Values that this node hands on. */
export function transfers(
  node: Node & Parts,
  k: Compiler["kinds"],
): readonly { readonly value: Node; readonly why: string }[] {
  const of = (value: Node | undefined, why: string) => (value === undefined ? [] : [{ value, why }]);
  switch (node.kind) {
    case k.CallExpression:
    case k.NewExpression: {
      const called = (node.expression as Node & Parts).name ?? node.expression;
      const name = (called as Parts).text;
      return ((node.arguments ?? []) as readonly Node[]).map((value) => ({
        value,
        why: name === undefined ? "is handed to a function" : `is handed to ${name}`,
      }));
    }
    case k.ReturnStatement:
    case k.ThrowStatement:
      return of(node.expression, "is returned as something else");
    case k.ArrowFunction:
      return (node.body as Node).kind === k.Block ? [] : of(node.body as Node, "is returned as something else");
    case k.VariableDeclaration:
    case k.PropertyDeclaration:
    case k.Parameter:
      return node.type === undefined ? [] : of(node.initializer, "is kept as something else");
    case k.PropertyAssignment:
      return of(node.initializer, `is given as ${(node.name as Parts).text ?? "a property"}`);
    case k.ShorthandPropertyAssignment:
      return of(node.name as Node, `is given as ${(node.name as Parts).text ?? "a property"}`);
    case k.ArrayLiteralExpression:
      return ((node.elements ?? []) as readonly Node[]).map((value) => ({ value, why: "is put into a list" }));
    case k.AsExpression:
    case k.TypeAssertionExpression:
      return of(node.expression, "is taken for something else");
    case k.BinaryExpression:
      return node.operatorToken?.kind === k.EqualsToken ? of(node.right, "is assigned") : [];
    default:
      return [];
  }
}
