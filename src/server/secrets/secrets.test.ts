import assert from "node:assert/strict";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import type { SystemDefinition } from "../../connectors/system.ts";
import { createRedactor } from "../../observe/redact.ts";
import { env, secret } from "../../operation.ts";
import { testProject } from "../test-project.ts";
import { createResolver, resolveSystems } from "./secrets.ts";

test("a secret comes from its file, else from the environment, and is scrubbed from then on", (t) => {
  const project = testProject({ "secrets/token": "s3cret/token\n" });
  t.after(project.remove);
  const folder = join(project.folder, "secrets");
  chmodSync(join(folder, "token"), 0o600);
  const redactor = createRedactor();
  const resolver = createResolver({ folder, environment: { other: "from-environment", USER: "anna" }, redactor });
  assert.equal(resolver.value(secret("token"), "a"), "s3cret/token");
  assert.equal(resolver.value(secret("other"), "b"), "from-environment");
  assert.equal(resolver.value(env("USER"), "c"), "anna");
  resolver.finish();
  assert.equal(redactor.scrub("x s3cret/token s3cret%2Ftoken y anna"), "x [secret] [secret] y anna");
  assert.equal(redactor.scrub(Buffer.from("from-environment").toString("base64")), "[secret]");
});

test("everything that is missing is named at once, with its place", (t) => {
  const project = testProject({});
  t.after(project.remove);
  const redactor = createRedactor();
  const resolver = createResolver({ folder: project.folder, environment: {}, redactor });
  const system = {
    name: "erp",
    settings: {
      connection: env("ERP_URL"),
      credentials: { kind: "basic", user: "u", password: secret("erp-password") },
      webhookSecret: secret("../../etc/passwd"),
    },
  } as unknown as SystemDefinition;
  resolveSystems([system], resolver, redactor);
  assert.throws(
    () => resolver.finish(),
    /variable ERP_URL \(systems\/erp: connection\), secret erp-password \(systems\/erp: credentials\.password\), secret \.\.\/\.\.\/etc\/passwd/,
  );
});

test("a secret file that others can read is refused", { skip: process.platform === "win32" }, (t) => {
  const project = testProject({ token: "value" });
  t.after(project.remove);
  chmodSync(join(project.folder, "token"), 0o640);
  const resolver = createResolver({ folder: project.folder, environment: {}, redactor: createRedactor() });
  assert.equal(resolver.value(secret("token"), "x"), "", "it is not used");
  const file = join(project.folder, "token");
  assert.throws(() => resolver.finish(), { code: "secret-open", message: new RegExp(`Run: chmod 600 ${file}$`) });
});

test("what is wrong with the values is said at once, whatever it is: open files, what is missing, and what is refused", {
  skip: process.platform === "win32",
}, (t) => {
  const project = testProject({ open: "canary-1", lines: "canary-2\nmore" });
  t.after(project.remove);
  chmodSync(join(project.folder, "open"), 0o644);
  chmodSync(join(project.folder, "lines"), 0o600);
  const redactor = createRedactor();
  const resolved = (settings: object) => {
    const resolver = createResolver({ folder: project.folder, environment: {}, redactor });
    const system = { name: "erp", connector: "rest", settings, contract: {} } as unknown as SystemDefinition;
    resolveSystems([system], resolver, redactor);
    return resolver;
  };
  const file = join(project.folder, "open");
  const credentials = (password: string) => ({ kind: "basic", user: secret("open"), password: secret(password) });
  const settings = { connection: "erp.example", credentials: credentials("missing"), webhookSecret: secret("lines") };
  assert.throws(
    () => resolved(settings).finish(),
    ({ message, code }: Error & { readonly code: string }) => {
      assert.equal(code, "secrets-missing");
      assert.ok(
        message.startsWith(
          `Others can read ${file}: run chmod 600 ${file}. Besides, systems/erp: connection must be a URL that begins with http:// or https://. ` +
            "Besides, secret lines (systems/erp: webhookSecret) holds a line break or another control character: write it as one line. " +
            "These values are missing: secret missing (systems/erp: credentials.password). To give them, write the secret as a file",
        ),
        message,
      );
      assert.doesNotMatch(message, /canary/);
      return true;
    },
  );
  assert.throws(() => resolved({ connection: "erp.example", credentials: credentials("open") }).finish(), {
    code: "server-failed",
    message: `The server could not start: systems/erp: connection must be a URL that begins with http:// or https://; others can read ${file}: run chmod 600 ${file}.`,
  });
});

test("a secret that is short or an ordinary word is told of by its place, and not by its value", (t) => {
  const project = testProject({ word: "info", pin: "7261", short: "a", good: "correct-horse", also: "Zm9vYmFyYmF6" });
  t.after(project.remove);
  for (const name of ["word", "pin", "short", "good", "also"]) chmodSync(join(project.folder, name), 0o600);
  const resolver = createResolver({ folder: project.folder, environment: {}, redactor: createRedactor() });
  for (const name of ["word", "pin", "short", "good", "also"]) resolver.hidden(secret(name), "here");
  resolver.hidden("plainword", "there");
  resolver.finish();
  assert.deepEqual(resolver.plain(), ["secret word (here)", "secret pin (here)", "secret short (here)", "there"]);
});

test("an empty secret counts as missing; one of several lines is refused without being shown", (t) => {
  const project = testProject({ empty: "\n", lines: "canary\r\nX-Evil: 1\n" });
  t.after(project.remove);
  for (const name of ["empty", "lines"]) chmodSync(join(project.folder, name), 0o600);
  const resolver = createResolver({ folder: project.folder, environment: {}, redactor: createRedactor() });
  resolver.value(secret("empty"), "here");
  assert.throws(() => resolver.finish(), { code: "secrets-missing", message: /secret empty \(here\)/ });
  const other = createResolver({ folder: project.folder, environment: {}, redactor: createRedactor() });
  assert.equal(other.value(secret("lines"), "there"), "", "it is not used");
  assert.throws(
    () => other.finish(),
    (error: Error) => /secret lines \(there\) holds a line break/.test(error.message) && !/canary/.test(error.message),
  );
});

test("a password in an address whose % begins no escape is refused with what to do, and is not repeated", () => {
  const redactor = createRedactor();
  const settings = { connection: "http://user:canary%zz@erp.example" };
  const system = { name: "erp", connector: "rest", settings, contract: {} } as unknown as SystemDefinition;
  const resolver = createResolver({ folder: "/none", environment: {}, redactor });
  assert.throws(
    () => {
      resolveSystems([system], resolver, redactor);
      resolver.finish();
    },
    (error: Error) => /systems\/erp: .*write it as %25/.test(error.message) && !/canary/.test(error.message),
  );
  assert.ok(!redactor.scrub("of canary%zz and more").includes("canary"));
});

test("a credential that no header can carry is refused by its place, and is not repeated", () => {
  const redactor = createRedactor();
  for (const credentials of [
    { kind: "bearer", token: "canary-\u{1f600}" },
    { kind: "header", name: "X-Key", value: "canary\r\nX-Other: 1" },
  ]) {
    const settings = { connection: "http://erp.example", credentials };
    const system = { name: "erp", connector: "rest", settings, contract: {} } as unknown as SystemDefinition;
    const resolver = createResolver({ folder: "/none", environment: {}, redactor });
    assert.throws(
      () => {
        resolveSystems([system], resolver, redactor);
        resolver.finish();
      },
      (error: Error) =>
        /systems\/erp: credentials\.(token|value) holds a character/.test(error.message) &&
        !/canary/.test(error.message),
    );
  }
});

test("an address that can't be called stops the start, and is not repeated: it may hold a password", () => {
  const redactor = createRedactor();
  for (const connection of ["http://user:canary@[::bad", "file:///etc/passwd", "warehouse.db"]) {
    const system = {
      name: "erp",
      connector: "soap",
      settings: { connection },
      contract: {},
    } as unknown as SystemDefinition;
    const resolver = createResolver({ folder: "/none", environment: {}, redactor });
    assert.throws(
      () => {
        resolveSystems([system], resolver, redactor);
        resolver.finish();
      },
      (error: Error) =>
        /systems\/erp: connection must be a URL/.test(error.message) && !/canary|passwd/.test(error.message),
    );
  }
});

test("what is missing is said with the ways to give it that work while no server runs", {
  skip: process.platform === "win32",
}, () => {
  const resolver = createResolver({ folder: "/app/secrets", environment: {}, redactor: createRedactor() });
  for (const name of ["payments-token", "STORE_KEY"]) resolver.value(secret(name), "here");
  resolver.value(env("ERP_URL"), "there");
  assert.throws(() => resolver.finish(), {
    code: "secrets-missing",
    message: [
      "These values are missing: secret payments-token (here), secret STORE_KEY (here), variable ERP_URL (there).",
      "To give them, set ERP_URL in the environment, which a running server keeps as it was at its start; write each secret as a file of its name that only its owner can read:",
      `\`mkdir -p /app/secrets && printf '%s' "$VALUE" > /app/secrets/payments-token && chmod 600 /app/secrets/payments-token\`;`,
      "or set an environment variable of the same name, for STORE_KEY.",
    ].join(" "),
  });
  const dashed = createResolver({ folder: "/app/secrets", environment: {}, redactor: createRedactor() });
  dashed.value(secret("payments-token"), "here");
  assert.throws(
    () => dashed.finish(),
    ({ message }: Error) => !message.includes("environment"),
  );
});
