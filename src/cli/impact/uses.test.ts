import assert from "node:assert/strict";
import { test } from "node:test";
import { openCompiler } from "./compiler.ts";
import { testShop } from "./test-shop.ts";
import { usesOf } from "./uses.ts";

const head = `import { defineProcess, t, type InputOf, type OutputOf } from "mortise";
import { shop } from "../systems/shop/index.ts";
const given = { input: t.object({ id: t.string() }), output: t.object({}), key: (input: { id: string }) => input.id };
`;
/** A process of its own file, so that each way of using a field stands alone. `body`: what runs with `order`. */
const process = (name: string, body: string, more = ""): Record<string, string> => ({
  [`processes/${name}.ts`]: `${head}${more}
export const ${name} = defineProcess({ ...given, name: "${name}", async run(flow, input) {
${body}
  return {};
} });
`,
});
const order = `const order = await flow.call(shop.getOrder, { id: input.id });`;

test("a field is used where a value of the contract's type is asked for it, whatever it is called by then", async (t) => {
  const { folder } = await testShop(t, {
    ...process("plain", `  ${order}\n  flow.log(order.status);`),
    ...process(
      "destructured",
      `  const { total, customer: { name: who } } = await flow.call(shop.getOrder, { id: input.id });\n  flow.log(total ?? who);`,
    ),
    ...process("literal", `  ${order}\n  flow.log(order["id"]);`),
    ...process(
      "helper",
      `  ${order}\n  flow.log(weigh(order.lines));`,
      `type Lines = OutputOf<typeof shop.getOrder>["lines"];\nconst weigh = (lines: Lines) => lines.map(({ quantity }) => quantity).join();`,
    ),
    ...process(
      "narrower",
      `  ${order}\n  flow.log(email(order.customer));`,
      `const email = (whom: { readonly email: string }) => whom.email;`,
    ),
    ...process(
      "spread",
      `  const copy = { ...(await flow.call(shop.placeOrder, { id: input.id, lines: [{ sku: "a", quantity: 1, price: "2" }] })), mine: 1 };\n  flow.log(copy.lines[0]?.sku ?? "");`,
    ),
    ...process(
      "fault",
      `  const placed = await flow.attempt(shop.placeOrder, { id: input.id, lines: [] });\n  if (!placed.ok) flow.log((placed.fault.detail as { by: string }).by);`,
    ),
    ...process(
      "together",
      `  const [one, two] = await flow.all([flow.call(shop.getOrder, { id: input.id }), flow.call(shop.getStock, { sku: "a" })]);\n  flow.log(one.id, { free: two.free });`,
    ),
    ...process(
      "waits",
      `  const paid = await flow.receive(shop.orderPaid, { key: input.id });\n  flow.log(paid.amount);`,
    ),
    ...process(
      "undo",
      `  await flow.call(shop.placeOrder, { id: input.id, lines: [] }, { undo: { call: shop.cancelOrder, with: ({ output }) => (output === undefined ? { id: input.id } : { id: output.id }) } });`,
    ),
  });
  const used = await asked(folder);
  assert.deepEqual(used("getOrder", "output", "status"), ["plain.ts:7 reads"]);
  assert.deepEqual(used("getOrder", "output", "total"), ["destructured.ts:6 reads"]);
  assert.deepEqual(used("getOrder", "output", "customer", "name"), [
    "destructured.ts:6 reads",
    "index.ts:7 reads",
    "index.ts:7 writes",
  ]);
  assert.ok(used("getOrder", "output", "id").includes("literal.ts:7 reads"));
  assert.deepEqual(used("getOrder", "output", "lines", "*", "quantity"), ["helper.ts:5 reads", "spread.ts:6 writes"]);
  assert.ok(used("getOrder", "output", "customer", "email").some((one) => /^narrower.ts:7 reads/.test(one)));
  assert.deepEqual(used("placeOrder", "input", "lines", "*", "price"), ["spread.ts:6 writes"]);
  assert.ok(used("placeOrder", "output", "lines", "*", "sku").includes("spread.ts:7 reads"));
  assert.ok(
    used("placeOrder", "faults", "conflict", "by").some((one) => /^fault.ts:7 /.test(one)),
    String(used("placeOrder", "faults", "conflict", "by")),
  );
  assert.deepEqual(used("orderPaid", "payload", "amount"), ["waits.ts:7 reads"]);
  assert.deepEqual(used("cancelOrder"), ["undo.ts:6 calls"]);
  assert.deepEqual(used("cancelOrder", "input", "id"), ["undo.ts:6 writes"]);
  // Nobody asks for these.
  for (const name of ["note", "__proto__"]) assert.deepEqual(used("placeOrder", "input", name), [], name);
  for (const name of ["constructor", "__proto__"]) assert.deepEqual(used("getOrder", "output", name), [], name);
  assert.deepEqual(used("placeOrder", "faults", "conflict", "since"), []);
  assert.deepEqual([used("ping"), used("ping", "output", "at")], [[], []]);
  // Side by side with an order, and no part of it.
  assert.deepEqual(used("getStock", "output", "free"), ["together.ts:7 reads"]);
  for (const name of ["sku", "shelf"]) assert.deepEqual(used("getStock", "output", name), [], name);
});

test("a value that goes where it can't be followed is used as a whole, and it is said where", async (t) => {
  const ways: Readonly<Record<string, readonly [body: string, more?: string]>> = {
    text: ["const text = JSON.stringify(pong);"],
    unknown: ["flow.log('x', { pong });"],
    any: ["const loose: any = pong;"],
    cast: ["const other = pong as unknown as { at: number };"],
    computed: ["const value = pong[input.id as 'at'];"],
    thrown: ["throw pong;"],
    listed: ["const all: unknown[] = [pong];"],
    generic: ["read(pong);", "const read = <T extends { at: string }>(value: T): string => value.at;"],
    wrapped: ["flow.log('x', wrap(pong));", "const wrap = (value: { readonly at: string }) => ({ value });"],
    rest: ["const { at, ...rest } = pong;\n  flow.log(at, { rest });"],
    taken: ["let at: string;\n  ({ at } = pong);\n  flow.log(at);"],
    keys: ["flow.log(Object.keys(pong).join());"],
    callback: [
      "flow.log([pong].map(read).join());",
      "const read = <T extends { at: string }>(value: T): string => value.at;",
    ],
    box: [
      "flow.log(new Box(pong).at());",
      "class Box<T extends { at: string }> { value: T; constructor(value: T) { this.value = value; } at() { return this.value.at; } }",
    ],
    kept: ["void flow.reject('no', pong);"],
  };
  const { folder } = await testShop(t, {
    ...Object.assign(
      {},
      ...Object.entries(ways).map(([name, [body, more]]) =>
        process(name, `  const pong = await flow.call(shop.ping, {});\n  ${body}`, more),
      ),
    ),
    "processes/gives.ts": `${head}export const gives = defineProcess({ name: "gives", input: given.input, key: given.key,
  run: async (flow) => flow.call(shop.ping, {}) });\n`,
    "processes/takes.ts": `${head}export const takes = defineProcess({ name: "takes", input: shop.schemas.Paid, key: (paid) => paid.order,
  run: async () => ({}) });\n`,
    "processes/hands.ts": `${head}const ask = (operation: typeof shop.getStock) => operation.name;
export const hands = defineProcess({ ...given, name: "hands", run: async (flow) => { flow.log(ask(shop.getStock)); return {}; } });\n`,
    "apis/orders.v1.ts": `import { defineApi, get, published } from "mortise";
import { shop } from "../systems/shop/index.ts";
export default defineApi({ name: "orders", version: "1.0.0", base: "/orders/v1", lifecycle: published(), access: [],
  operations: { getOrder: get("/orders/{id}", { access: "public", calls: shop.getOrder }) } });\n`,
  });
  const used = await asked(folder);
  const whole = used("ping", "output", "node");
  for (const name of [...Object.keys(ways), "gives"])
    assert.ok(
      whole.some((one) => one.startsWith(`${name}.ts:`) && one.endsWith("whole")),
      `${name}: ${whole.join(", ")}`,
    );
  assert.ok(used("getOrder", "output", "customer", "email").some((one) => /^orders.v1.ts:4 whole/.test(one)));
  assert.ok(used("getStock", "output", "shelf").some((one) => /^hands.ts:5 whole/.test(one)));
  assert.ok(used("orderPaid", "payload", "amount").some((one) => /^takes.ts:4 whole/.test(one)));
});

test("what a system gave and gets again, and what a function elsewhere answers, is used as a whole", async (t) => {
  const { folder } = await testShop(t, {
    // The very lines of an order go into a new one.
    ...process("again", `  ${order}\n  await flow.call(shop.placeOrder, { id: "2", lines: order.lines });`),
    // Made by a function of the project, under the type of the contract.
    ...process(
      "made",
      `  await flow.call(shop.placeOrder, newOrder(input.id));`,
      `type New = InputOf<typeof shop.placeOrder>;\nconst newOrder = (id: string): New => ({ id, note: "made" , lines: [] });`,
    ),
    ...process(
      "elsewhere",
      `  await flow.call(shop.getStock, { sku: "a" }, { undo: { call: shop.cancelOrder, with: back } });`,
      `const back = ({ key }: { readonly key: string }) => ({ id: key });`,
    ),
    "processes/paid.ts": `import { defineProcess, t } from "mortise";
import { shop } from "../systems/shop/index.ts";
export const paid = defineProcess({ name: "paid", on: shop.orderPaid, input: t.object({ order: t.string(), amount: t.string() }), output: t.object({}),
  key: (input) => input.order, run: async () => ({}) });\n`,
    ...process("asks", `  const pong = await flow.call(shop.ping, {});\n  if ("node" in pong) flow.log("there");`),
  });
  const used = await asked(folder);
  assert.deepEqual(used("placeOrder", "input", "lines", "*", "price"), ["again.ts:7 whole"]);
  assert.deepEqual(used("placeOrder", "input", "note"), ["made.ts:5 writes"]);
  assert.deepEqual(used("cancelOrder", "input", "id"), ["elsewhere.ts:6 whole"]);
  assert.ok(used("orderPaid", "payload", "amount").includes("paid.ts:3 whole"));
  assert.deepEqual(used("ping", "output", "node"), ["asks.ts:7 reads"]);
  assert.deepEqual(used("ping", "output", "at"), []);
});

/** `used("getOrder", "output", "status")`: the marks there, and on what holds it as a whole. */
async function asked(folder: string) {
  const compiler = await openCompiler(folder);
  if ("reason" in compiler) throw new Error(compiler.reason);
  const { contracts } = usesOf(compiler);
  compiler.close();
  const { book, marks } = contracts.get("shop")!;
  const wholes = marks.places("whole").map((place) => [place, book.below(place)] as const);
  return (member: string, part?: string, ...path: string[]): string[] => {
    const event = book.member("events", member);
    const own = book.member("operations", member) ?? event;
    assert.ok(own !== undefined, member);
    const [first, ...rest] = path;
    const steps = part === "faults" ? rest : path;
    const from = event?.type ?? book.part(member, part === "faults" ? ["faults", first!] : [part ?? ""]);
    const target = book.follow(from, steps);
    const place = part === undefined ? own.property : target.properties.at(-1);
    if (part !== undefined) assert.ok(target.known && place !== undefined, `${member} ${part} ${path.join(".")}`);
    const around = wholes
      .filter(([, below]) => part !== undefined && below.has(place!))
      .flatMap(([at]) => marks.of(at, "whole"));
    const uses = [...marks.of(place!).filter(({ how }) => part === undefined || how !== "whole"), ...around];
    return [...new Set(uses.map(({ file, line, how }) => `${file.split("/").at(-1)}:${line} ${how}`))].sort();
  };
}
