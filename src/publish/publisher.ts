/**
 * The publisher: from a plain request to a plain answer, through one pipeline.
 *
 * route, media types, key, scope, limits, body and input, idempotency, act, answer. Nothing is read of the body before the
 * caller was let in; nothing is done before the input was found valid (P7).
 */
import type { ContractModel } from "../contract/model.ts";
import { compileSchema } from "../contract/validate.ts";
import { failure } from "../errors.ts";
import type { Cipher, Schema, Validate } from "../operation.ts";
import type { Store } from "../store/store.ts";
import type { Authenticator } from "./access/authenticator.ts";
import { noteExposed } from "./access/exposed.ts";
import { type Keyring, openKeyring } from "./access/keyring.ts";
import { openAccess } from "./access/open.ts";
import type { AccessSources, SignedMessage } from "./access/way.ts";
import { type Form, formOf, type Kept } from "./answers/form.ts";
import type { Backend } from "./backend.ts";
import { type Consumers, openConsumers } from "./consumers/consumers.ts";
import type { ApiDefinition } from "./define.ts";
import { type DocsSources, openDocs } from "./docs/pages.ts";
import { documentsOf } from "./documents.ts";
import type { EventAct, Exchange, Prepared, Workshop } from "./exchange.ts";
import type { HttpRequest, HttpResponse } from "./http.ts";
import { openIdempotency } from "./idempotency.ts";
import type { KeyRecords } from "./key-records.ts";
import { type Gate, withHeaders } from "./lifecycle/gate.ts";
import { type LifecycleBook, openLifecycle } from "./lifecycle/lifecycle.ts";
import type { UsageOptions } from "./lifecycle/usage.ts";
import { addressBucket } from "./limits/address.ts";
import type { Limit } from "./limits/limit.ts";
import { accounted, chargeOf, type Meters, openAccount, openMetering, take } from "./limits/meters.ts";
import { openQuotaBook } from "./limits/quota-book.ts";
import { rateLimiter } from "./limits/rate.ts";
import type { OpenApiDocument } from "./openapi.ts";
import type { ApiCaller } from "./operations.ts";
import { checkAccept, type Page } from "./page.ts";
import { openCursors } from "./pages/cursor.ts";
import { prepare } from "./prepare.ts";
import { ProblemError, problemResponse } from "./problem.ts";
import { remembering } from "./remembering.ts";
import { reportFailure } from "./report-failure.ts";
import { checkPath, createRoutes, numbered, type RouterShelf, type RouteTable } from "./routes.ts";
import { type Signed, signpost } from "./signpost.ts";
import { openArrivals } from "./streams/arrivals.ts";
import { openStreams, type StreamOpener, type StreamSettings } from "./streams/open-streams.ts";
import { onceClosed } from "./streams/send.ts";
import { codeOf, newTrace, requests, type Trace, tell } from "./trace.ts";

/** What is served. */
export interface Publication {
  readonly apis: readonly ApiDefinition[];
  readonly backend: Backend;
  /** Contract of each system that straight calls use, by the system's name. */
  readonly contracts: ReadonlyMap<string, ContractModel>;
  /** For ways of access that need more than the store. Default: none; then such a way lets nobody in. */
  readonly access?: AccessSources;
}

export interface PublisherOptions extends Publication {
  /** With `storePart` of this room among its parts. */
  readonly store: Pick<Store, "submit" | "read">;
  /** Epoch milliseconds. Default `Date.now`. */
  readonly clock?: () => number;
  /** Milliseconds that never go back, for rate limits. Default `performance.now`. */
  readonly monotonic?: () => number;
  /** Largest request body where an API says nothing. Default 1 MiB. */
  readonly maxBodyBytes?: number;
  /** How long idempotency keys are remembered where an operation says nothing. Default 24 hours. */
  readonly idempotencyRetentionMs?: number;
  /** Of the counts of calls: how long they are kept, and how many are held back. */
  readonly usage?: Pick<UsageOptions, "retentionMs" | "mostHeld">;
  /** Of the answers that are kept. Default: they are kept in clear. */
  readonly cipher?: Cipher | undefined;
  /** Of streams of events. */
  readonly streams?: StreamSettings;
  /** What the docs are made from, besides the descriptions. Default: nothing. */
  readonly docs?: DocsSources;
}

export interface Publisher {
  /** Answers every request; never rejects. */
  handle(request: HttpRequest): Promise<HttpResponse>;
  /**
   * Makes everything that these APIs need, aside. The function that this gives serves them from then on, at once and without fail; a request
   * under way ends as it began. Limits that did not change go on counting. Throws `api-definition`; then nothing is changed. What was
   * prepared is served before anything else is prepared, or not at all.
   */
  prepare(next: Publication): () => void;
  /** Notes whose credential is in a request that came in clear to a port with TLS. Never rejects. */
  exposed(request: HttpRequest): Promise<void>;
  /** The OpenAPI 3.1 document of an API, drafts included. */
  openapi(name: string, version: string): OpenApiDocument | undefined;
  /** An event of a system came: reads that are watched and name it (`on`) are asked for again. */
  arrived(event: { readonly system: string; readonly name: string }): void;
  /** Ends the streams of events; their clients come again in a moment, and none is opened any more. */
  drain(): void;
  readonly keys: Keyring;
  readonly consumers: Consumers;
  /** What was blocked and retired, and who called what. */
  readonly lifecycle: LifecycleBook;
  /** What is on record of clients' idempotency keys. */
  readonly records: KeyRecords;
  /** Writes what is kept back (last uses) and stops the timers. */
  close(): Promise<void>;
}

interface OperationRoute {
  readonly kind: "operation";
  readonly gate: Gate;
  readonly form: Form;
  readonly prepared: Prepared;
  /** By plan; `""`: of callers without one. */
  readonly meters: ReadonlyMap<string, Meters>;
  readonly authenticator: Authenticator;
}
type Route = OperationRoute | { readonly kind: "page"; readonly gate: Gate; readonly form: Form; readonly page: Page };

const sharedPage: Kept = Object.freeze({ etag: true, shared: true });
const ownPage: Kept = Object.freeze({ etag: true, shared: false });
const anybody: ApiCaller = Object.freeze({ id: "", scopes: Object.freeze([]), via: "public" });
const flushEveryMs = 5000;
/** Over all publications: what is published again need not be compiled again. */
const compiled = new WeakMap<Schema, Validate>();

/** Throws `api-definition` if an API does not fit what it publishes. */
export function createPublisher(options: PublisherOptions): Publisher {
  const { store, clock = Date.now, monotonic = () => performance.now() } = options;
  const keys = openKeyring(store, clock);
  const idempotency = openIdempotency(store, clock, options.idempotencyRetentionMs ?? 86_400_000, options.cipher);
  const cursors = openCursors(store, options.cipher);
  const lifecycle = openLifecycle({ store, clock, ...options.usage });
  const compile = (schema: Schema): Validate => {
    const known = compiled.get(schema) ?? compileSchema(schema);
    compiled.set(schema, known);
    return known;
  };
  const report = reportFailure;
  // Guesses cost an address its turn; right keys never touch this.
  const guesses = rateLimiter({ per: "address", rate: 20, every: "10s" }, "failed-keys", monotonic);
  const tools = { keys, clock, monotonic, report: (error: unknown) => report(error, "-") };
  const access = openAccess(tools, guesses);
  const closing = new AbortController();
  const consumers = openConsumers(store, clock);
  const streams = openStreams(options.streams);
  const quotas = openQuotaBook(store, clock);
  const shelf: RouterShelf = {};
  const pagesOf = openDocs(options.docs ?? {}, monotonic);
  const metering = openMetering(quotas, clock, monotonic);
  let { table, documents, inventory, arrivals } = publication(options);
  metering.commit();

  /** Routes and documents of these APIs; nothing is changed by it. */
  function publication({ apis, backend, contracts, access: sources }: Publication) {
    const lookMs = options.streams?.lookMs;
    const { signal } = closing;
    const arrivals = openArrivals();
    const shop: Workshop = { backend, idempotency, cursors, clock, arrivals, signal, compile, report, lookMs };
    const routes = createRoutes<Route>(shelf);
    const written = new Map<string, OpenApiDocument>();
    const known: Signed[] = [];
    metering.begin();
    for (const api of apis) {
      const prepared = Object.entries(api.operations).map(([name, operation]) =>
        prepare(api, name, operation, shop, { contracts, maxBodyBytes: options.maxBodyBytes }),
      );
      const id = `${api.name} ${api.version}`;
      if (written.has(id))
        throw failure("api-definition", { api: api.name, reason: `version ${api.version} is there twice` });
      const authenticator = access(api, sources);
      const { text, document, shown: described, files } = documentsOf(api, prepared, authenticator.schemes);
      written.set(id, document);
      if (api.lifecycle.state === "draft") continue;
      const gate = lifecycle.gate(api);
      known.push({ api, authenticator, gate });
      if (api.lifecycle.state === "retired") continue;
      const form = formOf(api);
      for (const one of prepared) {
        const { method, path, spoken, limits = [] } = one.operation;
        const plans: [string, readonly Limit[]][] = [["", api.limits]];
        for (const [plan, own] of Object.entries(api.plans)) plans.push([plan, own.limits]);
        const meters = new Map(
          // Counts stay when the version moves on, and when a consumer's plan changes to one with the same limit.
          plans.map(([plan, general]) => [
            plan,
            metering.metersOf(`${api.name} ${api.base}`, general, one.name, limits),
          ]),
        );
        const route = spoken === undefined ? path : numbered(path);
        mount(routes, api, method, route, { kind: "operation", gate, form, prepared: one, meters, authenticator });
      }
      for (const { method, path, page: shown } of [...pagesOf(api, described, text), ...files])
        mount(routes, api, method, numbered(path), { kind: "page", gate, form, page: shown });
      const { resource } = authenticator;
      if (resource !== undefined) {
        const metadata: Page = { type: "application/json", response: (request) => resource.response(request) };
        routes.add("GET", resource.path, { kind: "page", gate, form, page: metadata });
      }
    }
    return { table: routes, documents: written, inventory: known, arrivals };
  }

  async function answer(incoming: HttpRequest, trace: Trace): Promise<HttpResponse> {
    let request = incoming;
    const { method, path } = request;
    checkPath(path);
    const served = table;
    const found = served.find(method, path);
    if (found === undefined) return unrouted(request, trace);
    const route = found.value;
    trace.form = route.form;
    trace.shape = route.kind === "operation" ? route.prepared.shape : undefined;
    trace.headers = route.gate.enter();
    if (route.kind === "page") {
      if (route.page.fresh !== true) trace.kept = sharedPage;
      if (route.page.type !== undefined) checkAccept(request, route.page.type);
      return route.page.response(request);
    }
    const { prepared, meters, authenticator } = route;
    trace.route = prepared;
    const { operation } = prepared;
    if (operation.etag === true) trace.kept = operation.access === "public" ? sharedPage : ownPage;
    if (prepared.offers !== undefined) checkAccept(request, prepared.offers);
    let caller = anybody;
    let message: SignedMessage | undefined;
    if (operation.access !== "public") {
      // What signs needs the body before anybody knows who it is; it is read once.
      if (authenticator.signed) request = remembering(request, prepared.maxBodyBytes);
      const found = authenticator.authenticate(request);
      const known = found instanceof Promise ? await found : found;
      caller = consumers.admit(known.caller);
      message = known.message;
    }
    trace.caller = caller;
    route.gate.admit(caller);
    mayCall(operation, caller, authenticator, request);
    const counted = lifecycle.usage.count(prepared, caller);
    if (counted !== undefined) await counted;
    const { early, late } = meters.get(caller.plan ?? "") ?? (meters.get("") as Meters);
    if (early.meters.length + late.meters.length > 0) trace.account = openAccount();
    const account = trace.account;
    if (account !== undefined) take(early, account, caller, request.address, undefined);
    if (caller.key !== undefined) keys.used(caller.key, prepared.label);
    const reading = prepared.read(request, found.params);
    const { input, body } = reading instanceof Promise ? await reading : reading;
    const charge = chargeOf(late, account, caller, request.address, input);
    if (!prepared.charges) charge();
    const exchange: Exchange = { request, caller, params: found.params, input, body, message, charge };
    return await (prepared.events === undefined
      ? prepared.act(exchange)
      : withEvents(route, prepared.events, exchange, served));
  }

  function withEvents(
    { gate, prepared, authenticator }: OperationRoute,
    act: EventAct,
    exchange: Exchange,
    served: RouteTable<Route>,
  ): Promise<HttpResponse> {
    const { request, caller, message } = exchange;
    const opener: StreamOpener = {
      who: caller.id === "" ? `address ${addressBucket(request.address)}` : caller.id,
      requestId: request.id,
      async recheck() {
        // It was on its way while others were ended by what is published now.
        if (served !== table) throw failure("streams-stopping", {});
        gate.enter();
        let now = caller;
        // A signature counts once, and ages; its consumer is looked at again.
        if (message === undefined && prepared.operation.access !== "public")
          now = (await authenticator.authenticate(request)).caller;
        now = consumers.admit(now);
        gate.admit(now);
        mayCall(prepared.operation, now, authenticator, request);
      },
    };
    return streams.open(opener, (stream) => act(exchange, stream));
  }

  /** OPTIONS is answered, as a preflight where it is one; anything else is thrown: there is no such path, or it has other methods. */
  function unrouted(request: HttpRequest, trace: Trace): HttpResponse {
    const { method, path } = request;
    const allowed = table.methods(path);
    if (allowed.length === 0) throw failure("route-unknown", { where: signpost(path, inventory) });
    const route = table.find(allowed[0] as string, path)?.value;
    trace.form = route?.form;
    const asked = method === "OPTIONS" && request.headers["access-control-request-method"] !== undefined;
    if (asked) {
      const preflight = route?.form.preflight(request, allowed);
      if (preflight !== undefined) return preflight;
    }
    trace.headers = route?.gate.enter();
    const list = [...allowed, "OPTIONS"].join(", ");
    // RFC 9110, section 9.3.7. The preflight of a page that may not call is refused.
    if (method === "OPTIONS" && !asked) return { status: 204, headers: { allow: list } };
    const shown = /^[A-Z]{1,20}$/.test(method) ? method : "this method";
    throw new ProblemError(failure("method-not-allowed", { method: shown, allowed: list }), {
      headers: { allow: list },
    });
  }

  const timer = setInterval(() => {
    const written = [keys.flush(), quotas.flush(), idempotency.sweep(), idempotency.flush(), lifecycle.tick()];
    Promise.all(written).catch((error: unknown) => report(error, "-"));
  }, flushEveryMs);
  timer.unref();

  return {
    async handle(request) {
      const begun = requests.hasSubscribers ? performance.now() : 0;
      const trace = newTrace();
      let response: HttpResponse;
      try {
        response = await answer(request, trace);
      } catch (thrown) {
        response = problemResponse(thrown, request.id);
        trace.code = codeOf(thrown);
        await lifecycle.strays.note(request, trace.code, inventory);
        if (response.status === 500) report(thrown, request.id);
      }
      if (trace.shape !== undefined) response = trace.shape(response, (error) => report(error, request.id));
      const { stream } = response;
      if (trace.account !== undefined) {
        if (trace.account.written.length > 0) await Promise.all(trace.account.written);
        // What streams is under way until it has ended.
        if (stream === undefined) for (const release of trace.account.releases) release();
        else for (const release of trace.account.releases) onceClosed(stream, release);
        response = accounted(response, trace.account);
      }
      if (trace.headers !== undefined) response = withHeaders(response, trace.headers);
      if (trace.form !== undefined) {
        const finished = trace.form.finish(request, response, trace.kept);
        response = finished instanceof Promise ? await finished : finished;
      }
      if (requests.hasSubscribers) {
        const { status } = response;
        if (stream === undefined) tell(request, trace, status, performance.now() - begun);
        else
          onceClosed(stream, () => {
            if (stream.errored !== null) trace.code = codeOf(stream.errored);
            tell(request, trace, status, performance.now() - begun);
          });
      }
      return response;
    },
    prepare(next) {
      const made = publication(next);
      return () => {
        metering.commit();
        ({ table, documents, inventory, arrivals } = made);
        // Its clients come again, to what is served now.
        streams.renew();
      };
    },
    async exposed(request) {
      const route = table.find(request.method, request.path)?.value;
      const authenticator = route?.kind === "operation" ? route.authenticator : undefined;
      await noteExposed(request, authenticator, keys).catch((error: unknown) => report(error, request.id));
    },
    arrived: (event) => arrivals.tell(event),
    drain: () => streams.drain(),
    openapi: (name, version) => documents.get(`${name} ${version}`),
    keys,
    consumers,
    lifecycle,
    records: idempotency.records,
    async close() {
      clearInterval(timer);
      streams.close();
      closing.abort();
      await Promise.all([keys.flush(), quotas.flush(), idempotency.flush(), lifecycle.flush()]);
    },
  };
}

function mount(routes: RouteTable<Route>, api: ApiDefinition, method: string, path: string, route: Route): void {
  try {
    routes.add(method, `${api.base}${path === "/" ? "" : path}`, route);
  } catch {
    const reason = `${method} ${api.base}${path} is served already; each version of each API has a base of its own`;
    throw failure("api-definition", { api: api.name, reason });
  }
}

/** Throws where scope or role is missing. */
function mayCall(
  { scope, roles }: Prepared["operation"],
  caller: ApiCaller,
  authenticator: Authenticator,
  request: HttpRequest,
): void {
  if (scope !== undefined && !caller.scopes.includes(scope)) throw authenticator.lacksScope(scope, request);
  if (roles !== undefined && roles.length > 0 && !hasRole(caller, roles))
    throw failure("role-missing", { roles: roles.join(", ") });
}

function hasRole({ roles }: ApiCaller, wanted: readonly string[]): boolean {
  return roles?.some((role) => wanted.includes(role)) === true;
}
