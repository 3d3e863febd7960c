/** Rows 25 and 26 of the fault table, with few runs; storm.long-test.ts has the many. */
import { test } from "node:test";
import { backlogAtRestart, timersInOneMoment } from "./storm.ts";

test("row 25: a thousand timers that become due in one moment, after an outage: each run goes on, and calls once", async () => {
  await timersInOneMoment(1000, 100);
});

test("row 26: runs that were accepted and not begun at the end all end after the restart, beside new ones", async () => {
  await backlogAtRestart(2000, 100);
});
