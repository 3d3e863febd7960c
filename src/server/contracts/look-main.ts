/** The thread of a look: a contract of megabytes is read beside the server's front, not in it. */
import { parentPort, workerData } from "node:worker_threads";
import { type LookTask, look } from "./look.ts";

parentPort?.postMessage(await look(workerData as LookTask));
