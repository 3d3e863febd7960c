/** Reads the contract that is named, and makes its TypeScript; prints how long that took. */
import { readContract } from "../../src/contract/read/read-contract.ts";
import { openSource } from "../../src/contract/read/source.ts";
import { writeContract } from "../../src/contract/write/typescript.ts";

const begun = performance.now();
const files = writeContract(await readContract(await openSource(process.argv[2]!), "large"));
const bytes = files["contract.ts"].length + files["contract.json"].length;
const { user, system } = process.cpuUsage();
process.stdout.write(JSON.stringify({ cpuMs: (user + system) / 1000, workMs: performance.now() - begun, bytes }));
