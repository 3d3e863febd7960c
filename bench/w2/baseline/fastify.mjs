/** The baseline: Fastify with its own proxy and rate-limit plugins, and the same key check in a hook. */
import proxy from "@fastify/http-proxy";
import rateLimit from "@fastify/rate-limit";
import fastify from "fastify";
import { checks } from "../checks.mjs";

const [upstream, key] = process.argv.slice(2);
const { letIn } = checks(key);
const app = fastify({ logger: false });
await app.register(rateLimit, {
  max: 1_000_000_000,
  timeWindow: "1 second",
  hook: "preHandler",
  keyGenerator: (request) => request.headers.authorization,
});
app.addHook("onRequest", async (request, reply) => {
  if (!letIn(request.headers.authorization)) await reply.code(401).send();
});
await app.register(proxy, { upstream, undici: { connections: 64, pipelining: 1 } });
await app.listen({ port: 0, host: "127.0.0.1" });
process.send?.({ port: app.server.address().port });
process.on("disconnect", () => process.exit(0));
