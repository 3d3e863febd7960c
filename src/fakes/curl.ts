/** A command line that calls an operation of a fake with a valid input. */
import { requestWriter } from "../connectors/rest-request.ts";
import { Codec } from "../connectors/soap-codec.ts";
import { envelope, envelopeNamespaces } from "../connectors/soap-envelope.ts";
import { writeElement } from "../connectors/soap-write.ts";
import { bodyKind } from "../contract/media.ts";
import type { OperationModel } from "../contract/model.ts";
import { Prefixes } from "../formats/xml-write.ts";
import type { Json } from "../operation.ts";
import { inputsOf } from "./inputs.ts";
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
      } else if (binding.protocol === "soap") return soapLine(system, operation, input, url);
    } catch {
      // An input that has no place in the protocol: the next one.
    }
  }
  return undefined;
}

function restLine(operation: OperationModel, input: Json, url: string): string | undefined {
  const { binding } = operation;
  if (binding.protocol !== "rest") return undefined;
  if (binding.body !== undefined && ["bytes", "multipart"].includes(bodyKind(binding.body.mediaType))) return undefined;
  const members = (typeof input === "object" && input !== null ? input : {}) as Readonly<Record<string, unknown>>;
  const request = requestWriter(operation, binding, url, {})(members, "example-key");
  if (!("url" in request)) return undefined;
  const method = binding.method === "GET" ? "" : binding.method === "HEAD" ? " -I" : ` -X ${binding.method}`;
  const headers = Object.entries(request.headers).map(([name, value]) => ` -H ${quoted(`${name}: ${value}`)}`);
  const body = request.body === undefined ? "" : ` -d ${quoted(String(request.body))}`;
  return `curl${method}${headers.join("")}${body} ${quoted(request.url)}`;
}

function soapLine({ model }: FakeSystem, operation: OperationModel, input: Json, url: string): string | undefined {
  const { binding } = operation;
  if (binding.protocol !== "soap") return undefined;
  let codec = codecs.get(model);
  if (codec === undefined) {
    codec = new Codec(model);
    codecs.set(model, codec);
  }
  const prefixes = new Prefixes({ soap: envelopeNamespaces[binding.version] });
  const { request } = binding;
  const body = request === null ? "" : writeElement(prefixes, request, codec.content(operation.input), input);
  const text = envelope(prefixes, binding.version, "", body).replace(/^<\?xml[^>]*>\n/, "");
  const headers =
    binding.version === "1.1"
      ? [`content-type: text/xml`, `soapaction: "${binding.action}"`]
      : [`content-type: application/soap+xml${binding.action === "" ? "" : `; action="${binding.action}"`}`];
  return `curl ${headers.map((header) => `-H ${quoted(header)}`).join(" ")} -d ${quoted(text)} ${quoted(`${url}/`)}`;
}

/** For a POSIX shell. */
function quoted(text: string): string {
  return /^[\w./:=@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
