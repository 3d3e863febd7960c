/**
 * SOAP 1.1 and 1.2 from the side of the system. What a message means is written and read by the same code as in the connector
 * (connectors/soap-read.ts, soap-write.ts), so both sides agree on every detail of the contract.
 */
import { Codec, type Content, keyOf } from "../connectors/soap-codec.ts";
import { envelope, envelopeNamespaces, type SoapVersion } from "../connectors/soap-envelope.ts";
import { type Findings, readElement } from "../connectors/soap-read.ts";
import { writeElement } from "../connectors/soap-write.ts";
import type { ContractModel, OperationModel, SoapBinding } from "../contract/model.ts";
import { operationValidators } from "../contract/validate.ts";
import type { XmlNote } from "../contract/xml-note.ts";
import { MortiseError } from "../errors.ts";
import { parseXml, type XmlElement } from "../formats/xml.ts";
import { escapeText, Prefixes } from "../formats/xml-write.ts";
import { type CallResult, inWords, type Json, type Problem } from "../operation.ts";
import type { Came, Protocol, Reading, Reply } from "./protocol.ts";

interface Port {
  readonly operation: OperationModel;
  readonly binding: SoapBinding;
  readonly input: Content;
  readonly output: Content;
  /** The output is the only child of the answer's element. */
  readonly unwrapped: boolean;
}

export function soapProtocol(model: ContractModel, maxBytes: number): Protocol {
  const codec = new Codec(model);
  const ports = new Map<string, Port[]>();
  for (const operation of Object.values(model.operations)) {
    const { binding } = operation;
    if (binding.protocol !== "soap") continue;
    const note: XmlNote | undefined =
      typeof operation.output === "boolean" ? undefined : (operation.output.xml as XmlNote | undefined);
    const unwrapped = note?.name !== undefined;
    const port = {
      operation,
      binding,
      input: codec.content(operation.input),
      output: unwrapped ? codec.only(operation.output) : codec.content(operation.output),
      unwrapped,
    };
    const key = `${binding.version} ${binding.request === null ? "" : keyOf(binding.request)}`;
    ports.set(key, [...(ports.get(key) ?? []), port]);
  }
  const shown = [...new Set([...ports.values()].flat().map(({ binding }) => binding.version))];

  return {
    read(came: Came, preferred: (operation: string) => boolean): Reading {
      if (came.method !== "POST")
        return nothing(
          { status: 405, headers: { allow: "POST" }, body: "SOAP is called by POST." },
          "SOAP takes POST only",
        );
      const message = opened(came, maxBytes);
      if (typeof message === "string") return nothing(faultReply(shown[0] ?? "1.1", "sender", message), message);
      const { version, body, root } = message;
      const key = `${version} ${body === undefined ? "" : keyOf(body)}`;
      const candidates = choose(ports.get(key) ?? [], actionOf(came), came.path, preferred);
      if (candidates.length === 0) {
        const what = body === undefined ? "an empty body" : keyOf(body);
        const why = `no operation of the contract takes ${what} over SOAP ${version}`;
        return nothing(faultReply(version, "sender", `${why}; the contract speaks SOAP ${shown.join(" and ")}`), why);
      }
      let first: { readonly port: Port; readonly input: Json; readonly problems: readonly Problem[] } | undefined;
      for (const port of candidates) {
        const read = { port, ...inputOf(model, port, body) };
        first ??= read;
        if (read.problems.length > 0) continue;
        first = read;
        break;
      }
      return reading(codec, first!.port, first!.input, first!.problems, headerNotes(root, first!.port.binding));
    },
  };
}

function nothing(reply: Reply, why: string): Reading {
  return { kind: "nothing", reply, why };
}

/** Likeliest first: the same action, then the same path, then the one that is expected. */
function choose(
  ports: readonly Port[],
  action: string | undefined,
  path: string,
  preferred: (operation: string) => boolean,
): readonly Port[] {
  const score = ({ binding, operation }: Port): number => {
    const address = binding.address === undefined ? undefined : URL.parse(binding.address)?.pathname;
    const same = action !== undefined && binding.action === action;
    return (same ? 4 : 0) + (address === path ? 2 : 0) + (preferred(operation.name) ? 1 : 0);
  };
  return ports.toSorted((a, b) => score(b) - score(a));
}

function actionOf({ headers }: Came): string | undefined {
  const text = headers.soapaction ?? /;\s*action=("[^"]*"|[^;\s]+)/i.exec(headers["content-type"] ?? "")?.[1];
  return text?.trim().replace(/^"|"$/g, "");
}

interface Message {
  readonly root: XmlElement;
  readonly version: SoapVersion;
  readonly body: XmlElement | undefined;
}

/** The message, or what is wrong with it. */
function opened({ headers, body: bytes }: Came, maxBytes: number): Message | string {
  let root: XmlElement;
  try {
    const charset = /;\s*charset\s*=\s*"?([\w.-]+)/i.exec(headers["content-type"] ?? "")?.[1];
    root = parseXml(bytes, { bytes: maxBytes }, charset);
  } catch (error) {
    if (error instanceof MortiseError) return error.message;
    throw error;
  }
  const version =
    root.namespace === envelopeNamespaces["1.1"]
      ? "1.1"
      : root.namespace === envelopeNamespaces["1.2"]
        ? "1.2"
        : undefined;
  if (root.local !== "Envelope" || version === undefined) return "the request is XML, but no SOAP envelope";
  const bodies = root.children.filter((child) => child.namespace === root.namespace && child.local === "Body");
  if (bodies.length !== 1) return "the envelope has no body, or more than one";
  return { root, version, body: bodies[0]!.children[0] };
}

function inputOf(
  model: ContractModel,
  { operation, binding, input: content }: Port,
  body: XmlElement | undefined,
): { readonly input: Json; readonly problems: readonly Problem[] } {
  const { input: validate } = operationValidators(model, operation);
  if (body === undefined || binding.request === null) return { input: {}, problems: validate({}) };
  const findings: Findings = { problems: [], undeclared: 0 };
  const read = readElement(content, body, "", findings);
  // An element without content is an object without members.
  const input = read === null && content.kind !== "empty" ? {} : read;
  return { input, problems: findings.problems.length > 0 ? findings.problems : validate(input) };
}

function headerNotes(root: XmlElement, { headers = [] }: SoapBinding): readonly string[] {
  const sent = root.children
    .filter((child) => child.namespace === root.namespace && child.local === "Header")
    .flatMap((header) => header.children.map(keyOf));
  return headers.filter((name) => !sent.includes(keyOf(name))).map((name) => `without the header ${keyOf(name)}`);
}

function reading(
  codec: Codec,
  port: Port,
  input: Json,
  problems: readonly Problem[],
  notes: readonly string[],
): Reading {
  const { operation, binding } = port;
  const { version } = binding;
  return {
    kind: "call",
    operation,
    input,
    key: undefined,
    notes,
    problems,
    write: (result) => (result.ok ? answer(port, result.output) : declared(codec, port, result)),
    refuse: (wrong) => faultReply(version, "sender", `The request does not fit the contract: ${inWords(wrong, "it")}.`),
    missing: () => faultReply(version, "sender", "There is no such thing."),
    fail: (status, reason) => ({ ...faultReply(version, status < 500 ? "sender" : "receiver", reason), status }),
  };
}

function answer({ binding, output: content, unwrapped }: Port, output: Json): Reply {
  const prefixes = prefixesOf(binding.version);
  const { response } = binding;
  if (response === null) return { status: 202, headers: {}, body: "" };
  const value = unwrapped ? { only: output } : output;
  // A wrapper without children is an empty element, not a nil one.
  const inside = value === null && content.kind === "object" ? {} : value;
  return message(binding.version, 200, prefixes, writeElement(prefixes, response, content, inside));
}

function declared(codec: Codec, port: Port, result: Extract<CallResult, { ok: false }>): Reply {
  const { operation, binding } = port;
  const { name, message: words, detail } = result.fault;
  const element = binding.faults.find(({ fault }) => fault === name)?.element;
  const schema = operation.faults[name]?.detail;
  if (element === undefined || schema === undefined)
    return faultReply(binding.version, "receiver", `the contract declares no fault ${name}`);
  const prefixes = prefixesOf(binding.version);
  const text = writeElement(prefixes, element, codec.content(schema), detail);
  return faultReply(binding.version, "receiver", words, text, prefixes);
}

/** SOAP 1.1, section 4.4; SOAP 1.2 part 1, section 5.4, and part 2, table 20 for the status. */
export function faultReply(
  version: SoapVersion,
  blame: "sender" | "receiver",
  words: string,
  detail = "",
  prefixes: Prefixes = prefixesOf(version),
): Reply {
  const tag = (local: string): string => prefixes.tag({ namespace: envelopeNamespaces[version], local });
  const text = escapeText(words.replace(/\p{Cc}|\p{Cs}/gu, " ").slice(0, 2000));
  if (version === "1.1") {
    const code = tag(blame === "sender" ? "Client" : "Server");
    const inside = detail === "" ? "" : `<detail>${detail}</detail>`;
    const fault = `<${tag("Fault")}><faultcode>${code}</faultcode><faultstring>${text}</faultstring>${inside}</${tag("Fault")}>`;
    return message(version, 500, prefixes, fault);
  }
  const code = `<${tag("Code")}><${tag("Value")}>${tag(blame === "sender" ? "Sender" : "Receiver")}</${tag("Value")}></${tag("Code")}>`;
  const reason = `<${tag("Reason")}><${tag("Text")} xml:lang="en">${text}</${tag("Text")}></${tag("Reason")}>`;
  const inside = detail === "" ? "" : `<${tag("Detail")}>${detail}</${tag("Detail")}>`;
  const fault = `<${tag("Fault")}>${code}${reason}${inside}</${tag("Fault")}>`;
  return message(version, blame === "sender" ? 400 : 500, prefixes, fault);
}

function prefixesOf(version: SoapVersion): Prefixes {
  return new Prefixes({ soap: envelopeNamespaces[version] });
}

function message(version: SoapVersion, status: number, prefixes: Prefixes, body: string): Reply {
  const type = version === "1.1" ? "text/xml" : "application/soap+xml";
  return { status, headers: { "content-type": `${type}; charset=utf-8` }, body: envelope(prefixes, version, "", body) };
}
