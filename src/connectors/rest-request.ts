/** From the input of an operation to an HTTP request. Everything that does not depend on the input is worked out once. */
import { bodyKind } from "../contract/media.ts";
import type { OperationModel, RestBinding } from "../contract/model.ts";
import type { Problem } from "../operation.ts";
import { type CredentialText, noCredentials } from "./http.ts";
import { type MultipartBody, multipartWriter } from "./rest-multipart.ts";
import { formWriter, plainWriter, queryWriter, type Write } from "./rest-parameters.ts";
import { writeSequence } from "./rest-sequence.ts";

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
type BodyText = (value: unknown) => string | Uint8Array | MultipartBody;

/** The writer of an operation's requests. `base` has no slash at its end; `common` are the headers of every call, credentials included. */
export function requestWriter(
  operation: OperationModel,
  binding: RestBinding,
  base: string,
  common: Readonly<Record<string, string>>,
  extra: CredentialText = noCredentials,
): Writer {
  const field = (property: string, name: string, write: Write): Field => ({ property, name, write });
  const of = (place: string) => binding.parameters.filter((parameter) => parameter.in === place);
  const path = pathParts(binding);
  const query = [...of("query"), ...of("querystring")].map((each) =>
    field(each.property, each.name, queryWriter(each)),
  );
  const headers = of("header").map((each) => field(each.property, each.name.toLowerCase(), plainWriter(each)));
  const cookies = of("cookie").map((each) => field(each.property, each.name, plainWriter(each)));
  const keyHeader = operation.key?.in === "header" ? operation.key.name.toLowerCase() : undefined;
  const bodyOf = bodyWriter(binding);
  const withBody =
    binding.body === undefined ? common : { ...common, "content-type": sentType(binding.body.mediaType) };
  const firstMark = binding.path.includes("?") ? "&" : "?";
  const plain = headers.length === 0 && cookies.length === 0 && keyHeader === undefined && extra.cookie === "";

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
    if (extra.query !== "") url += mark + extra.query;
    const written = bodyOf(input);
    const parts = typeof written === "object" && "contentType" in written ? written : undefined;
    const body = parts === undefined ? (written as string | Uint8Array | undefined) : parts.bytes;
    let sent = body === undefined ? common : withBody;
    if (parts !== undefined) sent = { ...common, "content-type": parts.contentType };
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
      let jar = extra.cookie;
      for (const each of cookies) {
        const value = own(input, each.property);
        if (value === undefined || value === null) continue;
        const text = each.write(value);
        if (!cookieText.test(text))
          return [{ at: `/${each.property}`, message: "holds a character that no cookie may hold" }];
        if (text !== "") jar += (jar === "" ? "" : "; ") + text;
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
const cookieText = /^[\x20-\x7e]*$/;

/** A range is no type that something has. */
function sentType(mediaType: string): string {
  if (!mediaType.includes("*")) return mediaType;
  const kind = bodyKind(mediaType);
  return kind === "json" ? "application/json" : kind === "text" ? "text/plain" : "application/octet-stream";
}

/** `/orders/{id}/lines` as `"/orders/"`, the writer of `id`, `"/lines"`. */
function pathParts(binding: RestBinding): readonly (string | Field)[] {
  const parts: (string | Field)[] = [];
  // A fragment only tells apart operations on one path; it is never sent, and would hide the query.
  const [path = ""] = binding.path.split("#", 1);
  for (const text of path.split(/(\{[^{}]+\})/)) {
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

function bodyWriter(binding: RestBinding): (input: Members) => ReturnType<BodyText> | undefined {
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
      // A form that the contract describes as a text is one that is written already.
      return (value) => (typeof value === "string" ? value : write(value as Members));
    }
    case "multipart": {
      const write = multipartWriter(body);
      return (value) => write(value as Members);
    }
    case "bytes":
      if (body.list !== true) return (value) => Buffer.from(value as string, "base64");
      return (value) => writeSequence(body.mediaType, value as readonly unknown[]);
    case "lines":
      if (body.list === true) return (value) => writeSequence(body.mediaType, value as readonly unknown[]);
      return (value) => value as string;
    default:
      return (value) => value as string;
  }
}

function own(input: Members, name: string): unknown {
  return Object.hasOwn(input, name) ? input[name] : undefined;
}
