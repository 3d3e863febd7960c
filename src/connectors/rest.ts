/**
 * The connector `rest`: operations of OpenAPI contracts over HTTP. Per operation everything is worked out at its first call;
 * a call itself checks, writes, sends once, reads and checks (connector.ts, C1 to C5).
 */
import { eachHidden, type Mask, maskAt, pathsBelow } from "../contract/mask.ts";
import type { ContractModel, OperationModel, RestBinding } from "../contract/model.ts";
import { passingBody } from "../contract/passing.ts";
import { modelValidator, operationValidators } from "../contract/validate.ts";
import { failure } from "../errors.ts";
import {
  type CallContext,
  type CallResult,
  inWords,
  type Json,
  type Passage,
  type PassResult,
  type Told,
  type Validate,
} from "../operation.ts";
import type { OutboundRequest, OutboundResponse } from "../outbound/outbound.ts";
import type { Client, Connector, ConnectorEnvironment, Health } from "./connector.ts";
import { noteDeprecation } from "./deprecation.ts";
import { type CredentialText, credentialHeader, credentialText, signOfLife } from "./http.ts";
import { TokenSource } from "./oauth.ts";
import { answerReader, type ReadAnswer, type TellAnswer } from "./rest-answer.ts";
import { passThrough } from "./rest-pass.ts";
import { scrubber, secretsOf } from "./rest-problem.ts";
import { requestWriter, type Writer, type Written } from "./rest-request.ts";
import type { ResolvedSettings } from "./system.ts";

export const restConnector: Connector = Object.freeze({
  protocol: "openapi",
  open(contract: ContractModel, settings: ResolvedSettings, environment: ConnectorEnvironment): Client {
    return new RestClient(contract, settings, environment);
  },
});

interface Plan {
  readonly shown: string;
  readonly method: string;
  readonly validate: Validate;
  /** Of the input without a body that passes. */
  readonly validateRest: Validate;
  readonly succeeds: (status: number) => boolean;
  readonly write: Writer;
  readonly read: ReadAnswer;
  readonly tell: TellAnswer;
  /** Of its input. */
  readonly mask: Mask;
}

const readIt = ({ read }: Plan): ReadAnswer => read;
const tellIt = ({ tell }: Plan): TellAnswer => tell;

class RestClient implements Client {
  readonly #contract: ContractModel;
  readonly #settings: ResolvedSettings;
  readonly #environment: ConnectorEnvironment;
  readonly #base: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #extra: CredentialText;
  readonly #tokens: TokenSource | undefined;
  readonly #plans = new Map<OperationModel, Plan>();

  constructor(contract: ContractModel, settings: ResolvedSettings, environment: ConnectorEnvironment) {
    this.#contract = contract;
    this.#settings = settings;
    this.#environment = environment;
    if (settings.credentials?.kind === "username-token")
      throw failure("connection-invalid", { system: settings.name, reason: "username-token credentials are for SOAP" });
    this.#base = baseOf(settings.name, settings.connection);
    this.#headers = Object.freeze(credentialHeader(settings));
    this.#extra = credentialText(settings);
    this.#tokens =
      settings.credentials?.kind === "oauth"
        ? new TokenSource(settings.credentials, settings, environment.outbound)
        : undefined;
  }

  call(operation: OperationModel, input: Json, context: CallContext): Promise<CallResult> {
    return this.#send(operation, input, context, readIt);
  }

  tell(operation: OperationModel, input: Json, context: CallContext): Promise<Told> {
    return this.#send(operation, input, context, tellIt);
  }

  #send<R>(
    operation: OperationModel,
    input: Json,
    context: CallContext,
    way: (plan: Plan) => (...answer: Parameters<ReadAnswer>) => R,
  ): Promise<R> {
    let sent: OutboundRequest;
    let read: (answer: OutboundResponse, token?: string) => R;
    try {
      const plan = this.#plans.get(operation) ?? this.#plan(operation);
      const request = written(plan, plan.validate, input, context.key);
      sent = {
        method: plan.method,
        url: request.url,
        headers: request.headers,
        body: request.body,
        deadline: Math.min(context.deadline, Date.now() + this.#settings.timeoutMs),
        signal: context.signal,
        maxResponseBytes: this.#settings.maxResponseBytes,
        internal: this.#settings.internal,
      };
      read = this.#reader(operation, plan, input, way(plan));
    } catch (error) {
      return Promise.reject(error as Error);
    }
    if (this.#tokens !== undefined) return this.#callWithToken(this.#tokens, sent, context.signal, read);
    return this.#environment.outbound.request(sent).then(read);
  }

  async #callWithToken<R>(
    tokens: TokenSource,
    sent: OutboundRequest,
    signal: AbortSignal,
    read: (answer: OutboundResponse, token?: string) => R,
  ): Promise<R> {
    const { outbound } = this.#environment;
    const token = await tokens.token(sent.deadline, signal);
    const response = await outbound.request(authorised(sent, token));
    if (response.status !== 401) return read(response, token);
    // By the system's own word nothing was done, for the token's sake: once more with a new one is the same attempt.
    tokens.refused(token);
    const fresh = await tokens.token(sent.deadline, signal);
    return read(fresh === token ? response : await outbound.request(authorised(sent, fresh)), fresh);
  }

  pass(operation: OperationModel, input: Json, context: CallContext, passage: Passage): Promise<PassResult> {
    const plan = this.#plans.get(operation) ?? this.#plan(operation);
    const validate = passage.body === undefined ? plan.validate : plan.validateRest;
    const request = written(plan, validate, input, context.key);
    const { shown, method, succeeds } = plan;
    const { outbound } = this.#environment;
    const [settings, tokens] = [this.#settings, this.#tokens];
    const read = this.#reader(operation, plan, input, plan.read);
    return passThrough({ shown, method, succeeds, request, settings, outbound, tokens, read }, context, passage);
  }

  #reader<R>(operation: OperationModel, plan: Plan, input: Json, read: (...answer: Parameters<ReadAnswer>) => R) {
    return (answer: OutboundResponse, token?: string): R => {
      noteDeprecation(this.#settings.name, operation.name, answer.headers);
      return read(answer, () => {
        const sensitive: (string | number)[] = [];
        eachHidden(input, plan.mask(input), (value) => sensitive.push(value));
        return scrubber([...secretsOf(this.#settings.credentials), token ?? ""], sensitive);
      });
    };
  }

  health(signal: AbortSignal): Promise<Health> {
    return signOfLife(this.#environment.outbound, `${this.#base}/`, this.#settings, signal);
  }

  async close(): Promise<void> {
    // The HTTP client belongs to the thread, not to the system.
    this.#plans.clear();
  }

  /** Where an operation is reached: nobody but the connection's own settings can send it, and the credentials, to another host. */
  #baseFor(operation: string, server: string | undefined): string {
    if (server === undefined || this.#contract.servers.includes(server)) return this.#base;
    const { name, servers } = this.#settings;
    if (servers !== undefined && Object.hasOwn(servers, server)) return baseOf(name, servers[server]!);
    const { origin } = new URL(this.#base);
    const own = URL.parse(server, `${origin}/`);
    if (own !== null && own.origin === origin) return baseOf(name, own.href);
    const reason = `${operation} is reached at an address of its own; name it in servers: { ${JSON.stringify(server)}: ... }`;
    throw failure("connection-invalid", { system: name, reason });
  }

  #plan(operation: OperationModel): Plan {
    const { binding } = operation;
    const shown = `${this.#settings.name}.${operation.name}`;
    if (binding.protocol !== "rest")
      throw failure("connection-invalid", {
        system: this.#settings.name,
        reason: `${operation.name} is no REST operation`,
      });
    const validators = operationValidators(this.#contract, operation);
    const plan: Plan = {
      shown,
      method: binding.method,
      validate: validators.input,
      validateRest: modelValidator(this.#contract, passingBody(operation)?.schema ?? false),
      succeeds: (status) =>
        binding.success.some(
          (one) => one.mediaType !== null && (one.status === String(status) || one.status === `${String(status)[0]}XX`),
        ),
      write: requestWriter(
        operation,
        binding,
        this.#baseFor(operation.name, binding.server),
        { accept: acceptOf(binding), ...this.#headers },
        this.#extra,
      ),
      ...answerReader(shown, operation, binding, validators, this.#contract, this.#settings.maxResponseBytes),
      mask: maskAt(pathsBelow(this.#settings.sensitive, `${operation.name}.input`)),
    };
    this.#plans.set(operation, plan);
    return plan;
  }
}

/** The request, if the input fits. */
function written(plan: Plan, validate: Validate, input: Json, key: string): Written {
  const problems = validate(input);
  if (problems.length > 0)
    throw failure("contract-input", { operation: plan.shown, problems: inWords(problems) }, { details: problems });
  // Only operations whose whole input is one body of another type have an input that is no object.
  const members = (typeof input === "object" && input !== null ? input : {}) as Readonly<Record<string, unknown>>;
  const request = plan.write(members, key);
  if ("url" in request) return request;
  throw failure("contract-input", { operation: plan.shown, problems: inWords(request) }, { details: request });
}

function authorised<R extends Pick<OutboundRequest, "headers">>(request: R, token: string): R {
  return { ...request, headers: { ...request.headers, authorization: `Bearer ${token}` } };
}

/** The declared media types, those of success first; JSON and whatever comes after them. */
function acceptOf({ success, faults }: RestBinding): string {
  const declared = [...success, ...faults].flatMap(({ mediaType }) => (mediaType === null ? [] : [mediaType]));
  const types = [...new Set(["application/json", ...declared])].filter((type) =>
    /^[\x21-\x7e]+\/[\x20-\x7e]+$/.test(type),
  );
  const [first] = success;
  const text = first?.mediaType != null && !first.mediaType.includes("*") ? [first.mediaType, ...types] : types;
  return `${[...new Set(text)]
    .filter((type) => type !== "*/*")
    .slice(0, 8)
    .join(", ")}, */*;q=0.5`;
}

function baseOf(system: string, address: string): string {
  const url = URL.parse(address);
  const invalid = (reason: string) => failure("connection-invalid", { system, reason });
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:"))
    throw invalid("it is no http: or https: address");
  if (url.username !== "" || url.password !== "")
    throw invalid("credentials stand in the address; give them as credentials");
  if (url.search !== "" || url.hash !== "") throw invalid("the address has a query or a fragment");
  return url.origin + url.pathname.replace(/\/+$/, "");
}
