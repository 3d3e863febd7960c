/** Against a browser: what pages of other origins may do, and the docs page as people use it. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { createServer } from "../../src/http.ts";
import { launchBrowser, noBrowser } from "./browser.ts";
import { type Installation, openInstallation } from "./installation.ts";

const skip = noBrowser;

let browser: Browser;
let api: Installation;
let key: string;
const sites: Server[] = [];
/** Origins: one that the API allows, one that it does not. */
let shop: string;
let stranger: string;

/** An empty page at an origin of its own. */
async function site(): Promise<string> {
  const server = createServer((_, response) => {
    response.writeHead(200, { "content-type": "text/html" });
    response.end("<!doctype html><title>A page</title>");
  });
  sites.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

before(async () => {
  if (skip !== false) return;
  shop = await site();
  stranger = await site();
  api = await openInstallation({ origins: [shop] });
  key = await api.key("web-shop");
  browser = await launchBrowser();
});
after(async () => {
  await browser?.close();
  await api?.stop();
  for (const server of sites) server.close();
});

interface Opened {
  readonly page: Page;
  /** What the browser complained about. */
  readonly complaints: string[];
  /** Every request that the page made. */
  readonly asked: string[];
}

async function open(url: string, options: BrowserContextOptions = {}): Promise<Opened> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const complaints: string[] = [];
  const asked: string[] = [];
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => asked.push(`${request.method()} ${request.url()}`));
  await page.goto(url);
  return { page, complaints, asked };
}

interface Fetched {
  readonly status?: number;
  readonly body?: Record<string, unknown>;
  readonly etag?: string | null;
  readonly type?: string | null;
  readonly replayed?: string | null;
  readonly failed?: string;
}

/** `fetch` of the page itself. */
function fetched(page: Page, url: string, init: RequestInit = {}): Promise<Fetched> {
  return page.evaluate(
    async ([where, how]) => {
      try {
        const answer = await fetch(where, how as RequestInit);
        const text = await answer.text();
        const of = (name: string) => answer.headers.get(name);
        return {
          status: answer.status,
          body: text === "" ? {} : JSON.parse(text),
          ...{ etag: of("etag"), type: of("content-type"), replayed: of("idempotency-replayed") },
        };
      } catch (error) {
        return { failed: String(error) };
      }
    },
    [url, init] as const,
  );
}

const placing = (id: string): RequestInit => ({
  method: "POST",
  headers: { authorization: `Bearer ${key}`, "content-type": "application/json", "idempotency-key": `"${id}"` },
  body: JSON.stringify({ id, lines: [{ sku: "SHACKLE-8", quantity: 1 }] }),
});

test("a page of an allowed origin places an order after a preflight, reads the entity tag, and problems too (OW-8, DS-5)", {
  skip,
}, async (t) => {
  const { page, asked } = await open(shop);
  t.after(() => page.context().close());
  const id = `o-${randomUUID()}`;
  const placed = await fetched(page, `${api.url}/orders/v1/orders`, placing(id));
  assert.deepEqual([placed.status, placed.body?.number], [201, `S-${id}`]);
  const again = await fetched(page, `${api.url}/orders/v1/orders`, placing(id));
  assert.deepEqual([again.status, again.replayed], [201, "true"], "headers of ours can be read");
  const one = `${api.url}/orders/v1/orders/${id}`;
  const authorization = `Bearer ${key}`;
  const seen = await fetched(page, one, { headers: { authorization } });
  assert.equal(seen.status, 200);
  assert.match(seen.etag ?? "", /^W\/"/);
  const unchanged = await fetched(page, one, {
    headers: { authorization, "if-none-match": seen.etag ?? "" },
    cache: "no-store",
  });
  assert.equal(unchanged.status, 304);
  const problem = await fetched(page, one);
  assert.deepEqual([problem.status, problem.type], [401, "application/problem+json"]);
  assert.ok(asked.some((line) => line.startsWith("POST")));
});

test("a page of another origin is refused by the browser: it neither reads nor writes anything (OW-8)", {
  skip,
}, async (t) => {
  const { page, complaints } = await open(stranger);
  t.after(() => page.context().close());
  const before = await api.runs();
  const placed = await fetched(page, `${api.url}/orders/v1/orders`, placing(`o-${randomUUID()}`));
  assert.match(placed.failed ?? "", /TypeError/);
  assert.equal(await api.runs(), before, "its preflight was turned down, so nothing was sent");
  const read = await fetched(page, `${api.url}/orders/v1/openapi.json`);
  assert.match(read.failed ?? "", /TypeError/);
  assert.ok(complaints.some((line) => /blocked by CORS policy/.test(line)));
});

const docs = () => `${api.url}/orders/v1/docs`;

test("the docs page is tried out by hand: an order is made up, a wrong one is refused, a 404 is asked for", {
  skip,
}, async (t) => {
  const { page, complaints, asked } = await open(docs());
  t.after(() => page.context().close());
  const before = await api.runs();
  const [address = "", ...others] = (await page.locator("#start pre").innerText()).split("\n");
  assert.equal(address, `API_URL=${api.url}`, "the examples run against the address at which the page is read");
  assert.match(others.join("\n"), /^API_KEY=/);
  const place = page.locator("#placeOrder details.try");
  const answer = place.locator(".answer");
  await place.getByText("Try it", { exact: true }).click();
  await place.getByRole("button", { name: "Send to the fake" }).click();
  await answer.getByText("made up in").waitFor();
  assert.match(await answer.locator(".status").innerText(), /^201 Created/);
  const made = JSON.parse(await answer.locator("pre.body").innerText()) as { number: string };
  assert.ok(made.number.length > 0);
  await answer.getByText(/\d+ headers/).click();
  assert.match(await answer.locator("details pre").innerText(), /x-made-up: from the contract/);

  await place.getByLabel("Body").fill('{"id":"","lines":[]}');
  await place.getByRole("button", { name: "Send to the fake" }).click();
  await answer.getByText("/id").waitFor();
  assert.match(await answer.locator(".status").innerText(), /^400 /);

  const read = page.locator("#getOrder details.try");
  await read.getByText("Try it", { exact: true }).click();
  await read.getByLabel("key").fill("a b");
  await read.getByLabel("Answer").selectOption("404");
  await read.getByRole("button", { name: "Send to the fake" }).click();
  await read.locator(".answer").getByText("resource-unknown").waitFor();

  assert.equal(await api.runs(), before, "nothing was ordered");
  assert.ok(
    asked.every((line) => line.split(" ")[1]?.startsWith(`${docs()}`)),
    asked.join("\n"),
  );
  assert.ok(asked.includes(`GET ${docs()}/try/orders/a%20b`));
  assert.deepEqual(
    complaints.filter((line) => !/status of 40[04]/.test(line)),
    [],
  );
});

test("what the page is given stays text in the browser, and its policy lets no other script run", {
  skip,
}, async (t) => {
  const { page, complaints } = await open(docs());
  t.after(() => page.context().close());
  const read = page.locator("#getOrder details.try");
  await read.getByText("Try it", { exact: true }).click();
  await read.getByLabel("key").fill("<img src=x onerror=alert(1)>");
  await read.getByRole("button", { name: "Send to the fake" }).click();
  await read.locator(".answer").getByText("made up in").waitFor();
  assert.equal(await page.locator("img").count(), 0);
  const ran = await page.evaluate(`(async () => {
    const script = document.createElement("script");
    script.textContent = "globalThis.injected = true";
    document.body.append(script);
    const button = document.createElement("button");
    button.setAttribute("onclick", "globalThis.injected = true");
    document.body.append(button);
    button.click();
    const sent = await fetch("${stranger}").then(() => "sent", () => "blocked");
    return [globalThis.injected === true, sent];
  })()`);
  assert.deepEqual(ran, [false, "blocked"]);
  assert.ok(complaints.some((line) => /Content Security Policy/.test(line)));
});

test("the docs read well on a telephone and in the dark, by keyboard and without script", { skip }, async (t) => {
  for (const path of ["", "/changes"]) {
    const { page } = await open(`${docs()}${path}`, { viewport: { width: 375, height: 700 }, colorScheme: "dark" });
    t.after(() => page.context().close());
    const beyond = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
    assert.equal(beyond, 0, `no sideways scrolling at ${path}`);
    const dark = await page.evaluate("getComputedStyle(document.body).backgroundColor");
    assert.equal(dark, "rgb(18, 22, 29)");
  }
  const { page } = await open(docs());
  t.after(() => page.context().close());
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate("document.activeElement.textContent"), "To the text");
  const unnamed = await page.evaluate(
    '[...document.querySelectorAll("input, select, textarea")].filter((field) => field.labels.length !== 1).length',
  );
  assert.equal(unnamed, 0, "each field has its label");
  const plain = await open(docs(), { javaScriptEnabled: false });
  t.after(() => plain.page.context().close());
  assert.equal(await plain.page.locator("details.try:visible").count(), 0);
  assert.ok(await plain.page.locator("#placeOrder pre").first().isVisible());
});

test("Swagger UI shows the API and tries it out under the same strict policy, and asks for nothing elsewhere", {
  skip,
}, async (t) => {
  const own = await openInstallation({ swaggerUi: true });
  t.after(() => own.stop());
  const base = `${own.url}/orders/v1/docs`;
  const first = await open(base);
  t.after(() => first.page.context().close());
  await first.page.getByRole("link", { name: "Swagger UI" }).click();
  const { page, complaints, asked } = first;
  await page.getByText("the answer is made up from the contract").waitFor();
  await page.locator("#operations-default-placeOrder button.opblock-summary-control").click();
  await page.getByRole("button", { name: "Execute" }).click();
  const answer = page.locator("#operations-default-placeOrder .live-responses-table");
  await answer.getByText("x-made-up: from the contract").waitFor();
  assert.equal((await answer.locator(".response-col_status").last().innerText()).trim().slice(0, 3), "201");
  assert.equal(await own.runs(), 0);
  assert.equal(await page.getByRole("button", { name: "Authorize" }).count(), 0, "no credential is asked for");
  assert.ok(
    asked.every((line) => /^\w+ data:/.test(line) || line.split(" ")[1]?.startsWith(base)),
    asked.join("\n"),
  );
  assert.deepEqual(complaints, []);
});
