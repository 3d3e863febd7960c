/**
 * The connector `rest`: operations of OpenAPI contracts over HTTP. Per operation everything is worked out at its first call;
 * a call itself checks, writes, sends once, reads and checks (connector.ts, C1 to C5).
 */

import { bodyKind } from "../contract/media.ts";
import type { ContractModel, OperationModel } from "../contract/model.ts";
import { operationValidators } from "../contract/validate.ts";
import { failure } from "../errors.ts";
import { type CallContext, type CallResult, inWords, type Json, type Validate } from "../operation.ts";
import type { Client, Connector, ConnectorEnvironment, Health } from "./connector.ts";
import { credentialHeader, signOfLife } from "./http.ts";
import { answerReader, type ReadAnswer } from "./rest-answer.ts";
import { requestWriter, type Writer } from "./rest-request.ts";
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
  readonly write: Writer;
  readonly read: ReadAnswer;
}

class RestClient implements Client {
  readonly #contract: ContractModel;
  readonly #settings: ResolvedSettings;
  readonly #environment: ConnectorEnvironment;
  readonly #base: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #plans = new Map<OperationModel, Plan>();

  constructor(contract: ContractModel, settings: ResolvedSettings, environment: ConnectorEnvironment) {
    this.#contract = contract;
    this.#settings = settings;
    this.#environment = environment;
    if (settings.credentials?.kind === "username-token")
      throw failure("connection-invalid", { system: settings.name, reason: "username-token credentials are for SOAP" });
    this.#base = baseOf(settings);
    this.#headers = Object.freeze({ accept: "application/json, */*;q=0.5", ...credentialHeader(settings) });
  }

  async call(operation: OperationModel, input: Json, context: CallContext): Promise<CallResult> {
    const plan = this.#plans.get(operation) ?? this.#plan(operation);
    const problems = plan.validate(input);
    if (problems.length > 0)
      throw failure("contract-input", { operation: plan.shown, problems: inWords(problems) }, { details: problems });
    // Only operations whose whole input is one body of another type have an input that is no object.
    const members = (typeof input === "object" && input !== null ? input : {}) as Readonly<Record<string, unknown>>;
    const request = plan.write(members, context.key);
    if (!("url" in request))
      throw failure("contract-input", { operation: plan.shown, problems: inWords(request) }, { details: request });
    const response = await this.#environment.outbound.request({
      method: plan.method,
      url: request.url,
      headers: request.headers,
      ...(request.body === undefined ? {} : { body: request.body }),
      deadline: Math.min(context.deadline, Date.now() + this.#settings.timeoutMs),
      signal: context.signal,
      maxResponseBytes: this.#settings.maxResponseBytes,
      internal: this.#settings.internal,
    });
    return plan.read(response);
  }

  health(signal: AbortSignal): Promise<Health> {
    return signOfLife(this.#environment.outbound, `${this.#base}/`, this.#settings, signal);
  }

  async close(): Promise<void> {
    // The HTTP client belongs to the thread, not to the system.
    this.#plans.clear();
  }

  #plan(operation: OperationModel): Plan {
    const { binding } = operation;
    const shown = `${this.#settings.name}.${operation.name}`;
    if (binding.protocol !== "rest")
      throw failure("connection-invalid", {
        system: this.#settings.name,
        reason: `${operation.name} is no REST operation`,
      });
    if (binding.body !== undefined && bodyKind(binding.body.mediaType) === "multipart")
      throw failure("rest-media-type", { operation: shown, mediaType: binding.body.mediaType });
    const validators = operationValidators(this.#contract, operation);
    const plan: Plan = {
      shown,
      method: binding.method,
      validate: validators.input,
      write: requestWriter(operation, binding, this.#base, this.#headers),
      read: answerReader(shown, operation, binding, validators, this.#settings.maxResponseBytes),
    };
    this.#plans.set(operation, plan);
    return plan;
  }
}

function baseOf(settings: ResolvedSettings): string {
  const url = URL.parse(settings.connection);
  const invalid = (reason: string) => failure("connection-invalid", { system: settings.name, reason });
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:"))
    throw invalid("it is no http: or https: address");
  if (url.username !== "" || url.password !== "")
    throw invalid("credentials stand in the address; give them as credentials");
  if (url.search !== "" || url.hash !== "") throw invalid("the address has a query or a fragment");
  return url.origin + url.pathname.replace(/\/+$/, "");
}
