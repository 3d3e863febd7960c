/** `mortise`, except that it stops as on Ctrl-C when its standard input ends: whoever launched it is gone, however that came about. */
import type { Socket } from "node:net";

process.stdin.once("end", () => process.kill(process.pid, "SIGTERM")).resume();
(process.stdin as Socket).unref();
await import(new URL("../../../bin/mortise.mjs", import.meta.url).href);
