/**
 * Idempotency keys: draft-ietf-httpapi-idempotency-key-header-08 (a draft). Rules in docs/reference/idempotency.md.
 *
 * One record per consumer, API and base path, operation and key (IK-3). It is open while its first request is worked on, and
 * then holds the answer. Whether a request is really under way is known in memory: an open record that nobody works on was
 * left behind by a crash, and is taken up again by the next request with the same key.
 */
import { hash } from "node:crypto";
import { failure } from "../errors.ts";
import { canonicalJson } from "../formats/json.ts";
import type { Cipher, Json } from "../operation.ts";
import type { Store } from "../store/store.ts";
import type { SignedMessage } from "./access/way.ts";
import type { HttpRequest, HttpResponse } from "./http.ts";
import { type KeyRecords, keyRecords } from "./key-records.ts";
import { RepeatCounts } from "./key-repeats.ts";
import { originOf } from "./lifecycle/bound.ts";
import type { IdempotencySettings } from "./operations.ts";
import { ProblemError, problemResponse } from "./problem.ts";
import type { CompleteParameters, RepeatedParameters, ReserveParameters } from "./store-part.ts";

/** Characters of an Idempotency-Key, without its quotes. */
export const longestIdempotencyKey = 255;

/** What a keyed request is known by. */
export interface Ticket {
  /** Of the record, hex: `idOf`. Also the root of the effect key that is sent on (IK-8). */
  readonly id: string;
  /** The client's, as text. */
  readonly key: string;
  /** Through what it came, and from whom: `originOf`. */
  readonly origin: string;
  /** Of method, path, query and canonical body, hex. */
  readonly fingerprint: string;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

/** What is on record when a keyed request comes in. */
export type Found =
  | { readonly kind: "new" }
  /** Reserved, no answer yet, nobody at work: a crash came between. */
  | {
      readonly kind: "open";
      readonly run?: string;
      /** When it was reserved; not known of records of before 0040, and of starts. */
      readonly at?: number;
    }
  | { readonly kind: "answered"; readonly response: HttpResponse };

export interface Idempotency {
  /**
   * `undefined` if the request has no key. A signed message is its own key, whatever the header says (SW-9): it counts once for its sender,
   * at whatever operation, and is remembered at least as long as its signature is fresh. Throws `idempotency-key-missing` and `idempotency-key-malformed`.
   */
  ticket(
    request: HttpRequest,
    settings: IdempotencySettings,
    scope: KeyScope,
    body: Json | undefined,
    message?: SignedMessage,
  ): Ticket | undefined;
  /**
   * Runs `work` while holding the key. Throws `idempotency-in-flight` or `idempotency-key-reused`; an answer on record is
   * given back, marked as a replay.
   */
  holding(
    ticket: Ticket,
    work: (found: Exclude<Found, { kind: "answered" }>) => Promise<HttpResponse>,
  ): Promise<HttpResponse>;
  /** Parameters for a reservation in the commit that starts its run; with `response`: answered at once. */
  reservation(ticket: Ticket, response?: HttpResponse): ReserveParameters;
  /** Reserves by a commit of its own. `run`: it is there already. */
  reserve(ticket: Ticket, run?: string, response?: HttpResponse): Promise<void>;
  /**
   * Does the work of a reserved request and puts its answer on record, a problem included; other errors leave it open. `told`: what is
   * known of the call once the work is done.
   */
  settle(ticket: Ticket, requestId: string, work: () => Promise<HttpResponse>, told?: Sending): Promise<HttpResponse>;
  /** Puts the answer on record. */
  complete(ticket: Ticket, response: HttpResponse, told?: Sending): Promise<void>;
  /** Forgets the record: surely nothing happened. */
  release(ticket: Ticket): Promise<void>;
  /** Removes what is past its time, in bounded batches. */
  sweep(): Promise<void>;
  /** Writes down how often keys came again since the last time. */
  flush(): Promise<void>;
  /** Looks records up, for people. */
  readonly records: KeyRecords;
}

/** What is known of the call of a straight operation. */
export interface Sending {
  /** The system was called once more, after a call that may have had an effect. */
  again: boolean;
  /** What it gave, if it gave anything. */
  gave?: "output" | "fault";
}

/** What an operation's keys are told apart by, and how who asks for it is written. */
export interface KeyScope {
  readonly names: readonly string[];
  readonly origin: string;
}

/**
 * What an operation's keys are told apart by. Versions side by side have a base each, and share no key; a version that is replaced by
 * the next minor one under the same base keeps them, so that a retry across the change is known (IK-3).
 */
export function idempotencyScope(
  caller: { readonly id: string },
  api: { readonly name: string; readonly version: string; readonly base: string },
  operation: string,
): KeyScope {
  const origin = originOf({ api: api.name, version: api.version, operation, consumer: caller.id });
  return { names: [caller.id, api.name, api.base, operation], origin };
}

/** Hex digits of a record's id that the client's key alone gives. */
const prefixLength = 12;

/**
 * The id of a record: it begins with a digest of the key alone, so that the records of a key are found side by side whoever sent it (`idsOf`), and goes on
 * with one of the key and its scope. 128 bits: ids hold the consumer, so a collision could only hurt whoever made it.
 */
function idOf(key: string, scope: readonly (string | undefined)[]): string {
  return digest(key).slice(0, prefixLength) + digest(JSON.stringify([...scope, key])).slice(prefixLength);
}

/** The lowest and the highest id that a record of this key can have. */
export function idsOf(key: string): readonly [string, string] {
  const prefix = digest(key).slice(0, prefixLength);
  return [prefix.padEnd(32, "0"), prefix.padEnd(32, "f")];
}

/** An RFC 8941 (section 3.3.3) string. */
const quoted = /^"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"$/;
const bareForm = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

export function keyOf(header: string | undefined, settings: IdempotencySettings): string | undefined {
  if (header === undefined) {
    if (settings.required) throw failure("idempotency-key-missing", {});
    return undefined;
  }
  const text = header.trim();
  const match = quoted.exec(text);
  let key: string;
  if (match !== null) key = (match[1] as string).replace(/\\(.)/g, "$1");
  else if (settings.bare && bareForm.test(text)) key = text;
  else throw failure("idempotency-key-malformed", { reason: "it is not one quoted string" });
  if (key.length === 0) throw failure("idempotency-key-malformed", { reason: "it is empty" });
  if (key.length > longestIdempotencyKey) {
    throw failure("idempotency-key-malformed", { reason: `it is longer than ${longestIdempotencyKey} characters` });
  }
  return key;
}

export function openIdempotency(
  store: Pick<Store, "submit" | "read">,
  clock: () => number,
  defaultRetentionMs: number,
  cipher?: Cipher,
): Idempotency {
  const find = store.read.prepare(
    `SELECT hex(fingerprint) AS fingerprint, run, status, headers, body, at FROM publish_idempotency
     WHERE id = unhex(?) AND expires_at > ?`,
  );
  /** Record id to fingerprint, of requests under way. */
  const atWork = new Map<string, string>();
  const repeats = new RepeatCounts(clock);

  function reservation({ id, key, fingerprint, expiresAt }: Ticket, response?: HttpResponse): ReserveParameters {
    const answer = response === undefined ? {} : recorded(response, id, cipher);
    return { id, key, fingerprint, expiresAt, run: "$run", ...answer };
  }
  async function submit(name: string, parameters: unknown): Promise<void> {
    const answer = await store.submit([{ name: `publish.${name}`, parameters }]);
    if (answer.kind === "refused") throw inFlight();
  }

  const complete: Idempotency["complete"] = (ticket, response, { again, gave } = { again: false }) => {
    const more = { ...(again ? { again: true as const } : {}), ...(gave === undefined ? {} : { gave }) };
    return submit("complete", {
      id: ticket.id,
      ...recorded(response, ticket.id, cipher),
      ...more,
    } satisfies CompleteParameters);
  };

  return {
    ticket(request, settings, scope, body, message) {
      const key = message?.key ?? keyOf(request.headers["idempotency-key"], settings);
      if (key === undefined) return undefined;
      return {
        id: idOf(key, message === undefined ? scope.names : [scope.names[0], "signed"]),
        key,
        origin: scope.origin,
        fingerprint: digest(`${request.method} ${targetOf(request)}\n${body === undefined ? "" : canonicalJson(body)}`),
        expiresAt: clock() + Math.max(settings.retentionMs ?? defaultRetentionMs, message?.freshMs ?? 0),
      };
    },
    async holding(ticket, work) {
      const other = atWork.get(ticket.id);
      if (other !== undefined) {
        const same = other === ticket.fingerprint;
        repeats.note(ticket.id, same ? "inFlight" : "reused");
        throw same ? inFlight() : failure("idempotency-key-reused", {});
      }
      atWork.set(ticket.id, ticket.fingerprint);
      try {
        const row = find.get(ticket.id, clock()) as unknown as Row | undefined;
        if (row === undefined) return await work({ kind: "new" });
        if (row.fingerprint.toLowerCase() !== ticket.fingerprint) {
          repeats.note(ticket.id, "reused");
          throw failure("idempotency-key-reused", {});
        }
        if (row.status === null) {
          const { run, at } = row;
          return await work({ kind: "open", ...(run === null ? {} : { run }), ...(at === null ? {} : { at }) });
        }
        repeats.note(ticket.id, "replayed");
        return {
          status: row.status,
          headers: { ...(JSON.parse(row.headers ?? "{}") as Record<string, string>), "idempotency-replayed": "true" },
          body: opened(row.body ?? "", ticket.id, cipher),
        };
      } finally {
        atWork.delete(ticket.id);
      }
    },
    reservation,
    reserve(ticket, run, response) {
      const { run: _, ...rest } = reservation(ticket, response);
      const more = { origin: ticket.origin, at: Math.round(clock()) };
      const joins = run === undefined ? {} : { run, joined: true as const };
      return submit("reserve", { ...rest, ...more, ...joins } satisfies ReserveParameters);
    },
    async settle(ticket, requestId, work, told) {
      let response: HttpResponse;
      try {
        response = await work();
      } catch (thrown) {
        if (!(thrown instanceof ProblemError)) throw thrown;
        response = problemResponse(thrown, requestId);
      }
      await complete(ticket, response, told);
      return response;
    },
    complete,
    release: (ticket) => submit("release", { id: ticket.id }),
    async sweep() {
      for (let removed = 500; removed === 500; ) {
        const answer = await store.submit([{ name: "publish.sweep", parameters: {} }]);
        removed = answer.kind === "done" ? (answer.answers[0] as number) : 0;
      }
    },
    flush: () => repeats.flush((told) => submit("repeated", { repeats: told } satisfies RepeatedParameters)),
    records: keyRecords({
      read: store.read,
      clock,
      open: (body, id) => opened(body, id, cipher),
      atWork: (id) => atWork.has(id),
      repeatsSince: repeats.since,
      idsOf,
      retentionMs: defaultRetentionMs,
    }),
  };
}

interface Row {
  readonly fingerprint: string;
  readonly run: string | null;
  readonly status: number | null;
  readonly headers: string | null;
  readonly body: string | null;
  readonly at: number | null;
}

/** As it was sent: a query is there only where it says what is asked for. */
function targetOf({ path, query }: HttpRequest): string {
  return query === "" ? path : `${path}?${query}`;
}

/** Also where a reservation is refused: somebody else has the key at this moment. */
export function inFlight(): Error {
  return failure("idempotency-in-flight", {}, { retryAfterMs: 1000 });
}

/** Begins a sealed body: no JSON begins so. */
const sealedMark = "~";
const placeOf = (id: string) => `idempotency ${id}`;

function opened(body: string, id: string, cipher: Cipher | undefined): string {
  if (!body.startsWith(sealedMark)) return body;
  try {
    if (cipher !== undefined) return cipher.open(body.slice(1), placeOf(id));
  } catch (cause) {
    throw failure("value-unreadable", { place: placeOf(id), reason: (cause as Error).message }, { cause });
  }
  throw failure("value-unreadable", { place: placeOf(id), reason: "it is encrypted, and there is no key" });
}

function recorded(
  response: HttpResponse,
  id: string,
  cipher: Cipher | undefined,
): {
  readonly status: number;
  readonly headers: string;
  readonly body: string;
} {
  const body = typeof response.body === "string" ? response.body : "";
  return {
    status: response.status,
    headers: JSON.stringify(response.headers),
    body: cipher === undefined || body === "" ? body : sealedMark + cipher.seal(body, placeOf(id)),
  };
}

/** 128 bits, hex. */
function digest(text: string): string {
  return hash("sha256", text, "hex").slice(0, 32);
}
