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
import type { Deprecated } from "./states.ts";

export interface Gate {
  /** Of every answer of the version, errors and HEAD included; absent: nothing to say. */
  readonly headers: Readonly<Record<string, string>> | undefined;
  /** Throws `api-blocked` (503) and, from its sunset on, `api-sunset` (410). */
  enter(): void;
  /** Throws `api-preview` (403) for who was not named. */
  admit(caller: ApiCaller): void;
}

/** Names of the header fields that a browser's script may read, where an API is opened to one (CORS). */
export const lifecycleHeaders: readonly string[] = Object.freeze(["Deprecation", "Sunset", "Link", "X-API-Lifecycle"]);

const nothing = (): void => {};

/** `clock`: epoch milliseconds. */
export function gateOf(api: ApiDefinition, clock: () => number, blocks: Pick<Blocks, "of">): Gate {
  const { lifecycle } = api;
  const enter = (): void => {
    const block = blocks.of(api.name, api.version);
    if (block !== undefined) throw failure("api-blocked", {}, { retryAfterMs: block.retryAfterMs });
  };
  if (lifecycle.state === "preview") {
    const named = new Set(lifecycle.consumers);
    return {
      headers: Object.freeze({ "x-api-lifecycle": "preview" }),
      enter,
      admit({ id }) {
        if (!named.has(id)) throw failure("api-preview", {});
      },
    };
  }
  if (lifecycle.state !== "deprecated") return { headers: undefined, enter, admit: nothing };
  const headers = headersOf(lifecycle);
  return {
    headers,
    enter() {
      if (clock() >= lifecycle.sunset) throw gone(lifecycle);
      enter();
    },
    admit: nothing,
  };
}

/** RFC 9745, section 2; RFC 8594, section 3 and 6; RFC 5829, section 3.4. */
function headersOf({ since, sunset, migration, successor }: Deprecated): Readonly<Record<string, string>> {
  return Object.freeze({
    deprecation: `@${since / 1000}`,
    sunset: new Date(sunset).toUTCString(),
    link:
      `<${migration}>; rel="deprecation"; type="text/html", <${migration}>; rel="sunset"; type="text/html", ` +
      `<${successor.href}>; rel="successor-version"`,
  });
}

function gone({ sunset, successor, migration }: Deprecated): ProblemError {
  const at = new Date(sunset).toISOString().slice(0, 10);
  return new ProblemError(failure("api-sunset", { at, successor: successor.href }), {
    members: { successor: successor.href, migration, sunset: new Date(sunset).toISOString() },
  });
}

/** The answer with the headers of its request's way; of `Link` there may be some already. */
export function withHeaders(response: HttpResponse, more: Readonly<Record<string, string>>): HttpResponse {
  const { link } = response.headers;
  const headers = { ...response.headers, ...more };
  if (link !== undefined && more.link !== undefined) headers.link = `${link}, ${more.link}`;
  return { ...response, headers };
}
