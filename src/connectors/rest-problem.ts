/**
 * Problem details that a system sends (RFC 9457): read tolerantly, for the eyes of operators. Whatever is wrong with them, they are never the
 * reason why a call fails: the status was.
 */
import { masked as hidden } from "../contract/mask.ts";
import { essence } from "../contract/media.ts";
import { parseJson } from "../formats/json.ts";
import type { Json } from "../operation.ts";
import type { ResolvedCredentials } from "./system.ts";

/** What is kept of a problem: plain text without control characters, bounded, without what is secret or sensitive. */
export interface SystemProblem {
  /** Absent: none, or `about:blank`. */
  readonly type?: string;
  readonly title?: string;
  readonly detail?: string;
}

/** Of a problem's body, in bytes; and of what is kept, in characters. */
const mostBytes = 65_536;
const longest = { type: 200, title: 200, detail: 500 } as const;
/** Shorter values are no reason to garble a text; where one of them is sensitive, the whole text goes. */
const shortest = 4;

export const isProblem = (contentType: string | undefined): boolean =>
  contentType !== undefined && essence(contentType) === "application/problem+json";

/** RFC 9457, section 3.1: members of a wrong type are ignored, and so are those that nobody knows (section 3.2). `undefined`: nothing is told. */
export function readProblem(body: Uint8Array, scrub: (text: string) => string): SystemProblem | undefined {
  if (body.length === 0 || body.length > mostBytes) return undefined;
  let given: Json;
  try {
    given = parseJson(body, { maxBytes: mostBytes });
  } catch {
    return undefined;
  }
  if (typeof given !== "object" || given === null || Array.isArray(given)) return undefined;
  const members = given as Readonly<Record<string, Json>>;
  const kept: Record<string, string> = {};
  for (const [name, most] of Object.entries(longest)) {
    const value = members[name];
    if (typeof value !== "string") continue;
    const text = scrub(plain(value)).slice(0, most).trim();
    if (text !== "" && text !== "about:blank") kept[name] = value.length > most ? `${text}…` : text;
  }
  return Object.keys(kept).length === 0 ? undefined : kept;
}

/** The standard members of a problem that have a wrong type, left out; whatever else it holds stays for the contract to judge. */
export function withoutMistyped(given: Json): Json {
  if (typeof given !== "object" || given === null || Array.isArray(given)) return given;
  return Object.fromEntries(
    Object.entries(given).filter(([name, value]) => {
      const type = Object.hasOwn(standard, name) ? standard[name as keyof typeof standard] : undefined;
      return type === undefined || typeof value === type;
    }),
  );
}
const standard = { type: "string", title: "string", detail: "string", instance: "string", status: "number" } as const;

/** In a sentence, behind the status: `, saying "Out of credit: the balance is 30" (https://example.com/out-of-credit)`. */
export function saidBy(problem: SystemProblem | undefined): string {
  if (problem === undefined) return "";
  const { type, title, detail } = problem;
  const words = [title, detail].filter((text) => text !== undefined).join(": ");
  if (words === "") return `, saying ${type}`;
  return `, saying "${words}"${type === undefined ? "" : ` (${type})`}`;
}

/** Control characters and breaks of lines would let a text pass for another line of a log. */
function plain(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, " ");
}

/**
 * Takes out of a text what its sender may repeat of the request: credentials, and the values that are sensitive. `secrets` of any length
 * go; of a sensitive value that is too short to be found in a text, nothing of the text is kept.
 */
export function scrubber(
  secrets: readonly string[],
  sensitive: readonly (string | number)[],
): (text: string) => string {
  const values = [...new Set([...secrets.flatMap(formsOf), ...sensitive.map(String)])];
  const long = values.filter((value) => value.length >= shortest).sort((a, b) => b.length - a.length);
  const short = values.filter((value) => value.length > 0 && value.length < shortest);
  return (text) => {
    if (short.some((value) => text.includes(value))) return hidden;
    let result = text;
    for (const value of long) if (result.includes(value)) result = result.replaceAll(value, hidden);
    return result;
  };
}

function formsOf(secret: string): string[] {
  return [secret, encodeURIComponent(secret), Buffer.from(secret).toString("base64")];
}

/** What of the credentials must not be told. */
export function secretsOf(credentials: ResolvedCredentials | undefined): readonly string[] {
  switch (credentials?.kind) {
    case "bearer":
      return [credentials.token];
    case "basic":
      return [credentials.password, Buffer.from(`${credentials.user}:${credentials.password}`).toString("base64")];
    case "header":
    case "query":
    case "cookie":
      return [credentials.value];
    case "oauth":
      return [credentials.secret];
    case "username-token":
      return [credentials.password];
    default:
      return [];
  }
}
