/**
 * Watches what a read of a system answers: it is asked again and again, and after each event that the operation names (`on`), once for all who listen to the same; what has
 * changed is sent.
 */
import { failure } from "../../errors.ts";
import type { Schema } from "../../operation.ts";
import { type Answered, callPort, unseen } from "../act-call.ts";
import { plainAnswers } from "../answers/answers.ts";
import type { EventAct, Workshop } from "../exchange.ts";
import type { CallsOperation } from "../operations.ts";
import { problemResponse } from "../problem.ts";
import { eventId, eventResponse } from "./event-stream.ts";
import { openReadWatch, type Seen } from "./read-watch.ts";

/** `everyMs`: from the end of a call to the next. */
export function watchAct(
  operation: CallsOperation,
  everyMs: number,
  input: Schema,
  output: Schema,
  shop: Workshop,
): EventAct {
  const { inputOf, idOf, allowed, read, publicFailure } = callPort(operation, input, output, shop, plainAnswers);
  const watch = openReadWatch<Answered>(everyMs);
  let arrived = 0;
  if (operation.on !== undefined)
    shop.arrivals.listen(operation.on, () => {
      arrived++;
      watch.wake();
    });

  return async (exchange, stream) => {
    const asked = inputOf(exchange);
    const value = asked.input;
    const { id: requestId, headers } = exchange.request;
    if (!allowed(exchange, value, undefined)) throw failure("not-allowed", {});
    const id = idOf(asked);
    let last = headers["last-event-id"];
    let troubled = false;

    function tell({ output: resource, response }: Answered): void {
      if (!allowed(exchange, value, resource)) throw unseen();
      const data = response.body as string;
      const named = eventId(data);
      // After trouble it is said again, so that who listens knows that it still holds.
      if (named !== last || troubled) stream.state(named, data);
      last = named;
      troubled = false;
    }

    function told(seen: Seen<Answered>): void {
      if (!seen.ok) {
        if (!troubled) stream.problem(problemResponse(seen.error, requestId).body as string);
        troubled = true;
        return;
      }
      try {
        tell(seen.answer);
      } catch (refused) {
        stream.problem(problemResponse(refused, requestId).body as string);
        stream.finish("refused");
      }
    }

    /** What fails is told to the log once, however many listen. */
    async function again(): Promise<Answered> {
      try {
        return await read(id, asked);
      } catch (error) {
        throw publicFailure(error, requestId);
      }
    }

    const before = arrived;
    try {
      tell(watch.latest(id) ?? (await read(id, asked)));
    } catch (error) {
      throw publicFailure(error, requestId);
    }
    if (!stream.destroyed) stream.once("close", watch.listen(id, again, told));
    // What came while it was asked for the first time may have changed the answer.
    if (arrived !== before) watch.wake();
    return eventResponse(stream);
  };
}
