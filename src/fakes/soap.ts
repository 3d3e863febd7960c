/**
 * WSDL from the side of the system: SOAP 1.1 and 1.2, and plain HTTP. What a message means is read and written by the same code as in the
 * connector (connectors/soap-receiver.ts), so both sides agree on every detail of the contract.
 */
import { type ReceiverAnswer, SoapReceiver } from "../connectors/soap-receiver.ts";
import type { ContractModel } from "../contract/model.ts";
import type { CallResult } from "../operation.ts";
import type { Came, Protocol, Reading, Reply } from "./protocol.ts";

export function soapProtocol(model: ContractModel, maxBytes: number): Protocol {
  const receiver = new SoapReceiver(model, { maxBytes });
  return {
    read({ method, path, query, headers, body }: Came, preferred: (operation: string) => boolean): Reading {
      const url = query === "" ? path : `${path}?${query}`;
      const received = receiver.receive({ method, url, headers, body }, preferred);
      if (received.kind === "call") {
        const { operation, input } = received;
        const failed = (status: number, reason: string): ReceiverAnswer =>
          received.failure(status < 500 ? "sender" : "receiver", printable(reason));
        return {
          kind: "call",
          operation,
          input,
          key: undefined,
          notes: [],
          problems: [],
          write: (result) => written(received, result),
          refuse: () => failed(400, "the request does not fit the contract"),
          missing: () => failed(404, "There is no such thing."),
          fail: (status, reason) => ({ ...failed(status, reason), status }),
        };
      }
      const { operation, reason, answer } = received;
      if (operation === undefined) return { kind: "nothing", reply: answer, why: reason };
      const refused = (): Reply => answer;
      return {
        kind: "call",
        operation,
        input: null,
        key: undefined,
        notes: [],
        problems: [{ at: "", message: reason }],
        write: refused,
        refuse: refused,
        missing: refused,
        fail: (status) => ({ ...answer, status }),
      };
    },
  };
}

function written(
  call: Extract<ReturnType<SoapReceiver["receive"]>, { readonly kind: "call" }>,
  result: CallResult,
): Reply {
  if (result.ok) return call.output(result.output);
  const { name, message, detail } = result.fault;
  return call.fault(name, printable(message), detail);
}

/** What XML has a place for. */
function printable(text: string): string {
  return text.replace(/\p{Cc}|\p{Cs}/gu, " ").slice(0, 2000);
}
