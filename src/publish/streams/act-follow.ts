/** Follows a run by its business key: each state of it that its caller may see, until it has ended. */
import { runShower } from "../act-run.ts";
import type { BackendRun } from "../backend.ts";
import type { EventAct, Exchange, Workshop } from "../exchange.ts";
import type { FollowsOperation, PublicStatus } from "../operations.ts";
import { problemResponse } from "../problem.ts";
import { type EventStream, eventId, eventResponse } from "./event-stream.ts";
import { openRunWatch } from "./run-watch.ts";

const ends: ReadonlySet<PublicStatus> = new Set(["completed", "rejected", "undone", "cancelled", "terminated"]);

export function followAct(operation: FollowsOperation, shop: Workshop): EventAct {
  const { backend } = shop;
  const { name: process } = operation.process;
  const show = runShower(operation, shop);
  const watch = openRunWatch(backend, shop.lookMs, (error) => shop.report(error, "-"));

  /** Throws `resource-unknown` for what this caller may not see. */
  function seen(run: BackendRun | undefined, { caller, request }: Exchange) {
    const { status, value } = show(run, caller, request.id);
    const data = JSON.stringify(value);
    // That it was touched is no news.
    const named = operation.responds === undefined ? JSON.stringify({ ...(value as object), updatedAt: "" }) : data;
    return { id: eventId(named), data, ended: ends.has(status) };
  }

  return async (exchange, stream) => {
    const key = exchange.params.key ?? "";
    const { request } = exchange;
    const mark = backend.mark(process, key);
    const first = seen(await backend.runByKey(process, key), exchange);
    let last = request.headers["last-event-id"];
    // WHATWG HTML, section 9.2.3: 204 tells a browser not to come again.
    if (first.ended && first.id === last) return { status: 204, headers: {} };
    const tell = (next: typeof first) => {
      if (next.id !== last) stream.state(next.id, next.data);
      last = next.id;
      if (next.ended) stream.finish("final");
    };
    tell(first);
    if (!first.ended && !stream.destroyed) {
      const stop = watch.follow(process, key, mark, (run) => told(run, exchange, stream, tell));
      stream.once("close", stop);
    }
    return eventResponse(stream);
  };

  function told(
    run: BackendRun | undefined,
    exchange: Exchange,
    stream: EventStream,
    tell: (next: ReturnType<typeof seen>) => void,
  ): void {
    try {
      tell(seen(run, exchange));
    } catch (thrown) {
      const { id } = exchange.request;
      const response = problemResponse(thrown, id);
      if (response.status >= 500) shop.report(thrown, id);
      stream.problem(response.body as string);
      stream.finish("refused");
    }
  }
}
