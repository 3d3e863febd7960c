/**
 * The connector for SOAP over HTTP: one attempt of one operation (connector.ts, C1 to C4). A SOAP contract has no place for
 * an effect key, so none is sent (C5).
 *
 * What an answer means: a declared fault is a value. A fault that blames the sender, or refuses the credentials, says that
 * nothing was done. Any other undeclared fault, and an HTTP status of 500 or more, leaves the outcome unknown.
 */
import { channel } from "node:diagnostics_channel";
import type { ContractModel, OperationModel, SoapBinding } from "../contract/model.ts";
import { type OperationValidators, operationValidators } from "../contract/validate.ts";
import type { XmlNote } from "../contract/xml-note.ts";
import { failure, MortiseError, type Outcome } from "../errors.ts";
import { parseXml, type XmlElement, type XmlTrouble } from "../formats/xml.ts";
import { Prefixes } from "../formats/xml-write.ts";
import { type CallContext, type CallResult, inWords, type Json, type Problem } from "../operation.ts";
import type { Outbound, OutboundResponse } from "../outbound/outbound.ts";
import type { Client, Connector } from "./connector.ts";
import { credentialHeader, retryAfter, signOfLife, unsaidPauseMs } from "./http.ts";
import { Codec, type Content, keyOf } from "./soap-codec.ts";
import { envelope, envelopeNamespaces, openEnvelope, type SoapFault } from "./soap-envelope.ts";
import { type Findings, readElement } from "./soap-read.ts";
import { WriteProblem, writeElement } from "./soap-write.ts";
import type { ResolvedSettings } from "./system.ts";
import { securityHeader } from "./ws-security.ts";

/** Told when an answer holds elements or attributes that the contract does not name: `{ system, operation, count }`. */
const undeclared = channel("mortise:connectors:undeclared");

/** What is worked out once per operation. */
interface Prepared {
  readonly binding: SoapBinding;
  readonly validators: OperationValidators;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly input: Content;
  readonly output: Content;
  /** The output is the only child of the wrapper, not its content. */
  readonly unwrapped: { readonly many: boolean } | undefined;
  readonly faults: ReadonlyMap<string, { readonly name: string; readonly content: Content }>;
  /** The contract's sensitive fields may be echoed in the reason of a fault. */
  readonly discreet: boolean;
}

export const soapConnector: Connector = Object.freeze({
  protocol: "wsdl",
  open(contract: ContractModel, settings: ResolvedSettings, environment: { readonly outbound: Outbound }): Client {
    checkSettings(settings);
    const codec = new Codec(contract);
    const prepared = new Map<OperationModel, Prepared>();
    const { outbound } = environment;
    return {
      async call(operation: OperationModel, input: Json, context: CallContext): Promise<CallResult> {
        let ready = prepared.get(operation);
        if (ready === undefined) {
          ready = prepare(contract, operation, settings, codec);
          prepared.set(operation, ready);
        }
        const name = `${settings.name}.${operation.name}`;
        const body = write(name, ready, input, settings);
        const response = await outbound.request({
          method: "POST",
          url: ready.url,
          headers: ready.headers,
          body,
          deadline: Math.min(context.deadline, Date.now() + settings.timeoutMs),
          signal: context.signal,
          maxResponseBytes: settings.maxResponseBytes,
          internal: settings.internal,
        });
        return read(name, ready, response, settings, operation);
      },
      health: (signal: AbortSignal) => signOfLife(outbound, settings.connection, settings, signal),
      close: () => Promise.resolve(),
    };
  },
});

function checkSettings(settings: ResolvedSettings): void {
  const url = URL.canParse(settings.connection) ? new URL(settings.connection) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw failure("connection-invalid", {
      system: settings.name,
      reason: "its connection is no http: or https: address",
    });
  const { credentials } = settings;
  const local = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
  if (credentials?.kind === "username-token" && credentials.type === "text" && url.protocol === "http:" && !local)
    throw failure("connection-invalid", {
      system: settings.name,
      reason: 'a username token of type "text" would carry the password readable over http:',
    });
}

function prepare(
  contract: ContractModel,
  operation: OperationModel,
  settings: ResolvedSettings,
  codec: Codec,
): Prepared {
  const { binding } = operation;
  if (binding.protocol !== "soap")
    throw failure("connection-invalid", { system: settings.name, reason: `${operation.name} is no SOAP operation` });
  const note: XmlNote | undefined =
    typeof operation.output === "boolean" ? undefined : (operation.output.xml as XmlNote);
  const unwrapped = note?.name === undefined ? undefined : { many: note.many === true };
  const faults = new Map<string, { name: string; content: Content }>();
  for (const { element, fault } of binding.faults) {
    const model = operation.faults[fault];
    const key = keyOf(element);
    if (model !== undefined && !faults.has(key)) faults.set(key, { name: fault, content: codec.content(model.detail) });
  }
  return {
    binding,
    validators: operationValidators(contract, operation),
    url: addressOf(binding, contract, settings.connection),
    headers: headersOf(binding, settings),
    input: codec.content(operation.input),
    output: unwrapped === undefined ? codec.content(operation.output) : codec.only(operation.output),
    unwrapped,
    faults,
    discreet: settings.sensitive.some((path) => path.startsWith(`${operation.name}.`)),
  };
}

/** The connection stands for the contract's first address; an operation that stands elsewhere keeps its own path. */
function addressOf(binding: SoapBinding, contract: ContractModel, connection: string): string {
  if (binding.address === undefined || binding.address === contract.servers[0]) return connection;
  const own = URL.parse(binding.address, connection);
  return own === null ? connection : new URL(`${own.pathname}${own.search}`, connection).href;
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
  const { binding } = ready;
  const soap = envelopeNamespaces[binding.version];
  const prefixes = new Prefixes({ soap });
  let body: string;
  try {
    body = binding.request === null ? "" : writeElement(prefixes, binding.request, ready.input, input);
  } catch (error) {
    if (error instanceof WriteProblem) throw badInput(name, [{ at: error.at, message: error.message }]);
    throw error;
  }
  const { credentials } = settings;
  const header = credentials?.kind === "username-token" ? securityHeader(credentials, prefixes, soap, Date.now()) : "";
  return envelope(prefixes, binding.version, header, body);
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
  const oneWay = ready.binding.response === null && Object.keys(operation.faults).length === 0;
  if (success && (oneWay || (ready.binding.response === null && response.body.byteLength === 0)))
    return { ok: true, output: null };

  const type = response.headers["content-type"] ?? "";
  const root =
    /\bxml\b/i.test(type) && !/^multipart\//i.test(type) ? parsed(name, response, type, settings) : undefined;
  if (root === undefined || root instanceof MortiseError) {
    if (!success) throw byStatus(name, response);
    throw root ?? badOutput(name, [{ at: "", message: `is not XML but "${type.slice(0, 60)}"` }]);
  }
  const answer = openEnvelope(root, ready.binding.version, Date.now());
  if (answer.kind === "fault") return faulty(name, ready, answer, settings);
  if (!success) throw byStatus(name, response);
  if (answer.kind === "unusable") throw badOutput(name, [{ at: "", message: answer.reason }]);
  return { ok: true, output: output(name, ready, answer.elements, settings, operation) };
}

function parsed(
  name: string,
  response: OutboundResponse,
  type: string,
  settings: ResolvedSettings,
): XmlElement | MortiseError {
  const charset = /;\s*charset\s*=\s*"?([\w.-]+)/i.exec(type)?.[1];
  try {
    return parseXml(response.body, { bytes: settings.maxResponseBytes }, charset);
  } catch (error) {
    if (!(error instanceof MortiseError)) throw error;
    const { place, reason } = error.details as XmlTrouble;
    return badOutput(name, [{ at: "", message: `is not readable XML (${place}: ${reason})` }]);
  }
}

function output(
  name: string,
  ready: Prepared,
  elements: readonly XmlElement[],
  settings: ResolvedSettings,
  operation: OperationModel,
): Json {
  const { response } = ready.binding;
  if (response === null) return null;
  const [element, ...more] = elements;
  if (
    element === undefined ||
    element.local !== response.local ||
    element.namespace !== response.namespace ||
    more.length > 0
  ) {
    const found = element === undefined ? "nothing" : keyOf(element);
    const wanted = keyOf(response);
    throw badOutput(name, [{ at: "", message: `its body holds ${found} instead of ${wanted} alone` }]);
  }
  const findings: Findings = { problems: [], undeclared: 0 };
  let value = readElement(ready.output, element, "", findings);
  if (ready.unwrapped !== undefined) {
    const only = (value as { readonly only?: Json } | null)?.only;
    value = only ?? (ready.unwrapped.many ? [] : null);
  }
  const problems = findings.problems.length > 0 ? findings.problems : ready.validators.output(value);
  if (problems.length > 0) throw badOutput(name, problems);
  if (findings.undeclared > 0 && undeclared.hasSubscribers)
    undeclared.publish({ system: settings.name, operation: operation.name, count: findings.undeclared });
  return value;
}

function faulty(name: string, ready: Prepared, fault: SoapFault, settings: ResolvedSettings): CallResult {
  for (const element of fault.details) {
    const declared = ready.faults.get(keyOf(element));
    if (declared === undefined) continue;
    const findings: Findings = { problems: [], undeclared: 0 };
    const detail = readElement(declared.content, element, "", findings);
    const problems = findings.problems.length > 0 ? findings.problems : ready.validators.fault(declared.name)(detail);
    if (problems.length > 0) throw badOutput(name, problems);
    const message = ready.discreet || fault.reason === "" ? declared.name : shown(fault.reason, settings);
    return { ok: false, fault: { name: declared.name, message, detail } };
  }
  const told = fault.reason === "" || ready.discreet ? fault.code : `${fault.code} (${shown(fault.reason, settings)})`;
  const extras =
    fault.blame === "sender" ? ({ class: "give-up", outcome: "none" } as const) : ({ outcome: "unknown" } as const);
  throw failure("soap-fault", { operation: name, fault: told }, extras);
}

/** What the other side says, short, on one line, and without our password in it (P8). */
function shown(text: string, { credentials }: ResolvedSettings): string {
  let safe = text.replace(/\p{Cc}+/gu, " ");
  for (const secret of secretsOf(credentials)) safe = safe.replaceAll(secret, "***");
  return safe.length > 300 ? `${safe.slice(0, 300)}…` : safe;
}

function secretsOf(credentials: ResolvedSettings["credentials"]): readonly string[] {
  if (credentials === undefined) return [];
  if (credentials.kind === "bearer") return [credentials.token];
  const secret = credentials.kind === "header" ? credentials.value : credentials.password;
  return secret === "" ? [] : [secret];
}

/** A status without a usable envelope. 425 and 429 say that nothing was done (RFC 8470, section 5.2; RFC 6585, section 4). */
function byStatus(name: string, response: OutboundResponse): MortiseError {
  const { status, headers } = response;
  const parameters = { operation: name, status };
  const outcome: Outcome = status >= 400 && status < 500 && status !== 408 ? "none" : "unknown";
  if (status < 500 && status !== 408 && status !== 425 && status !== 429)
    return failure("soap-status", parameters, { class: "give-up", outcome });
  const pause = retryAfter(headers["retry-after"], headers.date);
  const wait = status === 429 || (status === 503 && pause !== undefined);
  const retryAfterMs = wait ? (pause ?? unsaidPauseMs) : pause;
  return failure("soap-status", parameters, { class: wait ? "wait" : "retry", outcome, retryAfterMs });
}

function badInput(operation: string, problems: readonly Problem[]): MortiseError {
  return failure("contract-input", { operation, problems: inWords(problems) }, { details: problems });
}

/** It happened, but what came back can't be used: only a person can know (C2). */
function badOutput(operation: string, problems: readonly Problem[]): MortiseError {
  return failure(
    "contract-output",
    { operation, problems: inWords(problems) },
    { details: problems, outcome: "unknown" },
  );
}
