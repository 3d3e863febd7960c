import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import test from "node:test";
import { apiRoutes } from "./apis.ts";
import { catalogueRoutes } from "./catalogue.ts";
import { consumerRoutes } from "./consumers.ts";
import { contractRoutes } from "./contracts.ts";
import { moveRoutes } from "./moves.ts";
import { reloadRoutes } from "./reload.ts";
import { runRoutes, stateRoutes } from "./resources.ts";
import type { AdminRoute } from "./route.ts";
import { scheduleRoutes } from "./schedules.ts";
import { secretRoutes } from "./secrets.ts";
import { startRoutes } from "./starts.ts";
import { storeRoutes } from "./store.ts";
import { versionRoutes } from "./versions.ts";

const page = new URL("../../../docs/reference/admin-api.md", import.meta.url);

test("the reference page names every address, its role and what it takes", () => {
  // Routes are data: nothing here is called.
  const routes: readonly AdminRoute[] = [
    ...runRoutes({} as Parameters<typeof runRoutes>[0]),
    ...startRoutes({} as Parameters<typeof startRoutes>[0]),
    ...scheduleRoutes({} as Parameters<typeof scheduleRoutes>[0]),
    ...contractRoutes({} as Parameters<typeof contractRoutes>[0]),
    ...apiRoutes({} as Parameters<typeof apiRoutes>[0]),
    ...consumerRoutes({} as Parameters<typeof consumerRoutes>[0]),
    ...catalogueRoutes({} as Parameters<typeof catalogueRoutes>[0]),
    ...reloadRoutes({} as Parameters<typeof reloadRoutes>[0]),
    ...secretRoutes({} as Parameters<typeof secretRoutes>[0]),
    ...storeRoutes({} as Parameters<typeof storeRoutes>[0]),
    ...moveRoutes({} as Parameters<typeof moveRoutes>[0]),
    ...versionRoutes({} as Parameters<typeof versionRoutes>[0]),
    ...stateRoutes({} as Parameters<typeof stateRoutes>[0]),
  ];
  const lines = ["| address | role | what it does | takes |", "|---|---|---|---|"];
  for (const { method, path, role, summary, query, body } of routes) {
    const taken = [
      ...Object.keys(query ?? {}).map((name) => `\`?${name}\``),
      ...Object.keys(body?.properties ?? {}).map(
        (name) => `\`${name}\`${body?.required.includes(name) === true ? "" : " (optional)"}`,
      ),
    ];
    lines.push(`| \`${method} ${path}\` | ${role} | ${summary} | ${taken.join(", ")} |`);
  }
  const expected = `${lines.join("\n")}\n`;
  const [above = "", table = ""] = readFileSync(page, "utf8").split("<!-- addresses -->\n");
  if (process.env.UPDATE_DOCS === "1") writeFileSync(page, `${above}<!-- addresses -->\n${expected}`);
  else assert.equal(table, expected, "run this test with UPDATE_DOCS=1");
});
