/** The baseline in plain Node: node:http in, undici's dispatcher out, the two checks; bodies pass as they come. */
import { createServer } from "node:http";
import { Pool } from "undici";
import { checks } from "./checks.mjs";

const [upstream, key] = process.argv.slice(2) as [string, string];
const pool = new Pool(upstream, { connections: 64, pipelining: 1 });
const { letIn, within } = checks(key);

const server = createServer((request, response) => {
  const { authorization } = request.headers;
  if (!letIn(authorization)) return void response.writeHead(401).end();
  if (!within("bench")) return void response.writeHead(429).end();
  pool.dispatch(
    { method: "GET", path: request.url as string },
    {
      onRequestStart: () => {},
      onResponseStart(_controller, status, headers) {
        response.writeHead(status, {
          "content-type": headers["content-type"] as string,
          "content-length": headers["content-length"] as string,
        });
      },
      onResponseData: (_controller, chunk) => void response.write(chunk),
      onResponseEnd: () => void response.end(),
      onResponseError: () => void response.writeHead(502).end(),
    },
  );
});
server.listen(0, "127.0.0.1", () => process.send?.({ port: (server.address() as { port: number }).port }));
process.on("disconnect", () => process.exit(0));
