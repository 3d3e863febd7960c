/**
 * Webhooks: `POST /webhooks/<system>` on the API listener. The raw bytes are verified first; then the message is read, its event
 * chosen, and delivered. A 2xx answer means that it is on disk. Whatever fails, fails closed.
 */
import { channel } from "node:diagnostics_channel";
import { openWebhookSecret, verifyWebhook, type WebhookSecret } from "../../connectors/webhook.ts";
import type { ContractModel } from "../../contract/model.ts";
import { asMortiseError, failure, plainName } from "../../errors.ts";
import { parseJson } from "../../formats/json.ts";
import type { TriggerFact } from "../../observe/facts.ts";
import type { Json } from "../../operation.ts";
import type { HttpRequest, HttpResponse } from "../../publish/http.ts";
import { ProblemError, problemResponse } from "../../publish/problem.ts";
import type { Deliver } from "./deliver.ts";

/** Where webhooks are taken. */
export const webhookBase = "/webhooks/";

export interface WebhookOptions {
  readonly systems: Iterable<{ readonly name: string; readonly contract: ContractModel }>;
  /** Secret of each system, resolved. */
  readonly secret: (system: string) => string | undefined;
  readonly deliver: Deliver;
  readonly maxBodyBytes: number;
  /** Epoch milliseconds. */
  readonly now?: () => number;
}

interface Taker {
  readonly secret: WebhookSecret;
  readonly events: readonly string[];
}

const facts = channel("mortise:server:trigger");

/** Throws `webhook-secret` if a system with webhook events has none: it must not start. */
export function createWebhooks(options: WebhookOptions): (request: HttpRequest) => Promise<HttpResponse> {
  const takers = new Map<string, Taker>();
  for (const { name, contract } of options.systems) {
    const events = Object.values(contract.events)
      .filter(({ binding }) => binding.protocol === "webhook")
      .map((event) => event.name);
    if (events.length > 0) takers.set(name, { secret: openWebhookSecret(options.secret(name), name), events });
  }

  async function take(request: HttpRequest): Promise<HttpResponse> {
    const system = request.path.slice(webhookBase.length);
    const taker = takers.get(system);
    if (taker === undefined) {
      throw failure("webhook-unknown", { system: plainName(system, "such a system") });
    }
    if (request.method !== "POST") {
      const error = failure("method-not-allowed", { method: request.method, allowed: "POST" });
      throw new ProblemError(error, { headers: { allow: "POST" } });
    }
    const { id, event, payload } = await read(request, system, taker);
    await options.deliver({ system, event, payload, delivery: id, origin: `webhook:${system}` });
    return { status: 204, headers: {} };
  }

  /** What was delivered, verified. A refusal is told as `deliver` tells its own: somebody may be guessing, or a secret is out of date. */
  async function read(request: HttpRequest, system: string, { secret, events }: Taker) {
    try {
      const body = await request.body(options.maxBodyBytes);
      const { id } = verifyWebhook({ headers: request.headers, body, secret, now: (options.now ?? Date.now)() });
      const payload = parseJson(body, { duplicates: "refuse" });
      return { id, payload, event: eventOf(system, events, payload) };
    } catch (error) {
      const { code } = asMortiseError(error);
      facts.publish({ system, event: "", result: "refused", code } satisfies TriggerFact);
      throw error;
    }
  }

  return async (request) => {
    try {
      return await take(request);
    } catch (error) {
      const known = asMortiseError(error);
      // Senders repeat what fails on our side; not all of them repeat a 429.
      const refused = known.status === 429 ? new ProblemError(known, { status: 503 }) : error;
      return problemResponse(refused, request.id);
    }
  };
}

/** The only event, or the one that the message names in `type` or `event`. */
function eventOf(system: string, events: readonly string[], payload: Json): string {
  if (events.length === 1) return events[0] as string;
  if (typeof payload === "object" && payload !== null && !Array.isArray(payload)) {
    for (const field of ["type", "event"]) {
      const named = Object.hasOwn(payload, field) ? (payload as Readonly<Record<string, Json>>)[field] : undefined;
      if (typeof named !== "string") continue;
      const found = events.find((event) => plain(event) === plain(named));
      if (found !== undefined) return found;
    }
  }
  throw failure("webhook-event", { system });
}

/** Readers make names of `payment.captured` that TypeScript can hold: `paymentCaptured`. */
function plain(name: string): string {
  return name.replace(/[^A-Za-z0-9]/g, "").toLowerCase();
}
