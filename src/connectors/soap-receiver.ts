/**
 * The server's side of a contract in WSDL: takes an HTTP request apart into an operation and its input, and turns an output, a
 * fault or a failure into the HTTP answer. It knows no socket; fakes of systems are built on it, and a published SOAP API can be.
 *
 * The messages come from the same compiled schemas as the client's (soap-messages.ts, http-xml.ts).
 */
import type { ContractModel, OperationModel, SoapBinding } from "../contract/model.ts";
import { operationValidators } from "../contract/validate.ts";
import { MortiseError } from "../errors.ts";
import { parseXml, type XmlElement, type XmlTrouble } from "../formats/xml.ts";
import { Prefixes } from "../formats/xml-write.ts";
import { inWords, type Json } from "../operation.ts";
import { HttpXmlMessages } from "./http-xml.ts";
import { locate } from "./http-xml-route.ts";
import { Codec, keyOf } from "./soap-codec.ts";
import { envelope, envelopeNamespaces, isForUs, type SoapVersion, versionOf } from "./soap-envelope.ts";
import { type FaultMessage, faultElement, type ReadMessage, SoapMessages } from "./soap-messages.ts";
import { wsse } from "./ws-security.ts";
import { type TokenSettings, UsernameTokens } from "./ws-security-check.ts";

/** One HTTP request. Header names in lower case. */
export interface ReceivedRequest {
  readonly method: string;
  /** Path and query: `/orders?x=1`. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Uint8Array;
}

export interface ReceiverAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

/** A request that fits the contract. Each answer throws `WriteProblem` where its value does not fit. */
export interface ReceivedCall {
  readonly kind: "call";
  readonly operation: OperationModel;
  readonly input: Json;
  /** Of the UsernameToken, where tokens are checked. */
  readonly user?: string;
  output(value: Json): ReceiverAnswer;
  fault(name: string, message: string, detail: Json): ReceiverAnswer;
  failure(blame: FaultMessage["blame"], message: string): ReceiverAnswer;
}

export type Received =
  | ReceivedCall
  /** It reached nothing; `answer` says so to the caller, `reason` to us. `operation`: the one that it was meant for. */
  | {
      readonly kind: "refused";
      readonly reason: string;
      readonly answer: ReceiverAnswer;
      readonly operation?: OperationModel;
    };

/** Whether an operation is taken first where a request can mean several. */
export type Prefers = (operation: string) => boolean;

export interface ReceiverSettings {
  /** Who may call: a UsernameToken is demanded of every SOAP request. Default: a security header is not looked at. */
  readonly tokens?: TokenSettings;
  /** Largest request in bytes. Default 8 MiB. */
  readonly maxBytes?: number;
  readonly now?: () => number;
}

interface Soap {
  readonly operation: OperationModel;
  readonly binding: SoapBinding;
}

export class SoapReceiver {
  readonly #model: ContractModel;
  readonly #codec: Codec;
  readonly #soap: readonly Soap[];
  readonly #tokens: UsernameTokens | undefined;
  readonly #now: () => number;
  readonly #maxBytes: number;
  readonly #messages = new Map<OperationModel, SoapMessages>();

  constructor(model: ContractModel, settings: ReceiverSettings = {}) {
    this.#model = model;
    this.#codec = new Codec(model);
    this.#tokens = settings.tokens === undefined ? undefined : new UsernameTokens(settings.tokens);
    this.#now = settings.now ?? Date.now;
    this.#maxBytes = settings.maxBytes ?? 8 * 1024 * 1024;
    this.#soap = Object.values(model.operations).flatMap((operation) =>
      operation.binding.protocol === "soap" ? [{ operation, binding: operation.binding }] : [],
    );
  }

  receive(request: ReceivedRequest, prefers: Prefers = () => false): Received {
    const plain = locate(this.#model, request, prefers);
    if (plain !== undefined) return this.#plain(plain.operation, plain.parameters, request);
    if (request.method !== "POST") return refusedPlainly(405, `${request.method} is not how SOAP is called`);
    let root: XmlElement;
    try {
      root = parseXml(request.body, { bytes: this.#maxBytes }, charsetOf(request));
    } catch (error) {
      if (!(error instanceof MortiseError)) throw error;
      const { place, reason } = error.details as XmlTrouble;
      return this.#refused(this.#version(), `the request is not readable XML (${place}: ${reason})`);
    }
    const version = root.local === "Envelope" ? versionOf(root.namespace) : undefined;
    if (version === undefined || !this.#soap.some(({ binding }) => binding.version === version))
      return this.#refused(version ?? this.#version(), "the request is in no envelope that is spoken here", {
        namespace: envelopeNamespaces[version ?? this.#version()],
        local: "VersionMismatch",
      });
    const bodies = root.children.filter((each) => each.namespace === root.namespace && each.local === "Body");
    const [body] = bodies;
    if (body === undefined || bodies.length > 1) return this.#refused(version, "the request has not exactly one body");
    const headers = root.children
      .filter((each) => each.namespace === root.namespace && each.local === "Header")
      .flatMap((each) => each.children);
    return this.#envelope(version, body.children, headers, request, prefers);
  }

  #envelope(
    version: SoapVersion,
    elements: readonly XmlElement[],
    headers: readonly XmlElement[],
    request: ReceivedRequest,
    prefers: Prefers,
  ): Received {
    const found = this.#find(version, elements, request, prefers);
    if (found === undefined) {
      const held = elements.length === 0 ? "nothing" : elements.slice(0, 3).map(keyOf).join(", ").slice(0, 200);
      return this.#refused(version, `the request is none of the contract's operations: its body holds ${held}`);
    }
    const { operation, binding } = found;
    const known = new Set((binding.headers ?? []).map(keyOf));
    for (const block of headers) {
      if (!isForUs(block, envelopeNamespaces[version]) || known.has(keyOf(block))) continue;
      if (block.namespace === wsse && block.local === "Security") continue;
      return this.#refused(version, `the header ${keyOf(block)} must be understood and is not`, {
        namespace: envelopeNamespaces[version],
        local: "MustUnderstand",
      });
    }
    let user: string | undefined;
    if (this.#tokens !== undefined) {
      const blocks = headers.filter((each) => each.namespace === wsse && each.local === "Security");
      const verdict = this.#tokens.check(blocks.length === 1 ? blocks[0] : undefined, this.#now());
      if (!verdict.ok)
        return this.#refused(version, "the security token was not accepted", { namespace: wsse, local: verdict.code });
      user = verdict.user;
    }
    const messages = this.#messagesOf(operation, binding);
    const message = messages.readRequest(elements, headers);
    const wrong = this.#problems(operation, message);
    if (wrong !== undefined) return { ...this.#refused(version, wrong), operation };
    const type = version === "1.1" ? "text/xml; charset=utf-8" : "application/soap+xml; charset=utf-8";
    const answer = (status: number, body: string): ReceiverAnswer => ({
      status,
      headers: { "content-type": type },
      body,
    });
    // SOAP 1.2 part 2, section 7.5.2: a fault of the sender is 400.
    const statusOf = (blame: FaultMessage["blame"]): number => (version === "1.2" && blame === "sender" ? 400 : 500);
    const oneWay = binding.response === null && binding.bodyOutput !== true;
    return {
      kind: "call",
      operation,
      input: message.value,
      ...(user === undefined ? {} : { user }),
      output: (value) =>
        oneWay && Object.keys(operation.faults).length === 0
          ? { status: 202, headers: {}, body: "" }
          : answer(200, messages.writeAnswer(value)),
      fault: (name, text, detail) =>
        answer(500, messages.writeFault({ blame: "receiver", message: text, declared: { name, detail } })),
      failure: (blame, text) => answer(statusOf(blame), messages.writeFault({ blame, message: text })),
    };
  }

  #plain(operation: OperationModel, parameters: readonly [string, string][], request: ReceivedRequest): Received {
    const { binding } = operation;
    if (binding.protocol !== "http-xml") return refusedPlainly(404, "there is no such operation");
    const messages = new HttpXmlMessages(operation, binding, this.#codec);
    let root: XmlElement | undefined;
    if (binding.input === "xml") {
      try {
        root = parseXml(request.body, { bytes: this.#maxBytes }, charsetOf(request));
      } catch (error) {
        if (!(error instanceof MortiseError)) throw error;
        return refusedPlainly(400, "the request is not readable XML");
      }
    }
    const message = messages.readRequest(parameters, root);
    const wrong = this.#problems(operation, message);
    if (wrong !== undefined) return { ...refusedPlainly(400, wrong), operation };
    return {
      kind: "call",
      operation,
      input: message.value,
      output(value) {
        const { body, mediaType } = messages.writeAnswer(value);
        const headers: Record<string, string> = mediaType === undefined ? {} : { "content-type": mediaType };
        return { status: 200, headers, body };
      },
      fault: (_name, text) => textAnswer(500, text),
      failure: (blame, text) => textAnswer(blame === "sender" ? 400 : 500, text),
    };
  }

  /** By the element in the body, then by the action; either may be missing or shared. Then by the port's path. */
  #find(
    version: SoapVersion,
    elements: readonly XmlElement[],
    request: ReceivedRequest,
    prefers: Prefers,
  ): Soap | undefined {
    const action = actionOf(request);
    const path = request.url.split("?", 1)[0];
    const own = this.#soap.filter(({ binding }) => binding.version === version);
    const keys = new Set(elements.map(keyOf));
    const score = ({ operation, binding }: Soap): number => {
      const address = binding.address === undefined ? undefined : URL.parse(binding.address)?.pathname;
      return (
        (binding.action !== "" && binding.action === action ? 4 : 0) +
        (address === path ? 2 : 0) +
        (prefers(operation.name) ? 1 : 0)
      );
    };
    const best = (list: readonly Soap[]): Soap | undefined => list.toSorted((a, b) => score(b) - score(a))[0];
    const byElement = own.filter(({ binding }) => binding.request !== null && keys.has(keyOf(binding.request)));
    const byAction = own.filter(({ binding }) => binding.action !== "" && binding.action === action);
    return best(byElement) ?? best(byAction) ?? best(own.filter(({ binding }) => binding.request === null));
  }

  #messagesOf(operation: OperationModel, binding: SoapBinding): SoapMessages {
    let messages = this.#messages.get(operation);
    if (messages === undefined) {
      messages = new SoapMessages(operation, binding, this.#codec);
      this.#messages.set(operation, messages);
    }
    return messages;
  }

  #problems(operation: OperationModel, message: ReadMessage): string | undefined {
    const problems =
      message.problems.length > 0 ? message.problems : operationValidators(this.#model, operation).input(message.value);
    return problems.length === 0 ? undefined : `the request does not fit the contract: ${inWords(problems)}`;
  }

  #version(): SoapVersion {
    return this.#soap[0]?.binding.version ?? "1.1";
  }

  /** A fault that blames the sender, and where the code says more, that code. */
  #refused(version: SoapVersion, reason: string, code?: FaultMessage["code"]): Received {
    const prefixes = new Prefixes({ soap: envelopeNamespaces[version] });
    const told = code === undefined ? {} : { code };
    const fault = faultElement(prefixes, version, { blame: "sender", message: reason, ...told }, "");
    const type = version === "1.1" ? "text/xml; charset=utf-8" : "application/soap+xml; charset=utf-8";
    return {
      kind: "refused",
      reason,
      answer: {
        status: version === "1.1" ? 500 : 400,
        headers: { "content-type": type },
        body: envelope(prefixes, version, "", fault),
      },
    };
  }
}

function refusedPlainly(status: number, reason: string): Received {
  return { kind: "refused", reason, answer: textAnswer(status, reason) };
}

function textAnswer(status: number, text: string): ReceiverAnswer {
  return { status, headers: { "content-type": "text/plain; charset=utf-8" }, body: text };
}

function charsetOf({ headers }: ReceivedRequest): string | undefined {
  return /;\s*charset\s*=\s*"?([\w.-]+)/i.exec(headers["content-type"] ?? "")?.[1];
}

/** SOAP 1.1: the header `SOAPAction`. SOAP 1.2: a parameter of the media type. */
function actionOf({ headers }: ReceivedRequest): string {
  const quoted = headers.soapaction ?? /;\s*action\s*=\s*("[^"]*"|[^;\s]+)/i.exec(headers["content-type"] ?? "")?.[1];
  return (quoted ?? "").replace(/^"|"$/g, "");
}
