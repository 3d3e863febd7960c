/**
 * What the state of a version means for a request: whether it comes in at all, and what each answer says of the state. The time is
 * looked at for each request, so that a sunset happens while the server runs.
 */
import { failure } from "../../errors.ts";
import type { ApiDefinition } from "../define.ts";
import type { HttpResponse } from "../http.ts";
import type { ApiCaller } from "../operations.ts";
import { ProblemError } from "../problem.ts";
import type { Blocks } from "./blocks.ts";
import { majorOf, type Retirements } from "./retirements.ts";
import type { Deprecated } from "./states.ts";

type Headers = Readonly<Record<string, string>>;

export interface Gate {
  /**
   * Gives the headers of each answer of the version, errors and HEAD included; `undefined`: nothing to say. Throws `route-unknown` (404) of
   * what was retired, `api-sunset` (410) from the sunset on, and `api-blocked` (503).
   */
  enter(): Headers | undefined;
  /** Throws `api-preview` (403) for who was not named, and `api-brownout` (503) in a planned time without service: known callers are then on record (DS-8). */
  admit(caller: ApiCaller): void;
}

/** Names of the header fields that a browser's script may read, where an API is opened to one (CORS). */
export const lifecycleHeaders: readonly string[] = Object.freeze(["Deprecation", "Sunset", "Link", "X-API-Lifecycle"]);

/** As for a path that never was. */
export const elsewhere = "The API's own description, openapi.json under its base path, lists what there is";
const nothing = (): void => {};

/** `clock`: epoch milliseconds. */
export function gateOf(
  api: ApiDefinition,
  clock: () => number,
  blocks: Pick<Blocks, "of">,
  retirements: Pick<Retirements, "of">,
): Gate {
  const { name, version, lifecycle } = api;
  const major = majorOf(version);
  const ending = lifecycle.state === "deprecated" ? lifecycle : undefined;
  const named = lifecycle.state === "preview" ? new Set(lifecycle.consumers) : undefined;
  const headers = headersOf(api);
  return {
    enter() {
      if (retirements.of(name, major) !== undefined) throw failure("route-unknown", { where: elsewhere });
      if (ending !== undefined && clock() >= ending.sunset) throw gone(ending, headers);
      const block = blocks.of(name, version);
      if (block !== undefined) {
        const error = failure("api-blocked", {}, { retryAfterMs: block.retryAfterMs });
        throw new ProblemError(error, headers === undefined ? {} : { headers });
      }
      return headers;
    },
    admit:
      named !== undefined
        ? ({ id }) => {
            if (!named.has(id)) throw failure("api-preview", {});
          }
        : ending === undefined || ending.brownouts.length === 0
          ? nothing
          : () => notNow(ending, clock()),
  };
}

/** RFC 9745, section 2; RFC 8594, section 3 and 6; RFC 5829, section 3.4. */
function headersOf({ lifecycle }: ApiDefinition): Headers | undefined {
  if (lifecycle.state === "preview") return Object.freeze({ "x-api-lifecycle": "preview" });
  if (lifecycle.state !== "deprecated") return undefined;
  const { since, sunset, migration, successor } = lifecycle;
  return Object.freeze({
    deprecation: `@${since / 1000}`,
    sunset: new Date(sunset).toUTCString(),
    link:
      `<${migration}>; rel="deprecation"; type="text/html", <${migration}>; rel="sunset"; type="text/html", ` +
      `<${successor.href}>; rel="successor-version"`,
  });
}

function notNow({ brownouts, successor, migration, sunset }: Deprecated, now: number): void {
  const brownout = brownouts.find(({ from, until }) => from <= now && now < until);
  if (brownout === undefined) return;
  const until = new Date(brownout.until).toISOString();
  const error = failure("api-brownout", { until, successor: successor.href }, { retryAfterMs: brownout.until - now });
  throw new ProblemError(error, {
    members: { successor: successor.href, migration, sunset: new Date(sunset).toISOString(), until },
  });
}

function gone({ sunset, successor, migration }: Deprecated, headers: Headers | undefined): ProblemError {
  const at = new Date(sunset).toISOString().slice(0, 10);
  return new ProblemError(failure("api-sunset", { at, successor: successor.href }), {
    members: { successor: successor.href, migration, sunset: new Date(sunset).toISOString() },
    ...(headers === undefined ? {} : { headers }),
  });
}

/** The answer with the headers of its request's way; of `Link` there may be some already. */
export function withHeaders(response: HttpResponse, more: Headers): HttpResponse {
  const { link } = response.headers;
  const headers: Record<string, string> = { ...response.headers };
  for (const name in more) headers[name] = more[name] as string;
  if (link !== undefined && more.link !== undefined) headers.link = `${link}, ${more.link}`;
  return { ...response, headers };
}
