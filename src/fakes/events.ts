/** Events of a fake: an example, or a given payload, sent as the system would: a signed webhook, or a row of a file in a folder. */
import { randomUUID } from "node:crypto";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openWebhookSecret, signWebhook } from "../connectors/webhook.ts";
import { exampleOf } from "../contract/example/example.ts";
import type { ContractModel, CsvBinding, EventModel } from "../contract/model.ts";
import { modelValidator } from "../contract/validate.ts";
import { failure } from "../errors.ts";
import { inWords, type Json } from "../operation.ts";
import { createOutbound } from "../outbound/client.ts";
import { csvText } from "./csv-text.ts";

export interface EventTarget {
  /** Where webhooks are posted to: `http://127.0.0.1:8080/webhooks/payments`. */
  readonly url?: string;
  /** Signs them (Standard Webhooks): `whsec_...`. */
  readonly secret?: string;
  /** Where files are dropped. */
  readonly folder?: string;
}

export interface Emitted {
  readonly event: string;
  readonly payloads: readonly Json[];
  /** The HTTP status of each delivery, or the file; absent: there is nowhere to send it. */
  readonly statuses?: readonly number[];
  /** Why the first of those that were refused was, where the receiver says so. */
  readonly refused?: string;
  readonly file?: string;
}

const mostAtOnce = 1000;
const patienceMs = 10_000;

export class Events {
  readonly #model: ContractModel;
  readonly #seed: number;
  readonly #target: EventTarget;
  #count = 0;

  constructor(model: ContractModel, seed: number, target: EventTarget = {}) {
    this.#model = model;
    this.#seed = seed;
    this.#target = target;
  }

  get names(): readonly string[] {
    return Object.keys(this.#model.events);
  }

  /** An example of an event's payload; the next one is another. Throws `fake-event`. */
  example(name: string): Json {
    const event = this.#event(name);
    this.#count += 1;
    for (const stated of [this.#count === 1, false]) {
      const seed = this.#seed + this.#count - 1;
      const value = exampleOf(event.payload, this.#model.schemas, { seed, side: "output", name, stated });
      if (value !== undefined && modelValidator(this.#model, event.payload)(value).length === 0) return value;
    }
    throw wrong(name, "its contract lets no valid example be made; give a payload");
  }

  /** Sends `count` events (default 1), the payload given or examples. Rejects with `fake-event`. */
  async emit(
    name: string,
    { payload, count = 1 }: { readonly payload?: Json; readonly count?: number } = {},
  ): Promise<Emitted> {
    const event = this.#event(name);
    if (!Number.isSafeInteger(count) || count < 1 || count > mostAtOnce)
      throw wrong(name, `the count must be from 1 to ${mostAtOnce}`);
    if (payload !== undefined) {
      const problems = modelValidator(this.#model, event.payload)(payload);
      if (problems.length > 0) throw wrong(name, `its payload does not fit: ${inWords(problems)}`);
    }
    const payloads = Array.from({ length: count }, () => payload ?? this.example(name));
    if (event.binding.protocol === "csv") {
      const { folder } = this.#target;
      if (folder === undefined) return { event: name, payloads };
      return { event: name, payloads, file: await this.#drop(folder, event.binding, payloads) };
    }
    const { url } = this.#target;
    if (url === undefined) return { event: name, payloads };
    return { event: name, payloads, ...(await this.#post(url, payloads)) };
  }

  #event(name: string): EventModel {
    const { events } = this.#model;
    if (Object.hasOwn(events, name)) return events[name]!;
    const there = Object.keys(events);
    throw wrong(
      name,
      there.length === 0 ? "the contract has no events" : `the contract has ${there.slice(0, 12).join(", ")}`,
    );
  }

  async #post(url: string, payloads: readonly Json[]): Promise<Pick<Emitted, "statuses" | "refused">> {
    const outbound = createOutbound();
    const { secret } = this.#target;
    const secrets = secret === undefined ? [] : [openWebhookSecret(secret, this.#model.name)];
    try {
      const statuses: number[] = [];
      let refused: string | undefined;
      for (const payload of payloads) {
        const body = JSON.stringify(payload);
        const stamp = { id: `msg_${randomUUID()}`, timestamp: Math.floor(Date.now() / 1000), body, secrets };
        const signed = secrets.length === 0 ? {} : signWebhook(stamp);
        const { status, body: said } = await outbound.request({
          method: "POST",
          url,
          headers: { "content-type": "application/json", ...signed },
          body,
          deadline: Date.now() + patienceMs,
          internal: true,
        });
        statuses.push(status);
        if (status >= 300) refused ??= detailOf(said);
      }
      return { statuses, ...(refused === undefined ? {} : { refused }) };
    } finally {
      await outbound.close();
    }
  }

  /** Written beside, then renamed: whoever watches the folder sees it whole. */
  async #drop(folder: string, binding: CsvBinding, payloads: readonly Json[]): Promise<string> {
    await mkdir(folder, { recursive: true });
    const name = binding.files.replace("*", randomUUID()).replaceAll("*", "1");
    const file = join(folder, name);
    const part = join(folder, `.${name}.part`);
    await writeFile(part, csvText(binding, payloads));
    await rename(part, file);
    return file;
  }
}

/** Of problem details (RFC 9457), such as Mortise answers with. */
function detailOf(body: Uint8Array): string | undefined {
  try {
    const { detail } = JSON.parse(Buffer.from(body).toString("utf8")) as { readonly detail?: unknown };
    return typeof detail === "string" ? detail.slice(0, 500) : undefined;
  } catch {
    return undefined;
  }
}

function wrong(event: string, reason: string) {
  return failure("fake-event", { event, reason });
}
