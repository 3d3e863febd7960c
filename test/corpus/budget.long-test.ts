/** The largest OpenAPI contract (200 operations, 1.3 MB) as its users compile it: within a budget of type instantiations. The quick one is in src/contract/write/typescript.test.ts. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { runTasks } from "./children.ts";
import { installDeclarations, strictOptions, tsc } from "./compile.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
mkdirSync(join(root, ".mortise"), { recursive: true });
const project = mkdtempSync(join(root, ".mortise", "budget-"));
after(() => rmSync(project, { recursive: true, force: true }));

test("the largest contract type-checks with every strict option, within 2,000 type instantiations per operation", async () => {
  const packed = readFileSync(join(root, "src/contract/read/fixtures/large/square.yaml.gz"));
  writeFileSync(join(project, "square.yaml"), gunzipSync(packed));
  const task = { folder: project, file: "square.yaml", out: join(project, "square") };
  const [[done]] = await Promise.all([
    runTasks([task], { jobs: 1, seconds: 120, memoryMb: 2048 }),
    installDeclarations(project),
  ]);
  assert.deepEqual([done!.read, done!.generated, done!.operations, done!.reason], [true, true, 200, undefined]);
  const cost = async (include: readonly string[]): Promise<number> => {
    writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions: strictOptions, include }));
    const { output } = await tsc(["-p", project, "--extendedDiagnostics", "--pretty", "false"], project, 300);
    assert.doesNotMatch(output, /error TS/);
    return Number(/^Instantiations:\s+(\d+)/m.exec(output)?.[1]);
  };
  // What the package's own declarations cost is no part of the contract's.
  writeFileSync(join(project, "none.ts"), 'import { rest } from "mortise";\nexport const none = rest;\n');
  const spent = (await cost(["square/*.ts"])) - (await cost(["none.ts"]));
  assert.ok(spent > 0 && spent < 200 * 2000, `${spent} instantiations for 200 operations`);
});
