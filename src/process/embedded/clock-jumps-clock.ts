/**
 * Test seam, loaded before everything in each thread: the clock is what the machine says and the milliseconds in the file of
 * MORTISE_TEST_CLOCK, since each thread has a `Date` of its own.
 */
import { readFileSync } from "node:fs";

const machine = Date.now;
Date.now = () => machine() + Number(readFileSync(process.env.MORTISE_TEST_CLOCK as string, "utf8"));
