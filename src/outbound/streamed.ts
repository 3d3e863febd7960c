/**
 * One request whose bodies go through as they come: neither is ever whole in memory, and the faster side waits for the slower one. The same guard as exchange.ts, but for three
 * things: the answer's body is given as a stream once its head is there; times of silence are bounded besides the whole; a packed answer is refused.
 *
 * Whatever goes wrong breaks both bodies: what was cut off never looks whole, to neither side.
 */
import { Readable } from "node:stream";
import type { Dispatcher } from "undici";
import { failure, type MortiseError } from "../errors.ts";
import type { Aborts } from "./aborts.ts";
import { brokenRequest } from "./broken.ts";
import { hasBody, isPlain, joined, maxInterim, type OutboundFact, requests } from "./exchange.ts";
import type { OutboundStreamRequest, OutboundStreamResponse } from "./outbound.ts";
import type { Seat } from "./ring.ts";

export class StreamedExchange implements Dispatcher.DispatchHandler {
  readonly #request: OutboundStreamRequest;
  readonly #host: string;
  readonly #aborts: Aborts;
  readonly #resolve: (response: OutboundStreamResponse) => void;
  readonly #reject: (error: MortiseError) => void;
  readonly #startedAt = performance.now();
  #watch: Seat<() => void> | undefined;
  #deadline: NodeJS.Timeout | undefined;
  /** Of the silence that is going on. */
  #silence: NodeJS.Timeout | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #body: Readable | undefined;
  #settled = false;
  #status = 0;
  #interim = 0;
  #sent = 0;
  #received = 0;

  constructor(
    request: OutboundStreamRequest,
    host: string,
    aborts: Aborts,
    resolve: (response: OutboundStreamResponse) => void,
    reject: (error: MortiseError) => void,
  ) {
    this.#request = request;
    this.#host = host;
    this.#aborts = aborts;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** Arms the times and the signal. False: it is over already, and settled. */
  arm(): boolean {
    const { deadline, signal, body, headWithinMs } = this.#request;
    const left = deadline - Date.now();
    if (left <= 0 || signal?.aborted === true) {
      this.#fail(failure(left <= 0 ? "outbound-timeout" : "outbound-aborted", { host: this.#host }));
      return false;
    }
    if (signal !== undefined)
      this.#watch = this.#aborts.add(signal, () =>
        this.#fail(failure("outbound-aborted", { host: this.#host }, { outcome: this.#outcome() })),
      );
    this.#deadline = setTimeout(() => this.#late(), left);
    // While a request is being sent its sender's pace counts; from its end on the other side's.
    if (body === undefined) this.#silent(headWithinMs);
    else {
      body.on("data", (chunk: Uint8Array) => (this.#sent += chunk.length));
      // Whoever reads it decides when: counting must not set it going.
      body.pause();
      body.once("end", () => {
        if (!this.#settled && this.#body === undefined) this.#silent(headWithinMs);
      });
    }
    return true;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#settled) throw new Error("the request was given up before it was sent");
    this.#controller = controller;
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: Readonly<Record<string, string | string[] | undefined>>,
  ): void {
    if (this.#settled) return;
    if (status < 200) {
      this.#interim += 1;
      if (this.#interim > maxInterim) this.#badAnswer("it sends interim answers without end");
      return;
    }
    this.#status = status;
    const known = joined(headers);
    const encoding = known["content-encoding"]?.trim().toLowerCase();
    if (encoding !== undefined && !isPlain(encoding) && hasBody(this.#request.method, status)) {
      const shown = { host: this.#host, encoding: encoding.slice(0, 40) };
      this.#fail(failure("outbound-encoding", shown, { outcome: "unknown" }));
      return;
    }
    if (Number(known["content-length"]) > this.#request.maxResponseBytes && hasBody(this.#request.method, status)) {
      this.#tooLarge();
      return;
    }
    this.#heard();
    this.#body = new Readable({
      highWaterMark: 16_384,
      read: () => {
        this.#silent(this.#request.idleMs);
        controller.resume();
      },
      destroy: (error, done) => {
        if (!this.#settled) this.#end(error === null ? "outbound-aborted" : "internal");
        controller.abort(error ?? new Error("nobody reads the answer any more"));
        done(error);
      },
    });
    // Nothing of it comes, and nothing in it fails, before somebody reads.
    controller.pause();
    this.#resolve({ status, headers: known, body: this.#body });
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#settled) return;
    this.#received += chunk.length;
    if (this.#received > this.#request.maxResponseBytes) {
      this.#tooLarge();
      return;
    }
    if (this.#body?.push(chunk) === true) this.#silent(this.#request.idleMs);
    else {
      this.#heard();
      controller.pause();
    }
  }

  onResponseEnd(): void {
    if (this.#settled) return;
    this.#end(undefined);
    // It has answered without reading all of it.
    this.#request.body?.destroy();
    this.#body?.push(null);
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    this.#fail(brokenRequest(error, this.#host, this.#controller !== undefined));
  }

  #outcome(): "none" | "unknown" {
    return this.#controller === undefined ? "none" : "unknown";
  }

  #late(): void {
    this.#fail(failure("outbound-timeout", { host: this.#host }, { outcome: this.#outcome() }));
  }

  #silent(ms: number): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#late(), ms);
  }

  #heard(): void {
    clearTimeout(this.#silence);
    this.#silence = undefined;
  }

  #tooLarge(): void {
    const limit = this.#request.maxResponseBytes;
    this.#fail(failure("outbound-too-large", { host: this.#host, limit }, { outcome: "unknown" }));
  }

  #badAnswer(reason: string): void {
    this.#fail(failure("outbound-answer", { host: this.#host, reason }, { outcome: "unknown" }));
  }

  #fail(error: MortiseError): void {
    if (this.#settled) return;
    this.#end(error.code);
    this.#controller?.abort(error);
    this.#request.body?.destroy(error);
    if (this.#body === undefined) this.#reject(error);
    else this.#body.destroy(error);
  }

  #end(code: string | undefined): void {
    this.#settled = true;
    clearTimeout(this.#deadline);
    this.#heard();
    this.#watch?.leave();
    this.#watch = undefined;
    if (!requests.hasSubscribers) return;
    requests.publish({
      host: this.#host,
      method: this.#request.method,
      status: this.#status,
      ms: performance.now() - this.#startedAt,
      sentBytes: this.#sent,
      receivedBytes: this.#received,
      code,
    } satisfies OutboundFact);
  }
}
