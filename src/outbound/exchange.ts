/**
 * One request and its answer, as an undici dispatch handler: the leanest way undici has. It settles exactly once, and
 * knows whether a byte may have left (`sent`), which decides the outcome of everything that can go wrong.
 */
import { channel } from "node:diagnostics_channel";
import { gunzip } from "node:zlib";
import type { Dispatcher } from "undici";
import { failure, type MortiseError } from "../errors.ts";
import type { Aborts } from "./aborts.ts";
import { brokenRequest } from "./broken.ts";
import type { Deadlines, Expiring } from "./deadlines.ts";
import type { OutboundRequest, OutboundResponse } from "./outbound.ts";
import { Pieces } from "./pieces.ts";
import type { Seat } from "./ring.ts";

/** Largest ratio of decoded to sent bytes of a compressed answer. */
export const maxRatio = 100;
/** Answers that decode to less than this are no bomb, whatever their ratio. */
export const ratioFloorBytes = 64 * 1024;
/** Interim answers (1xx) before the connection is given up. */
export const maxInterim = 16;

/** Facts of one finished request, published on the channel `mortise:outbound:request`. No path, no header, no body. */
export interface OutboundFact {
  readonly host: string;
  readonly method: string;
  /** 0 where no answer came. */
  readonly status: number;
  readonly ms: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** Code of the error, if it failed. */
  readonly code: string | undefined;
}
export const requests = channel("mortise:outbound:request");

export class Exchange implements Dispatcher.DispatchHandler, Expiring {
  bucket = 0;
  seat: Expiring["seat"];
  readonly #request: OutboundRequest;
  readonly #host: string;
  readonly #deadlines: Deadlines;
  readonly #aborts: Aborts;
  readonly #maxBytes: number;
  readonly #resolve: (response: OutboundResponse) => void;
  readonly #reject: (error: MortiseError) => void;
  readonly #startedAt: number;
  #watch: Seat<() => void> | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #settled = false;
  #status = 0;
  #interim = 0;
  #headers: Readonly<Record<string, string>> = {};
  #gzip = false;
  #pieces = new Pieces();

  constructor(
    request: OutboundRequest,
    host: string,
    maxBytes: number,
    deadlines: Deadlines,
    aborts: Aborts,
    resolve: (response: OutboundResponse) => void,
    reject: (error: MortiseError) => void,
  ) {
    this.#request = request;
    this.#host = host;
    this.#maxBytes = maxBytes;
    this.#deadlines = deadlines;
    this.#aborts = aborts;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#startedAt = performance.now();
  }

  /** Arms deadline and signal. False: it is over already, and settled. */
  arm(): boolean {
    const { deadline, signal } = this.#request;
    const left = deadline - Date.now();
    if (left <= 0) {
      this.expire();
      return false;
    }
    if (signal !== undefined) {
      if (signal.aborted) {
        this.#aborted();
        return false;
      }
      this.#watch = this.#aborts.add(signal, () => this.#aborted());
    }
    this.#deadlines.add(this, left, this.#startedAt);
    return true;
  }

  expire(): void {
    this.#fail(failure("outbound-timeout", { host: this.#host }, { outcome: this.#outcome() }));
  }

  #aborted(): void {
    // The caller's signal fires at the deadline too: then it is a timeout, whichever of the two came first.
    if (Date.now() >= this.#request.deadline) this.expire();
    else this.#fail(failure("outbound-aborted", { host: this.#host }, { outcome: this.#outcome() }));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // Given up while it was waiting for a connection: throwing here keeps the socket, and nothing is written.
    if (this.#settled) throw new Error("the request was given up before it was sent");
    this.#controller = controller;
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Readonly<Record<string, string | string[] | undefined>>,
  ): void {
    if (status < 200) {
      this.#interim += 1;
      if (this.#interim > maxInterim) this.#badAnswer("it sends interim answers without end");
      return;
    }
    this.#status = status;
    this.#headers = joined(headers);
    const encoding = this.#headers["content-encoding"]?.trim().toLowerCase();
    if (encoding === "gzip" || encoding === "x-gzip") this.#gzip = true;
    else if (encoding !== undefined && !isPlain(encoding) && hasBody(this.#request.method, status)) {
      this.#fail(
        failure("outbound-encoding", { host: this.#host, encoding: encoding.slice(0, 40) }, { outcome: "unknown" }),
      );
      return;
    }
    const announced = Number(this.#headers["content-length"]);
    if (announced > this.#maxBytes && hasBody(this.#request.method, status)) this.#tooLarge();
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#settled) return;
    if (this.#pieces.size + chunk.length > this.#maxBytes) this.#tooLarge();
    else this.#pieces.add(chunk);
  }

  onResponseEnd(): void {
    if (this.#settled) return;
    const body = this.#pieces.whole();
    if (!this.#gzip || body.length === 0) {
      this.#finish(body);
      return;
    }
    const limit = Math.min(this.#maxBytes, Math.max(ratioFloorBytes, body.length * maxRatio));
    gunzip(body, { maxOutputLength: limit }, (error, decoded) => {
      if (this.#settled) return;
      if (error === null) this.#finish(decoded);
      else if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") this.#tooLarge();
      else this.#badAnswer("its compressed body can't be unpacked");
    });
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    if (!this.#settled) this.#fail(brokenRequest(error, this.#host, this.#controller !== undefined));
  }

  #outcome(): "none" | "unknown" {
    return this.#controller === undefined ? "none" : "unknown";
  }

  #tooLarge(): void {
    this.#fail(failure("outbound-too-large", { host: this.#host, limit: this.#maxBytes }, { outcome: "unknown" }));
  }

  #badAnswer(reason: string): void {
    this.#fail(failure("outbound-answer", { host: this.#host, reason }, { outcome: "unknown" }));
  }

  #finish(body: Buffer): void {
    this.#settle(undefined);
    this.#resolve({ status: this.#status, headers: this.#headers, body });
  }

  #fail(error: MortiseError): void {
    if (this.#settled) return;
    this.#settle(error.code);
    this.#pieces = new Pieces();
    this.#controller?.abort(error);
    this.#reject(error);
  }

  #settle(code: string | undefined): void {
    this.#settled = true;
    this.#deadlines.remove(this);
    this.#watch?.leave();
    this.#watch = undefined;
    if (requests.hasSubscribers) {
      const { body, method } = this.#request;
      requests.publish({
        host: this.#host,
        method,
        status: this.#status,
        ms: performance.now() - this.#startedAt,
        sentBytes: body === undefined ? 0 : Buffer.byteLength(body),
        receivedBytes: this.#pieces.size,
        code,
      } satisfies OutboundFact);
    }
  }
}

/** Nothing is packed. */
export function isPlain(encoding: string): boolean {
  return encoding === "" || encoding === "identity";
}

/** What an answer without a body says of it is said of another answer (RFC 9110, sections 9.3.2 and 15.4.5). */
export function hasBody(method: string, status: number): boolean {
  return method !== "HEAD" && status !== 204 && status !== 304;
}

/** Repeated headers as one, joined by ", " (RFC 9110, section 5.3). */
export function joined(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Readonly<Record<string, string>> {
  for (const name in headers) {
    const value = headers[name];
    if (Array.isArray(value)) (headers as Record<string, string>)[name] = value.join(", ");
  }
  return headers as Record<string, string>;
}
