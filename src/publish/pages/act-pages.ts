/** Lists in pages: of what a system gives, and of runs. A page begins behind the last item of the one before, so that what is added meanwhile moves nothing. */
import { failure } from "../../errors.ts";
import type { Json, Schema } from "../../operation.ts";
import { callPort, unseen } from "../act-call.ts";
import { runShower } from "../act-run.ts";
import { jsonHeaders, jsonResponse, plainAnswers } from "../answers/answers.ts";
import type { ApiDefinition } from "../define.ts";
import type { Act, Exchange, Workshop } from "../exchange.ts";
import { fieldsOf } from "../fields.ts";
import type { HttpResponse } from "../http.ts";
import { startedThrough } from "../lifecycle/bound.ts";
import type { CallsOperation, PageSettings, RunsOperation } from "../operations.ts";
import type { CursorScope } from "./cursor.ts";
import { listInput } from "./page-schemas.ts";

type Members = { readonly [name: string]: Json };

/** Runs that are looked at for one page, at most: then the page ends, however few of them the caller may see. */
const mostLooks = 500;

interface Wanted {
  readonly limit: number;
  readonly cursor: string | undefined;
  readonly filters: Members;
  readonly scope: CursorScope;
}

function wantedOf(exchange: Exchange, operation: string, { size }: Pick<PageSettings, "size">): Wanted {
  const { limit = size, cursor, ...filters } = exchange.input as Members;
  const scope = { operation, caller: exchange.caller.id, filters };
  return { limit: limit as number, cursor: cursor as string | undefined, filters, scope };
}

/** RFC 8288: the same request, with the next cursor. */
function pageResponse({ request }: Exchange, items: readonly unknown[], next: string | undefined): HttpResponse {
  if (next === undefined) return jsonResponse(200, { items });
  const others = request.query.split("&").filter((pair) => pair !== "" && !/^cursor(=|$)/.test(pair));
  // As it was sent, but for what would end the reference.
  const target = `${request.path}?${[...others, `cursor=${next}`].join("&")}`.replace(
    /[<>"\\^`{|}\s]/g,
    encodeURIComponent,
  );
  return jsonResponse(200, { items, next }, { ...jsonHeaders, link: `<${target}>; rel="next"` });
}

export function listAct(
  api: ApiDefinition,
  name: string,
  operation: CallsOperation & { readonly pages: PageSettings },
  { input, output }: { readonly input: Schema; readonly output: Schema },
  shop: Workshop,
): Act {
  const { pages } = operation;
  const port = callPort(operation, input, output, shop, plainAnswers);
  const validate = shop.compile(input);
  const fields = fieldsOf(output);
  // Told when the project is loaded.
  listInput(input, pages, api.name, name);

  /** Where a page begins, as properties of the input. */
  const positionOf = (given: unknown): Members =>
    Object.fromEntries(Object.entries((given ?? {}) as Members).filter(([, value]) => value !== undefined));

  /** What the author says of places must be an input. A cursor that was sealed under another definition is its bearer's to let go. */
  function checkQuestion(value: Json): void {
    const [problem] = validate(value);
    if (problem !== undefined) throw new Error(`the page can't be asked for: ${problem.at} ${problem.message}`);
  }

  /** The items of a page, and where the next one begins. */
  async function pageAt(exchange: Exchange, value: Json, limit: number) {
    try {
      const call = { input: value, stages: [value] };
      const answered = await port.read(port.idOf(call), call);
      if (!port.allowed(exchange, value, answered.output)) throw unseen();
      const shown = fields.drop(answered.output) as Members | readonly Json[];
      const found = (pages.items === undefined ? shown : (shown as Members)[pages.items]) as readonly Json[];
      const items = found.slice(0, limit);
      const whole = answered.output as Members | readonly Json[];
      const raw = (pages.items === undefined ? whole : (whole as Members)[pages.items]) as readonly Json[];
      return { items, behind: nextOf(pages, whole, raw, items.length, limit) };
    } catch (error) {
      throw port.publicFailure(error, exchange.request.id);
    }
  }

  return async (exchange) => {
    const { limit, cursor, filters, scope } = wantedOf(exchange, `${api.name} ${name}`, pages);
    const place = cursor === undefined ? pages.start : await shop.cursors.open(cursor, scope);
    // One more than is shown says whether there is a next page.
    const asks = pages.after === undefined ? limit : limit + 1;
    const questionAt = (at: unknown): Json => ({ ...filters, ...positionOf(at), [pages.limit]: asks });
    const value = questionAt(place);
    if (cursor !== undefined && validate(value).length > 0) throw failure("cursor-invalid", {});
    checkQuestion(value);
    if (!port.allowed(exchange, value, undefined)) throw failure("not-allowed", {});
    const { items, behind } = await pageAt(exchange, value, limit);
    if (behind === undefined) return pageResponse(exchange, items, undefined);
    checkQuestion(questionAt(behind));
    return pageResponse(exchange, items, await shop.cursors.seal(positionOf(behind), scope));
  };
}

/** Where the next page begins; `undefined`: there is none. */
function nextOf(
  { after, next }: PageSettings,
  output: unknown,
  found: readonly unknown[],
  shown: number,
  limit: number,
): unknown {
  if (after !== undefined) return found.length > limit ? after(found[shown - 1]) : undefined;
  return next?.(output);
}

export function runsAct(api: ApiDefinition, name: string, operation: RunsOperation, shop: Workshop): Act {
  const { process, pages, startedBy } = operation;
  const show = runShower(operation, shop);
  const { backend } = shop;

  return async (exchange) => {
    const { caller, request } = exchange;
    const { limit, cursor, scope } = wantedOf(exchange, `${api.name} ${name}`, pages);
    const place = cursor === undefined ? undefined : await shop.cursors.open(cursor, scope);
    let before = typeof place === "string" ? place : undefined;
    const items: unknown[] = [];
    let more = true;
    for (let looked = 0; looked < mostLooks && more && items.length < limit; ) {
      const some = Math.min(mostLooks - looked, Math.max(limit, 50));
      const listed = backend.runsOf(process.name, before, some);
      more = listed.length === some;
      for (const one of listed) {
        if (items.length === limit) {
          more = true;
          break;
        }
        looked += 1;
        before = one.id;
        if (startedBy === "caller" && startedThrough(one.origin)?.consumer !== caller.id) continue;
        const run = await backend.runByKey(process.name, one.key);
        // A run that was restarted stands there as the one that goes on.
        if (run?.id !== one.id) continue;
        try {
          items.push(show(run, caller, request.id).value);
        } catch (error) {
          if ((error as { readonly code?: unknown }).code !== "resource-unknown") throw error;
        }
      }
    }
    const next = more && before !== undefined ? await shop.cursors.seal(before, scope) : undefined;
    return pageResponse(exchange, items, next);
  };
}
