/** One attempt of an operation over plain HTTP, as a contract in WSDL describes it (http-xml.ts), in terms of the guarded client. */
import type { ContractModel, HttpXmlBinding, OperationModel } from "../contract/model.ts";
import { operationValidators } from "../contract/validate.ts";
import { MortiseError } from "../errors.ts";
import type { Json } from "../operation.ts";
import { credentialHeader } from "./http.ts";
import { HttpXmlMessages } from "./http-xml.ts";
import type { Codec } from "./soap-codec.ts";
import { answerInXml, badInput, badOutput, byStatus, type Exchange, mediaTypeOf } from "./soap-errors.ts";
import { WriteProblem } from "./soap-write.ts";
import type { ResolvedSettings } from "./system.ts";
import { decodeText } from "./text-body.ts";

/** `address`: where the port of the operation stands. */
export function httpXmlExchange(
  contract: ContractModel,
  operation: OperationModel,
  binding: HttpXmlBinding,
  facts: { readonly settings: ResolvedSettings; readonly codec: Codec; readonly address: string },
): Exchange {
  const { settings, codec, address } = facts;
  const validators = operationValidators(contract, operation);
  const messages = new HttpXmlMessages(operation, binding, codec);
  return {
    request(name: string, input: Json) {
      const problems = validators.input(input);
      if (problems.length > 0) throw badInput(name, problems);
      try {
        const { location, body, mediaType } = messages.writeRequest(input);
        const headers: Record<string, string> = { accept: "text/xml, application/xml, */*" };
        if (mediaType !== undefined) headers["content-type"] = mediaType;
        return {
          method: binding.method,
          url: joined(address, location),
          headers: { ...headers, ...credentialHeader(settings) },
          body: body ?? (binding.method === "POST" ? "" : undefined),
        };
      } catch (error) {
        if (error instanceof WriteProblem) throw badInput(name, [{ at: error.at, message: error.message }]);
        throw error;
      }
    },
    result(name: string, response) {
      if (response.status < 200 || response.status > 299) throw byStatus(name, response);
      if (binding.output === "none") return { ok: true, output: null };
      let output: Json;
      if (binding.output === "bytes") output = Buffer.from(response.body).toString("base64");
      else if (binding.output === "text") {
        const decoded = decodeText(response.body, mediaTypeOf(response));
        if ("reason" in decoded) throw badOutput(name, [{ at: "", message: decoded.reason }]);
        output = decoded.text;
      } else {
        const root = answerInXml(name, response, settings.maxResponseBytes);
        if (root instanceof MortiseError) throw root;
        if (root === undefined)
          throw badOutput(name, [{ at: "", message: `is not XML but "${mediaTypeOf(response).slice(0, 60)}"` }]);
        const message = messages.readAnswer(root);
        if (message.problems.length > 0) throw badOutput(name, message.problems);
        output = message.value;
      }
      const problems = validators.output(output);
      if (problems.length > 0) throw badOutput(name, problems);
      return { ok: true, output };
    },
  };
}

/** The location goes behind the port's address (WSDL 1.1, section 4.4). */
function joined(address: string, location: string): string {
  const url = new URL(address);
  const mark = location.indexOf("?");
  const path = mark < 0 ? location : location.slice(0, mark);
  if (path !== "") url.pathname = `${url.pathname.replace(/\/$/, "")}/${path.replace(/^\//, "")}`;
  const query = mark < 0 ? "" : location.slice(mark + 1);
  if (query !== "") url.search = url.search === "" ? query : `${url.search}&${query}`;
  return url.href;
}
