/** From the input of an operation to an HTTP request. Everything that does not depend on the input is worked out once. */
import { bodyKind } from "../contract/media.ts";
import type { OperationModel, RestBinding } from "../contract/model.ts";
import type { Problem } from "../operation.ts";
import { formWriter, plainWriter, queryWriter, type Write } from "./rest-parameters.ts";

type Members = Readonly<Record<string, unknown>>;
export interface Written {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}
/** The request, or why the input can't be written. */
export type Writer = (input: Members, key: string) => Written | readonly Problem[];

interface Field {
  readonly property: string;
  readonly name: string;
  readonly write: Write;
}
type BodyText = (value: unknown) => string | Uint8Array;

/** The writer of an operation's requests. `base` has no slash at its end; `common` are the headers of every call, credentials included. */
export function requestWriter(
  operation: OperationModel,
  binding: RestBinding,
  base: string,
  common: Readonly<Record<string, string>>,
): Writer {
  const field = (property: string, name: string, write: Write): Field => ({ property, name, write });
  const of = (place: string) => binding.parameters.filter((parameter) => parameter.in === place);
  const path = pathParts(binding);
  const query = of("query").map((each) => field(each.property, each.name, queryWriter(each)));
  const headers = of("header").map((each) => field(each.property, each.name.toLowerCase(), plainWriter(each)));
  const cookies = of("cookie").map((each) => field(each.property, each.name, plainWriter(each)));
  const keyHeader = operation.key?.in === "header" ? operation.key.name.toLowerCase() : undefined;
  const bodyOf = bodyWriter(binding);
  const withBody = binding.body === undefined ? common : { ...common, "content-type": binding.body.mediaType };
  const firstMark = binding.path.includes("?") ? "&" : "?";
  const plain = headers.length === 0 && cookies.length === 0 && keyHeader === undefined;

  return (input, key) => {
    let url = base;
    for (const part of path) {
      if (typeof part === "string") url += part;
      else {
        const text = part.write(input[part.property]);
        // An empty segment, "." and ".." would name another resource.
        if (text === "" || text === "." || text === "..")
          return [{ at: `/${part.property}`, message: 'can\'t stand in a path: it is empty, "." or ".."' }];
        url += text;
      }
    }
    let mark = firstMark;
    for (const each of query) {
      const value = own(input, each.property);
      if (value === undefined || value === null) continue;
      const text = each.write(value);
      if (text === "") continue;
      url += mark + text;
      mark = "&";
    }
    const body = bodyOf(input);
    let sent = body === undefined ? common : withBody;
    if (!plain) {
      const filled: Record<string, string> = { ...sent };
      for (const each of headers) {
        const value = own(input, each.property);
        if (value === undefined || value === null) continue;
        const text = each.write(value);
        if (!headerText.test(text))
          return [{ at: `/${each.property}`, message: "holds a character that no header may hold" }];
        filled[each.name] = text;
      }
      let jar = "";
      for (const each of cookies) {
        const value = own(input, each.property);
        if (value !== undefined && value !== null) jar += (jar === "" ? "" : "; ") + each.write(value);
      }
      if (jar !== "") filled.cookie = jar;
      if (keyHeader !== undefined) filled[keyHeader] = key;
      sent = filled;
    }
    return body === undefined ? { url, headers: sent } : { url, headers: sent, body };
  };
}

// RFC 9110, section 5.5: no control characters, so no line can be smuggled in.
const headerText = /^[\t\x20-\x7e\x80-\xff]*$/;

/** `/orders/{id}/lines` as `"/orders/"`, the writer of `id`, `"/lines"`. */
function pathParts(binding: RestBinding): readonly (string | Field)[] {
  const parts: (string | Field)[] = [];
  for (const text of binding.path.split(/(\{[^{}]+\})/)) {
    const parameter = binding.parameters.find((each) => each.in === "path" && text === `{${each.name}}`);
    if (parameter !== undefined)
      parts.push({ property: parameter.property, name: parameter.name, write: plainWriter(parameter) });
    else if (text !== "") parts.push(encodeURI(decodedOnce(text)));
  }
  return parts;
}

function decodedOnce(text: string): string {
  try {
    return decodeURI(text);
  } catch {
    return text;
  }
}

function bodyWriter(binding: RestBinding): (input: Members) => string | Uint8Array | undefined {
  const { body } = binding;
  if (body === undefined) return () => undefined;
  const write = bodyText(body);
  if (body.from.kind === "property") {
    const { name } = body.from;
    return (input) => {
      const value = own(input, name);
      return value === undefined ? undefined : write(value);
    };
  }
  const parameters = new Set(binding.parameters.map((parameter) => parameter.property));
  if (parameters.size === 0) return write;
  return (input) => {
    const rest: Record<string, unknown> = Object.create(null);
    let empty = true;
    for (const name of Object.keys(input)) {
      if (parameters.has(name)) continue;
      rest[name] = input[name];
      empty = false;
    }
    return empty && !body.required ? undefined : write(rest);
  };
}

function bodyText(body: NonNullable<RestBinding["body"]>): BodyText {
  switch (bodyKind(body.mediaType)) {
    case "json":
      return (value) => JSON.stringify(value);
    case "form": {
      const write = formWriter(body.encoding);
      return (value) => write(value as Members);
    }
    case "bytes":
      return (value) => Buffer.from(value as string, "base64");
    default:
      return (value) => value as string;
  }
}

function own(input: Members, name: string): unknown {
  return Object.hasOwn(input, name) ? input[name] : undefined;
}
