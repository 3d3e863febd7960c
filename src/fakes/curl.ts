/** A command line that calls an operation of a fake with a valid input. */
import { httpXmlExchange } from "../connectors/http-xml-exchange.ts";
import { requestWriter } from "../connectors/rest-request.ts";
import { Codec } from "../connectors/soap-codec.ts";
import { SoapMessages } from "../connectors/soap-messages.ts";
import { bodyKind } from "../contract/media.ts";
import type { OperationModel } from "../contract/model.ts";
import type { Json } from "../operation.ts";
import { inputsOf, settingsOf } from "./inputs.ts";
import type { FakeSystem } from "./system.ts";

const codecs = new WeakMap<object, Codec>();

/** Ready to paste into a shell; `undefined` where no valid input can be made or written as text. */
export function curlOf(system: FakeSystem, operation: OperationModel, url: string): string | undefined {
  const { binding } = operation;
  // What must be there, and no more: a line is to be read.
  for (const input of inputsOf(system.model, operation, system.seed).toReversed()) {
    try {
      if (binding.protocol === "rest") {
        const line = restLine(operation, input, url);
        if (line !== undefined) return line;
      } else if (binding.protocol !== "sql") return soapLine(system, operation, input, url);
    } catch {
      // An input that has no place in the protocol: the next one.
    }
  }
  return undefined;
}

function restLine(operation: OperationModel, input: Json, url: string): string | undefined {
  const { binding } = operation;
  if (binding.protocol !== "rest") return undefined;
  const kind = binding.body === undefined ? undefined : bodyKind(binding.body.mediaType);
  if (kind === "multipart" || kind === "lines") return undefined;
  const members = (typeof input === "object" && input !== null ? input : {}) as Readonly<Record<string, unknown>>;
  const request = requestWriter(operation, binding, url, {})(members, "example-key");
  if (!("url" in request)) return undefined;
  const method = binding.method === "GET" ? "" : binding.method === "HEAD" ? " -I" : ` -X ${binding.method}`;
  const headers = Object.entries(request.headers).map(([name, value]) => ` -H ${quoted(`${name}: ${value}`)}`);
  // Bytes are no text for a shell: a file of one's own.
  const sent = kind === "bytes" ? " --data-binary @file" : ` -d ${quoted(String(request.body))}`;
  const body = request.body === undefined ? "" : sent;
  return `curl${method}${headers.join("")}${body} ${quoted(request.url)}`;
}

function soapLine({ model }: FakeSystem, operation: OperationModel, input: Json, url: string): string | undefined {
  const { binding } = operation;
  let codec = codecs.get(model);
  if (codec === undefined) {
    codec = new Codec(model);
    codecs.set(model, codec);
  }
  if (binding.protocol === "http-xml") {
    const address = `${url}/`;
    const facts = { settings: settingsOf(model, address), codec, address };
    const request = httpXmlExchange(model, operation, binding, facts).request(operation.name, input);
    const { method, headers, body } = request;
    const given = Object.entries(headers).map(([name, value]) => ` -H ${quoted(`${name}: ${value}`)}`);
    const sent = body === undefined ? "" : ` -d ${quoted(String(body))}`;
    return `curl${method === "GET" ? "" : ` -X ${method}`}${given.join("")}${sent} ${quoted(request.url)}`;
  }
  if (binding.protocol !== "soap") return undefined;
  const text = new SoapMessages(operation, binding, codec).writeRequest(input).replace(/^<\?xml[^>]*>\n/, "");
  const headers =
    binding.version === "1.1"
      ? ["content-type: text/xml", `soapaction: "${binding.action}"`]
      : [`content-type: application/soap+xml${binding.action === "" ? "" : `; action="${binding.action}"`}`];
  return `curl ${headers.map((header) => `-H ${quoted(header)}`).join(" ")} -d ${quoted(text)} ${quoted(`${url}/`)}`;
}

/** For a POSIX shell. */
function quoted(text: string): string {
  return /^[\w./:=@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
