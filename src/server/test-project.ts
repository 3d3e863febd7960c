/** For tests of this room: a project folder under the system's temporary folder. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Contract, ContractTypes } from "../contract/contract.ts";
import type { ContractModel } from "../contract/model.ts";

export interface TestProject {
  readonly folder: string;
  write(files: Readonly<Record<string, string>>): void;
  remove(): void;
}

/** A folder with `files` (path to text). */
export function testProject(files: Readonly<Record<string, string>>): TestProject {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "mortise-server-")));
  const write = (given: Readonly<Record<string, string>>) => {
    for (const [path, text] of Object.entries(given)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
  };
  write(files);
  return { folder, write, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** A small contract as `contract.json`, with one operation and one webhook event. */
export function testContract(name: string): string {
  return JSON.stringify({
    format: 1,
    name,
    source: { language: "openapi", languageVersion: "3.1.0", files: [] },
    servers: [],
    schemas: {},
    operations: {
      book: {
        name: "book",
        effect: "idempotent",
        key: { in: "header", name: "Idempotency-Key" },
        input: {
          type: "object",
          properties: { sku: { type: "string" } },
          required: ["sku"],
          additionalProperties: false,
        },
        output: { type: "object", properties: { id: { type: "string" } }, required: ["id"] },
        faults: {},
        binding: {
          protocol: "rest",
          method: "POST",
          path: "/bookings",
          parameters: [],
          body: { mediaType: "application/json", required: true, from: { kind: "spread" } },
          success: [{ status: "201", mediaType: "application/json" }],
          faults: [],
        },
      },
    },
    events: {
      paid: {
        name: "paid",
        payload: {
          type: "object",
          properties: { type: { const: "paid" }, order: { type: "string" } },
          required: ["type", "order"],
        },
        correlation: "/order",
        binding: { protocol: "webhook", mediaType: "application/json" },
      },
    },
  });
}

/** `contract.ts` beside `testContract`, as the generator would write it. */
export const testContractTs = `import { pinnedContract } from "mortise";
interface Types {
  operations: { book: { input: { sku: string }; output: { id: string }; faults: {} } };
  events: { paid: { type: "paid"; order: string } };
  schemas: {};
}
export const contract = pinnedContract<Types>(import.meta.url);
`;

/** The same contract as an object. */
export function contractOf(name: string): Contract<ContractTypes> {
  return { kind: "contract", model: JSON.parse(testContract(name)) as ContractModel };
}
