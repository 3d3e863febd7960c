/**
 * The connector for SOAP over HTTP: one attempt of one operation (connector.ts, C1 to C4). A SOAP contract has no place for
 * an effect key, so none is sent (C5).
 *
 * What an answer means: a declared fault is a value. A fault that blames the sender, or refuses the credentials, says that
 * nothing was done. Any other undeclared fault, and an HTTP status of 500 or more, leaves the outcome unknown.
 */
import { channel } from "node:diagnostics_channel";
import { pathsBelow } from "../contract/mask.ts";
import type { ContractModel, OperationModel, SoapBinding } from "../contract/model.ts";
import { type OperationValidators, operationValidators } from "../contract/validate.ts";
import { type ErrorExtras, failure, MortiseError } from "../errors.ts";
import type { XmlElement } from "../formats/xml.ts";
import type { CallContext, CallResult, Json } from "../operation.ts";
import type { Outbound, OutboundResponse } from "../outbound/outbound.ts";
import type { Client, Connector } from "./connector.ts";
import { noteDeprecation } from "./deprecation.ts";
import { credentialHeader, pauseAsked, signOfLife } from "./http.ts";
import { httpXmlExchange } from "./http-xml-exchange.ts";
import { scrubber, secretsOf } from "./rest-problem.ts";
import { Codec } from "./soap-codec.ts";
import { openEnvelope, type SoapFault } from "./soap-envelope.ts";
import { answerInXml, badInput, badOutput, byStatus, type Exchange, mediaTypeOf } from "./soap-errors.ts";
import { SoapMessages } from "./soap-messages.ts";
import { WriteProblem } from "./soap-write.ts";
import type { ResolvedSettings } from "./system.ts";
import { securityHeader } from "./ws-security.ts";

/** Told when an answer holds elements or attributes that the contract does not name: `{ system, operation, count }`. */
const undeclared = channel("mortise:connectors:undeclared");

/** What is worked out once per operation. */
interface Prepared {
  readonly binding: SoapBinding;
  readonly validators: OperationValidators;
  readonly messages: SoapMessages;
  /** The contract's sensitive fields may be echoed in the reason of a fault. */
  readonly discreet: boolean;
}

export const soapConnector: Connector = Object.freeze({
  protocol: "wsdl",
  open(contract: ContractModel, settings: ResolvedSettings, environment: { readonly outbound: Outbound }): Client {
    checkSettings(settings);
    const codec = new Codec(contract);
    const prepared = new Map<OperationModel, Exchange>();
    const { outbound } = environment;
    return {
      async call(operation: OperationModel, input: Json, context: CallContext): Promise<CallResult> {
        let ready = prepared.get(operation);
        if (ready === undefined) {
          ready = exchange(contract, operation, settings, codec);
          prepared.set(operation, ready);
        }
        const name = `${settings.name}.${operation.name}`;
        const { method, url, headers, body } = ready.request(name, input);
        const response = await outbound.request({
          method,
          url,
          headers,
          ...(body === undefined ? {} : { body }),
          deadline: Math.min(context.deadline, Date.now() + settings.timeoutMs),
          signal: context.signal,
          maxResponseBytes: settings.maxResponseBytes,
          internal: settings.internal,
        });
        noteDeprecation(settings.name, operation.name, response.headers);
        return ready.result(name, response);
      },
      health: (signal: AbortSignal) => signOfLife(outbound, settings.connection, settings, signal),
      close: () => Promise.resolve(),
    };
  },
});

/** What a SOAP call can carry; another kind would be left out without a word. */
const carried: ReadonlySet<string> = new Set(["bearer", "basic", "header", "username-token"]);

function checkSettings(settings: ResolvedSettings): void {
  const url = URL.canParse(settings.connection) ? new URL(settings.connection) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw failure("connection-invalid", {
      system: settings.name,
      reason: "its connection is no http: or https: address",
    });
  const { credentials } = settings;
  if (credentials !== undefined && !carried.has(credentials.kind))
    throw failure("connection-invalid", {
      system: settings.name,
      reason: `credentials of the kind "${credentials.kind}" are for REST`,
    });
  const local = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
  if (credentials?.kind === "username-token" && credentials.type === "text" && url.protocol === "http:" && !local)
    throw failure("connection-invalid", {
      system: settings.name,
      reason: 'a username token of type "text" would carry the password readable over http:',
    });
}

function exchange(
  contract: ContractModel,
  operation: OperationModel,
  settings: ResolvedSettings,
  codec: Codec,
): Exchange {
  const { binding } = operation;
  if (binding.protocol === "http-xml") {
    const address = addressOf(binding.address, contract, settings.connection);
    return httpXmlExchange(contract, operation, binding, { settings, codec, address });
  }
  if (binding.protocol !== "soap")
    throw failure("connection-invalid", { system: settings.name, reason: `${operation.name} is no SOAP operation` });
  const ready: Prepared = {
    binding,
    validators: operationValidators(contract, operation),
    messages: new SoapMessages(operation, binding, codec),
    discreet: pathsBelow(settings.sensitive, operation.name).length > 0,
  };
  const url = addressOf(binding.address, contract, settings.connection);
  const headers = headersOf(binding, settings);
  return {
    request: (name, input) => ({ method: "POST", url, headers, body: write(name, ready, input, settings) }),
    result: (name, response) => read(name, ready, response, settings, operation),
  };
}

/** The connection stands for the contract's first address; an operation that stands elsewhere keeps its own path. */
function addressOf(address: string | undefined, contract: ContractModel, connection: string): string {
  if (address === undefined || address === contract.servers[0]) return connection;
  const own = URL.parse(address, connection);
  // One that is no place on the web (a queue) is reached where the connection says.
  return own === null || !/^https?:$/.test(own.protocol)
    ? connection
    : new URL(`${own.pathname}${own.search}`, connection).href;
}

function headersOf(binding: SoapBinding, settings: ResolvedSettings): Readonly<Record<string, string>> {
  const headers: Record<string, string> = { accept: "text/xml, application/soap+xml" };
  const action = binding.action.replace(/["\\\r\n]/g, "");
  if (binding.version === "1.1") {
    headers["content-type"] = "text/xml; charset=utf-8";
    // Quoted, and sent even if empty (SOAP 1.1, section 6.1.1).
    headers.soapaction = `"${action}"`;
  } else {
    const parameter = action === "" ? "" : `; action="${action}"`;
    headers["content-type"] = `application/soap+xml; charset=utf-8${parameter}`;
  }
  return { ...headers, ...credentialHeader(settings) };
}

function write(name: string, ready: Prepared, input: Json, settings: ResolvedSettings): string {
  const problems = ready.validators.input(input);
  if (problems.length > 0) throw badInput(name, problems);
  const { credentials } = settings;
  try {
    return ready.messages.writeRequest(input, (prefixes, soap) =>
      credentials?.kind === "username-token" ? securityHeader(credentials, prefixes, soap, Date.now()) : "",
    );
  } catch (error) {
    if (error instanceof WriteProblem) throw badInput(name, [{ at: error.at, message: error.message }]);
    throw error;
  }
}

function read(
  name: string,
  ready: Prepared,
  response: OutboundResponse,
  settings: ResolvedSettings,
  operation: OperationModel,
): CallResult {
  const { status } = response;
  const success = status >= 200 && status < 300;
  const silent = ready.binding.response === null && ready.binding.bodyOutput !== true;
  const oneWay = silent && Object.keys(operation.faults).length === 0;
  if (success && silent && response.body.byteLength === 0) return { ok: true, output: null };

  const root = answerInXml(name, response, settings.maxResponseBytes);
  if (success && oneWay) {
    // What comes back says nothing, unless it says that it failed: some systems send their faults with 200.
    const said =
      root === undefined || root instanceof MortiseError
        ? undefined
        : openEnvelope(root, ready.binding.version, Date.now());
    return said?.kind === "fault" ? faulty(name, ready, said, response, settings) : { ok: true, output: null };
  }
  if (root === undefined || root instanceof MortiseError) {
    if (!success) throw byStatus(name, response);
    const type = mediaTypeOf(response).slice(0, 60);
    throw root ?? badOutput(name, [{ at: "", message: `is not XML but "${type}"` }]);
  }
  const answer = openEnvelope(root, ready.binding.version, Date.now());
  if (answer.kind === "fault") return faulty(name, ready, answer, response, settings);
  if (!success) throw byStatus(name, response);
  if (answer.kind === "unusable") throw badOutput(name, [{ at: "", message: answer.reason }]);
  return { ok: true, output: output(name, ready, answer.elements, settings, operation) };
}

function output(
  name: string,
  ready: Prepared,
  elements: readonly XmlElement[],
  settings: ResolvedSettings,
  operation: OperationModel,
): Json {
  const message = ready.messages.readAnswer(elements);
  const problems = message.problems.length > 0 ? message.problems : ready.validators.output(message.value);
  if (problems.length > 0) throw badOutput(name, problems);
  if (message.undeclared > 0 && undeclared.hasSubscribers)
    undeclared.publish({ system: settings.name, operation: operation.name, count: message.undeclared });
  return message.value;
}

function faulty(
  name: string,
  ready: Prepared,
  fault: SoapFault,
  response: OutboundResponse,
  settings: ResolvedSettings,
): CallResult {
  for (const element of fault.details) {
    const declared = ready.messages.readFault(element, fault.body);
    if (declared === undefined) continue;
    const problems =
      declared.problems.length > 0 ? declared.problems : ready.validators.fault(declared.name)(declared.value);
    if (problems.length > 0) throw badOutput(name, problems);
    const message = ready.discreet || fault.reason === "" ? declared.name : shown(fault.reason, settings);
    return { ok: false, fault: { name: declared.name, message, detail: declared.value } };
  }
  const told = fault.reason === "" || ready.discreet ? fault.code : `${fault.code} (${shown(fault.reason, settings)})`;
  throw failure("soap-fault", { operation: name, fault: told }, meaning(fault, response));
}

/** Who is to blame says whether it happened; the status may say so, too, and that it is to be asked again later, whoever is to blame. */
function meaning({ blame }: SoapFault, response: OutboundResponse): ErrorExtras {
  const { status } = response;
  const asked = pauseAsked(response);
  const refused = status === 425 || status === 429;
  const outcome = refused || blame === "sender" ? "none" : "unknown";
  if (blame === "sender" && !refused && asked.class === "retry") return { class: "give-up", outcome };
  return { outcome, ...asked };
}

/** What the other side says, short, on one line, and without our password in it (P8). */
function shown(text: string, { credentials }: ResolvedSettings): string {
  const safe = scrubber(secretsOf(credentials), [])(text.replace(/\p{Cc}+/gu, " "));
  return safe.length > 300 ? `${safe.slice(0, 300)}…` : safe;
}
