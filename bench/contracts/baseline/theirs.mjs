/** The same by openapi-typescript: reads the contract that is named, and makes its TypeScript; prints how long that took. */
import { pathToFileURL } from "node:url";
import openapiTS, { astToString } from "openapi-typescript";

const begun = performance.now();
const text = astToString(await openapiTS(pathToFileURL(process.argv[2])));
const { user, system } = process.cpuUsage();
process.stdout.write(
  JSON.stringify({ cpuMs: (user + system) / 1000, workMs: performance.now() - begun, bytes: text.length }),
);
