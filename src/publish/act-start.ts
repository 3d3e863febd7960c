/**
 * Starts a process: 202 with a status link, or, within `wait`, the run's own end. With an idempotency key, the reservation
 * stands in the start's own commit (IK-4): either both are on disk or neither.
 */
import { failure, MortiseError } from "../errors.ts";
import { type Json, longestKey, milliseconds } from "../operation.ts";
import type { Answers } from "./answers/answers.ts";
import type { BackendRun, BackendStart, BackendStarted } from "./backend.ts";
import type { ApiDefinition } from "./define.ts";
import { type Act, type Exchange, permits, type Workshop } from "./exchange.ts";
import type { HttpResponse } from "./http.ts";
import { idempotencyScope, inFlight, type Ticket } from "./idempotency.ts";
import { originOf } from "./lifecycle/bound.ts";
import { type Asked, inputReader, responder } from "./mappings.ts";
import type { StartsOperation } from "./operations.ts";
import { invalidInput, ProblemError } from "./problem.ts";

export function startAct(
  api: ApiDefinition,
  name: string,
  operation: StartsOperation,
  shop: Workshop,
  answers: Answers,
): Act {
  const { process, waitMs } = operation;
  const { backend, idempotency } = shop;
  const respond = responder(operation.responds, process.output, shop.compile, operation.spoken !== undefined);
  const inputOf = inputReader(operation.accepts, process.input, `the process ${process.name}`, shop.compile);
  const link = statusLink(api, process.name);

  const accepted = (key: string, input: Json): HttpResponse => answers.accepted(key, input, link(key));

  function ended(run: BackendRun, started: boolean, asked: Asked): HttpResponse {
    const location = link(run.key);
    switch (run.status) {
      case "completed":
        return answers.completed(respond(run.output, asked), started, location);
      case "rejected": {
        const own = answers.rejected({ reason: run.failure?.reason ?? "", key: run.key, input: asked.input });
        if (own !== undefined) return own;
        throw notCompleted(run, location);
      }
      case "undone":
      case "cancelled":
      case "terminated":
        throw notCompleted(run, location);
      case "queued":
      case "running":
      case "waiting":
      case "paused":
      case "parked":
      case "undoing":
        return accepted(run.key, asked.input);
    }
  }

  /** When the run is to begin, if the operation says so. A delay that is none is a mistake of the operation. */
  function wanted(input: Json): BackendStart["at"] {
    if (operation.at !== undefined) return operation.at(input);
    const delay = typeof operation.delay === "function" ? operation.delay(input) : operation.delay;
    return delay === undefined ? undefined : Math.ceil(shop.clock() + milliseconds(delay));
  }

  /** Not before its turn under a limit that queues. */
  function beginsAt(input: Json, delayMs: number): BackendStart["at"] {
    const at = wanted(input);
    if (delayMs === 0) return at;
    const turn = Math.ceil(shop.clock() + delayMs);
    // What says no time is left to the engine, which refuses it.
    const own = at === undefined ? turn : new Date(at).getTime();
    return own > turn || Number.isNaN(own) ? at : turn;
  }

  async function begin(
    key: string,
    input: Json,
    { charge, caller }: Pick<Exchange, "charge" | "caller">,
    alongside?: Json,
  ): Promise<BackendStarted & { readonly delayMs: number }> {
    const delayMs = charge();
    const at = beginsAt(input, delayMs);
    const origin = originOf({ api: api.name, version: api.version, operation: name, consumer: caller.id });
    try {
      const begun = await backend.start({
        process: process.name,
        key,
        input,
        origin,
        ...(at === undefined ? {} : { at }),
        ...(alongside === undefined ? {} : { alongside: [{ name: "publish.reserve", parameters: alongside }] }),
      });
      return { ...begun, delayMs };
    } catch (error) {
      if (!(error instanceof MortiseError)) throw error;
      if (error.code === "instant-invalid" || error.code === "start-time")
        throw invalidInput([{ at: "", message: "says no time at which this can begin" }]);
      if (error.code === "start-queue-full") {
        // The engine's sentence tells its operators what to do.
        throw new MortiseError(
          "start-queue-full",
          "Too much of this waits already. Nothing was done; send it again later.",
          {
            cause: error,
            ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
          },
        );
      }
      if (error.code !== "run-key-conflict") throw error;
      // The engine's sentence names the other run, which may be somebody else's.
      throw new MortiseError(
        "run-key-conflict",
        "This business key is taken by a request with other content. Use another key, or send the same content.",
        { cause: error },
      );
    }
  }

  async function act(exchange: Exchange, ticket: Ticket | undefined): Promise<HttpResponse> {
    const asked = inputOf(exchange);
    const { input } = asked;
    const { caller, request } = exchange;
    if (!permits(operation.allow, { caller, input }, (error) => shop.report(error, request.id)))
      throw failure("not-allowed", {});
    const key = process.key(input);
    if (typeof key !== "string" || key === "" || key.length > longestKey) {
      throw invalidInput([{ at: "", message: `its business key must have 1 to ${longestKey} characters` }]);
    }
    if (ticket === undefined) {
      const begun = await begin(key, input, exchange);
      if (waitMs === 0 || waitMs <= begun.delayMs || begun.kind === "refused") return accepted(key, input);
      return ended(await backend.settled(begun.run, waitMs), begun.kind === "started", asked);
    }
    const known = waitMs === 0 ? accepted(key, input) : undefined;
    return idempotency.holding(ticket, async (found) => {
      let run: string;
      let started = true;
      if (found.kind === "open" && found.run !== undefined) run = found.run;
      else {
        const begun = await begin(key, input, exchange, idempotency.reservation(ticket, known) as unknown as Json);
        if (begun.kind === "refused") throw inFlight();
        run = begun.run;
        started = begun.kind === "started";
        if (begun.kind === "exists") await idempotency.reserve(ticket, run, known);
      }
      if (known !== undefined) return known;
      return idempotency.settle(ticket, exchange.request.id, async () =>
        ended(await backend.settled(run, waitMs), started, asked),
      );
    });
  }

  return (exchange) =>
    act(
      exchange,
      idempotency.ticket(
        exchange.request,
        operation.idempotency,
        idempotencyScope(exchange.caller, api, name),
        exchange.body,
        exchange.message,
      ),
    );
}

function notCompleted(run: BackendRun, location: string | undefined): ProblemError {
  return new ProblemError(failure("run-not-completed", { status: run.status }), {
    members: {
      key: run.key,
      run: run.status,
      reason: run.failure?.reason ?? null,
      ...(location === undefined ? {} : { links: { status: location } }),
    },
  });
}

/** The path of the operation that shows runs of the process, if the API has one. */
function statusLink(api: ApiDefinition, process: string): (key: string) => string | undefined {
  const shows = Object.values(api.operations).find(
    (o) => o.kind === "run" && o.process.name === process && (o.spoken === undefined || o.spoken.linked === true),
  );
  if (shows === undefined) return () => undefined;
  const [before = "", after = ""] = shows.path.split(`{${shows.parameters[0] ?? "key"}}`);
  return (key) => {
    // Such a key can't stand in a path (see checkPath): better no link than a dead one.
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    if (/[/\\\x00-\x1f\x7f]/.test(key) || key === "." || key === "..") return undefined;
    return `${api.base}${before}${encodeURIComponent(key)}${after}`;
  };
}
