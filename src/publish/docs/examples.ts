/** How an operation is called: from a shell, from JavaScript. The credential is that of the first way that the API takes. */
import type { OpenApiDocument } from "../openapi.ts";
import {
  bodySchemaOf,
  bodyTypeOf,
  givesFile,
  isForm,
  isStream,
  pathOf,
  type Sample,
  type Shown,
  takesFile,
} from "./sample.ts";

interface Scheme {
  readonly type: string;
  readonly scheme?: string;
  readonly in?: string;
  readonly name?: string;
  readonly description?: string;
}

/** What a caller has to have, for the examples. */
interface Credential {
  /** Variables of the shell, and what is said of each. */
  readonly variables: readonly (readonly [name: string, sample: string])[];
  readonly curl: string;
  /** A header of a request in JavaScript. */
  readonly header?: readonly [name: string, value: string];
}

export function securitySchemes({ components }: OpenApiDocument): ReadonlyMap<string, Scheme> {
  return new Map(Object.entries(components.securitySchemes ?? {}) as [string, Scheme][]);
}

/** Of the first scheme, in the order in which the API names them; `undefined`: no key is needed. */
export function credentialOf(document: OpenApiDocument): Credential | undefined {
  const [first] = securitySchemes(document);
  if (first === undefined) return undefined;
  const [name, { type, scheme, name: header = "" }] = first;
  if (type === "http" && scheme === "basic") {
    return {
      variables: [
        ["API_USER", "your-name"],
        ["API_PASSWORD", "..."],
      ],
      curl: '-u "$API_USER:$API_PASSWORD"',
      header: ["Authorization", '"Basic " + btoa(user + ":" + password)'],
    };
  }
  if (type === "mutualTLS") return { variables: [], curl: "--cert client.pem --key client.key" };
  if (type === "apiKey") {
    // What stands elsewhere than in a header has no place in these examples.
    if (first[1].in !== "header") return undefined;
    const [variable, value, own] =
      name === "signature" ? ["API_SIGNATURE", "...", "signature"] : ["API_KEY", "...   # your key", "key"];
    return {
      variables: [[variable, value]],
      curl: `-H "${header}: $${variable}"`,
      header: [header, own],
    };
  }
  const [variable, sample, own] =
    name === "oauth" ? ["API_TOKEN", "eyJ...", "token"] : ["API_KEY", "mtz_live_...   # your key", "key"];
  return {
    variables: [[variable, sample]],
    curl: `-H "Authorization: Bearer $${variable}"`,
    header: ["Authorization", `\`Bearer \${${own}}\``],
  };
}

/** Runs as it stands, in a shell that knows the variables. */
export function curlExample(document: OpenApiDocument, base: string, shown: Shown, sample: Sample): string {
  const { method, path, operation } = shown;
  // Curl collects what comes, unless it is told not to.
  const flags = `${isStream(shown) ? "-N " : givesFile(operation) ? "-o file " : ""}${method === "GET" ? "" : `-X ${method} `}`;
  // Whatever a contract has for a path, it is text: no command, no variable, no event of the history.
  const address = pathOf(path, sample).replaceAll("$", "\\$").replaceAll("!", "%21");
  const lines = [`curl ${flags}"$API_URL${base}${address}"`];
  const credential = credentialOf(document);
  if (operation.security.length > 0 && credential !== undefined) lines.push(`  ${credential.curl}`);
  for (const { name, value } of headersOf(sample)) lines.push(`  -H ${quoted(`${name}: ${value}`)}`);
  const fields = fieldsOf(shown, sample);
  const flag = bodyTypeOf(operation).startsWith("multipart/") ? "-F" : "--data-urlencode";
  for (const { name, value } of fields ?? []) lines.push(`  ${flag} ${quoted(`${name}=${value ?? "@file"}`)}`);
  if (sample.body !== undefined && fields === undefined) {
    const text = JSON.stringify(sample.body, null, 2).replaceAll("\n", "\n  ");
    lines.push(`  -H ${quoted(`Content-Type: ${bodyTypeOf(operation)}`)}`, `  -d ${quoted(text)}`);
  }
  if (takesFile(operation))
    lines.push(`  -H ${quoted(`Content-Type: ${bodyTypeOf(operation)}`)}`, "  --data-binary @file");
  return lines.join(" \\\n");
}

export function fetchExample(document: OpenApiDocument, base: string, shown: Shown, sample: Sample): string {
  const { method, path, operation } = shown;
  const credential = operation.security.length === 0 ? undefined : credentialOf(document)?.header;
  const fields = fieldsOf(shown, sample);
  const headers = [
    ...(credential === undefined ? [] : [`    ${JSON.stringify(credential[0])}: ${credential[1]},`]),
    ...headersOf(sample).map(({ name, value }) => `    ${JSON.stringify(name)}: ${JSON.stringify(value)},`),
    ...((sample.body === undefined && !takesFile(operation)) || fields !== undefined
      ? []
      : [`    "Content-Type": ${JSON.stringify(bodyTypeOf(operation))},`]),
  ];
  const isPlain = fields !== undefined && !bodyTypeOf(operation).startsWith("multipart/");
  const body =
    fields !== undefined
      ? ["  body: form,"]
      : sample.body === undefined
        ? takesFile(operation)
          ? ["  body: file, // a Blob, such as what an <input type=file> holds"]
          : []
        : [`  body: JSON.stringify(${JSON.stringify(sample.body, null, 2).replaceAll("\n", "\n  ")}),`];
  const url = `\`\${url}${`${base}${pathOf(path, sample)}`.replace(/[`\\$]/g, "\\$&")}\``;
  const options = [
    ...(method === "GET" ? [] : [`  method: "${method}",`]),
    ...(headers.length === 0 ? [] : ["  headers: {", ...headers, "  },"]),
    ...body,
  ];
  const sent = options.length === 0 ? `fetch(${url})` : `fetch(${url}, {\n${options.join("\n")}\n})`;
  const read = isStream(shown)
    ? "for await (const text of answer.body.pipeThrough(new TextDecoderStream())) console.log(text);"
    : givesFile(operation)
      ? "console.log(answer.status, await answer.blob());"
      : "console.log(answer.status, await answer.json());";
  const form = (fields ?? []).map(
    ({ name, value }) =>
      `form.append(${JSON.stringify(name)}, ${value === undefined ? "file" : JSON.stringify(value)});${value === undefined ? " // a Blob, such as what an <input type=file> holds" : ""}\n`,
  );
  const made =
    fields === undefined ? "" : `const form = new ${isPlain ? "URLSearchParams" : "FormData"}();\n${form.join("")}`;
  return `${made}const answer = await ${sent};\n${read}`;
}

/** The fields of a form; `undefined`: it is none. Without a value: a file. */
function fieldsOf(
  { operation }: Shown,
  { body }: Sample,
): readonly { readonly name: string; readonly value: string | undefined }[] | undefined {
  if (!isForm(operation) || typeof body !== "object" || body === null || Array.isArray(body)) return undefined;
  const schema = bodySchemaOf(operation);
  const properties =
    typeof schema === "object" ? (schema.properties as Record<string, unknown> | undefined) : undefined;
  return Object.entries(body).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map((one: unknown) => {
      const { contentEncoding, items } = (properties?.[name] ?? {}) as {
        readonly contentEncoding?: string;
        readonly items?: { readonly contentEncoding?: string };
      };
      const isFile = contentEncoding === "base64" || items?.contentEncoding === "base64";
      return { name, value: isFile ? undefined : typeof one === "string" ? one : JSON.stringify(one) };
    }),
  );
}

const headersOf = ({ fields }: Sample) =>
  fields.filter((field) => field.in === "header" && (field.required || field.name === "Idempotency-Key"));

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
