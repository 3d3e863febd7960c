/** Test seam, loaded before all else in each thread: the clock is the machine's and the milliseconds in the file MORTISE_TEST_CLOCK. */
import { readFileSync } from "node:fs";

const machine = Date.now;
Date.now = () => machine() + Number(readFileSync(process.env.MORTISE_TEST_CLOCK as string, "utf8"));
