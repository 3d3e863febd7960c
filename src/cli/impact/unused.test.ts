/** The judge of the judge: what is said to be unused is taken out of the types, and the compiler is asked whether anybody misses it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { type Compiler, compileErrors, type Node, openCompiler } from "./compiler.ts";
import type { ContractBook } from "./contract-book.ts";
import { usesOf } from "./uses.ts";

const folder = fileURLToPath(new URL("../../../examples/harbour-supply", import.meta.url));

test("all that Harbour Supply is said not to use can be taken out of its contracts' types, and it compiles", async () => {
  const compiler = await open();
  const { contracts, files } = usesOf(compiler);
  const overlay: Record<string, string> = {};
  let [unused, used] = [0, 0];
  for (const { book, marks } of contracts.values()) {
    const whole = new Set(marks.places("whole").flatMap((place) => [...book.below(place)]));
    const gone: Node[] = [];
    for (const property of propertiesOf(compiler, book))
      if (marks.of(property.pos).length > 0 || whole.has(property.pos)) used++;
      else gone.push(property);
    unused += gone.length;
    let { text } = book.source;
    for (const { pos, end } of gone.toSorted((a, b) => b.pos - a.pos)) text = text.slice(0, pos) + text.slice(end);
    overlay[book.file] = text;
  }
  compiler.close();
  assert.ok(unused > 30 && used > 30, `${unused} unused, ${used} used`);
  const without = await open(overlay);
  // Tests and simulators are not what the project runs.
  const errors = compileErrors(without).filter(({ file }) => file !== undefined && files.has(file));
  without.close();
  assert.deepEqual(errors, []);
});

async function open(overlay: Readonly<Record<string, string>> = {}): Promise<Compiler> {
  const compiler = await openCompiler(folder, overlay);
  if ("reason" in compiler) throw new Error(compiler.reason);
  return compiler;
}

/** The properties of the types, without the lists of operations, events and schemas that end the file. */
function propertiesOf({ kinds }: Compiler, { source }: ContractBook): readonly Node[] {
  const found: Node[] = [];
  const types = source.statements.filter(
    ({ kind }) => kind === kinds.InterfaceDeclaration || kind === kinds.TypeAliasDeclaration,
  );
  const visit = (node: Node): void => {
    if (node.kind === kinds.PropertySignature) found.push(node);
    // What lies in a property goes with it.
    else node.forEachChild(visit);
  };
  for (const type of types.slice(0, -1)) visit(type);
  return found;
}
