import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { parseSync } from "oxc-parser";
import { MortiseError } from "../../errors.ts";
import { env, secret } from "../../operation.ts";
import { configOptions, configProblems, defineConfig, resolveConfig } from "./config.ts";

const page = new URL("../../../docs/reference/configuration.md", import.meta.url);
const source = new URL("./config.ts", import.meta.url);

test("every option has a default", () => {
  const config = resolveConfig(defineConfig(), {});
  assert.equal(config.api.host, "127.0.0.1");
  assert.equal(config.api.port, 8080);
  assert.equal(config.store, ".mortise");
  assert.equal(config.idempotency.retention, 86_400_000);
});

test("a wrong option is named with its place and what is allowed, all of them at once", () => {
  // What a project without a type check could hold.
  const given = JSON.parse('{"api":{"port":70000,"hsot":"x"},"log":{"level":"loud"},"shutdown":{"grace":"soon"}}');
  assert.throws(
    () => resolveConfig(defineConfig(given), {}),
    (error: MortiseError) => {
      assert.ok(error instanceof MortiseError);
      assert.equal(error.code, "config-invalid");
      assert.match(error.message, /api\.port must be a whole number from 0 to 65535/);
      assert.match(error.message, /api\.hsot is no option; there are: host, port/);
      assert.match(error.message, /log\.level must be one of trace, debug/);
      assert.match(error.message, /shutdown\.grace must be a duration, such as "20s"/);
      return true;
    },
  );
});

test("a reference is read at start, and counts as valid where there is no environment", () => {
  const definition = defineConfig({ api: { port: env("PORT") }, store: env("STORE", "data") });
  assert.deepEqual(configProblems(definition), []);
  assert.equal(resolveConfig(definition, { PORT: "9000" }).api.port, 9000);
  assert.equal(resolveConfig(definition, { PORT: "9000" }).store, "data");
  assert.throws(() => resolveConfig(definition, {}), /api\.port needs the environment variable PORT/);
  assert.throws(
    () => resolveConfig(definition, { PORT: "http" }),
    /api\.port must be a whole number from 0 to 65535; the environment variable PORT says otherwise\. Mend mortise\.config\.ts or the variable;/,
  );
  assert.match(configProblems(defineConfig({ store: secret("x") }))[0]?.message ?? "", /can't be a secret/);
});

test("a key is a reference, which only the server resolves", () => {
  const given = defineConfig({ encryption: { key: secret("STORE_KEY") } });
  assert.deepEqual(configProblems(given), []);
  assert.deepEqual(resolveConfig(given, {}).encryption.key, secret("STORE_KEY"));
  const plain = JSON.parse('{"encryption":{"key":"c2VjcmV0"}}') as Parameters<typeof defineConfig>[0];
  assert.match(configProblems(defineConfig(plain))[0]?.message ?? "", /must be a reference such as secret/);
});

test("the admin API listens on loopback only", () => {
  const definition = defineConfig({ admin: { host: env("ADMIN_HOST") } });
  assert.throws(() => resolveConfig(definition, { ADMIN_HOST: "0.0.0.0" }), /admin\.host must be one of 127\.0\.0\.1/);
});

test("the reference page says what the code says", () => {
  const lines = ["| option | type | default | what it is |", "|---|---|---|---|"];
  for (const [place, option] of flat(configOptions, "")) {
    const type =
      option.is === "secret"
        ? "secret"
        : option.is === "text"
          ? (option.allowed?.join(", ") ?? "text")
          : `${option.is === "integer" ? "whole number" : "duration"}, ${option.least} to ${option.most}`;
    lines.push(
      `| \`${place}\` | ${type} | ${option.is === "secret" ? "none" : `\`${JSON.stringify(option.default)}\``} | ${docs().get(place)} |`,
    );
  }
  const expected = `${lines.join("\n")}\n`;
  const text = readFileSync(page, "utf8");
  // The other settings, those of systems, come after it.
  const [, table] = text.split(/<!-- options -->\n|\n## /);
  assert.equal(table, expected, `write this table into ${page.pathname}:\n${expected}`);
});

interface Declared {
  readonly is: "secret" | "text" | "integer" | "duration";
  readonly default: string | number;
  readonly allowed?: readonly string[];
  readonly least?: string | number;
  readonly most?: string | number;
}

function* flat(tree: object, at: string): Generator<[string, Declared]> {
  for (const [name, entry] of Object.entries(tree)) {
    const place = at === "" ? name : `${at}.${name}`;
    if (typeof (entry as { is?: unknown }).is === "string") yield [place, entry as Declared];
    else yield* flat(entry as object, place);
  }
}

/** The docstring of each option, from the interfaces that a user's editor shows. */
function docs(): ReadonlyMap<string, string> {
  const text = readFileSync(source, "utf8");
  const { program, comments } = parseSync("config.ts", text);
  const found = new Map<string, string>();
  const interfaces = new Map<string, readonly { name: string; type: string | undefined; doc: string }[]>();
  for (const statement of program.body) {
    const node = statement.type === "ExportNamedDeclaration" ? statement.declaration : undefined;
    if (node?.type !== "TSInterfaceDeclaration") continue;
    const members = node.body.body.flatMap((member) => {
      if (member.type !== "TSPropertySignature" || member.key.type !== "Identifier") return [];
      const comment = comments.filter((one) => one.end <= member.start).at(-1);
      const type = member.typeAnnotation?.typeAnnotation;
      const reference =
        type?.type === "TSTypeReference" && type.typeName.type === "Identifier" ? type.typeName.name : undefined;
      return [
        { name: member.key.name, type: reference, doc: comment?.value.replace(/^\*|\s*\n\s*\* ?/g, " ").trim() ?? "" },
      ];
    });
    interfaces.set(node.id.name, members);
  }
  for (const member of interfaces.get("ConfigOptions") ?? []) {
    found.set(member.name, member.doc);
    for (const inner of interfaces.get(member.type ?? "") ?? []) found.set(`${member.name}.${inner.name}`, inner.doc);
  }
  return found;
}
