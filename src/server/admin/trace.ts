/** The address of the admin API that answers whether something was sent twice. */
import { failure, plainName } from "../../errors.ts";
import { type TracePlaces, type TraceQuery, tracer } from "../tracing/trace.ts";
import { refuseProblems } from "./admin.ts";
import type { AdminRoute } from "./route.ts";
import { ref } from "./schemas.ts";

const usualCalls = 100;
const longestText = 600;

export function traceRoutes(places: TracePlaces): readonly AdminRoute[] {
  const trace = tracer(places);
  return [
    {
      method: "GET",
      path: "/trace",
      name: "getTrace",
      summary:
        "Was it sent twice? The chain of a key: requests, runs, and every call downstream with its keys and a verdict",
      role: "viewer",
      query: {
        key: {
          is: "text",
          description:
            "A client's Idempotency-Key, a business key, a run's id, or an effect key that a system was sent.",
        },
        consumer: { is: "text", description: "Only chains with a request of this consumer." },
        api: { is: "text", description: "Only chains with a request to this API." },
        process: { is: "text", description: "Only chains with a run of this process." },
        limit: {
          is: "integer",
          most: 500,
          description: "Calls that are listed of a chain; those in doubt come first. Default 100.",
        },
      },
      answer: ref("Trace"),
      async handle({ query }) {
        const text = (name: "consumer" | "api" | "process") =>
          query[name] === undefined ? {} : { [name]: String(query[name]) };
        const key = String(query.key ?? "");
        if (key === "" || key.length > longestText)
          refuseProblems([{ at: "/query/key", message: `must have 1 to ${longestText} characters` }]);
        const wanted: TraceQuery = {
          key,
          ...text("consumer"),
          ...text("api"),
          ...text("process"),
          limit: Number(query.limit ?? usualCalls),
        };
        const answer = await trace(wanted);
        if (answer.chains.length > 0) return answer;
        const narrowed = ["consumer", "api", "process"].some((name) => query[name] !== undefined)
          ? " that fits the consumer, API or process that was named"
          : "";
        throw failure("trace-unknown", { key: plainName(key, "this key"), narrowed });
      },
    },
  ];
}
