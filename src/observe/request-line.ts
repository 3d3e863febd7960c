/**
 * The log's line of one request to a published API, written without building an object for it: there is one for each request, and by the
 * general way (copy, bound, serialise, scrub) it cost a fifth of a whole read (`npm run bench -- w2`). Same members, same form.
 */
import type { Fact } from "./facts.ts";

const plain = /^[\x20\x21\x23-\x5b\x5d-\x7e]{0,200}$/;
/** Plain texts that came before: names and methods come again and again. */
const known = new Set<string>();
const mostKnown = 1000;
const members = ["request", "method", "api", "version", "operation", "consumer", "status", "code"] as const;

function isPlain(value: string): boolean {
  if (known.has(value)) return true;
  if (!plain.test(value)) return false;
  if (known.size < mostKnown) known.add(value);
  return true;
}

/** `undefined`: something in it is unusual, and is written by the general way. `time`: ISO 8601. */
export function requestLine(level: string, time: string, fact: Fact): string | undefined {
  let line = `{"level":"${level}","time":"${time}","channel":"publish:request"`;
  for (const name of members) {
    const value: unknown = fact[name];
    if (typeof value === "string") {
      if (name === "request" ? !plain.test(value) : !isPlain(value)) return undefined;
      line += `,"${name}":"${value}"`;
    } else if (typeof value === "number" && Number.isFinite(value)) line += `,"${name}":${value}`;
    else if (value !== undefined) return undefined;
  }
  const { durationMs } = fact;
  if (typeof durationMs !== "number" || !Number.isFinite(durationMs)) return undefined;
  return `${line},"durationMs":${Math.round(durationMs * 1000) / 1000},"msg":"request"}\n`;
}
