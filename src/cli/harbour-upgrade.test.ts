/** What docs/guide/when-a-contract-changes.md does with Harbour Supply, on a copy of it. */
import assert from "node:assert/strict";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { mortise } from "./test-terminal.ts";

const repository = fileURLToPath(new URL("../../", import.meta.url));

test("Harbour Supply takes over a new version of the ERP's WSDL: what it does not use, then what it does, by force", async (t) => {
  const home = realpathSync(mkdtempSync(join(tmpdir(), "mortise-harbour-")));
  t.after(() => rmSync(home, { recursive: true, force: true }));
  const folder = join(home, "harbour-supply");
  cpSync(join(repository, "examples/harbour-supply"), folder, {
    recursive: true,
    filter: (path) => !/[\\/](\.mortise|node_modules)$/.test(path),
  });
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(repository, join(folder, "node_modules", "mortise"));
  for (const name of ["typescript", "@types", "@typescript"])
    symlinkSync(join(repository, "node_modules", name), join(folder, "node_modules", name));
  cpSync(join(folder, "systems/erp"), join(home, "erp-2027"), { recursive: true });
  const edit = (from: RegExp, to: string) => {
    const file = join(home, "erp-2027/sales.xsd");
    const text = readFileSync(file, "utf8");
    assert.match(text, from);
    writeFileSync(file, text.replace(from, to));
  };
  const upgrade = (...more: string[]) =>
    mortise(["upgrade", "erp", "--from", "../erp-2027/erp.wsdl", ...more], { folder });

  edit(/<xs:enumeration value="cancelled"\/>/, '$&<xs:enumeration value="on-hold"/>');
  edit(/.*name="createdAt".*\n/, "");
  const unused = await upgrade("--no-types");
  assert.equal(unused.code, 0, unused.err + unused.out);
  assert.match(unused.out, /Nothing of yours uses it, so it does not block: 4/);
  assert.match(unused.out, /Take it over with: mortise upgrade erp --from \.\.\/erp-2027\/erp\.wsdl --yes/);

  edit(/customerNumber(?=" type="s:CustomerNumber")/g, "customerId");
  const used = await upgrade("--yes");
  assert.equal(used.code, 3);
  assert.match(
    used.out,
    /processes\/sales-order\.ts:14 {2}writes createSalesOrder\.input\.customerNumber {2}for order-to-cash, orders\.v1/,
  );
  assert.match(
    used.out,
    /processes\/sales-order\.ts:14 {2}error {2}type\n {2}TS2353: .*'customerNumber' does not exist/,
  );
  const { contract, types } = pinned(folder);
  assert.equal(contract.includes("customerId"), false);

  const forced = await upgrade("--yes", "--force", "--no-types");
  assert.equal(forced.code, 0, forced.err);
  assert.notEqual(pinned(folder).types, types);
  // The pin is whole.
  assert.equal((await mortise(["types", "--check"], { folder })).code, 0);
  const again = await upgrade();
  assert.match(again.out, /nothing to do/);
});

function pinned(folder: string): { readonly contract: string; readonly types: string } {
  const read = (name: string) => readFileSync(join(folder, "systems/erp", name), "utf8");
  return { contract: read("contract.json"), types: read("contract.ts") };
}
