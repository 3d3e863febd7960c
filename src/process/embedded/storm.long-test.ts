/** Rows 25 and 26 of the fault table, with many runs. */
import { test } from "node:test";
import { backlogAtRestart, timersInOneMoment } from "./storm.ts";

test("row 25: ten thousand timers in one moment", async () => {
  await timersInOneMoment(10_000, 1000);
});

test("row 26: a backlog of a hundred thousand runs at a restart", async () => {
  await backlogAtRestart(100_000, 1000);
});
