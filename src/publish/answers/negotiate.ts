/** Which of the media types that are offered a caller takes (RFC 9110, section 12.5.1), and which bodies are JSON. */
import { essence } from "../../contract/media.ts";

/** Ranges that are looked at; a header of more is no header of a person's or a program's own. */
const mostRanges = 100;
/** RFC 9110, section 12.4.2. */
const weightForm = /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/;
const token = "[!#$%&'*+.^_`|~0-9a-z-]+";
const rangeForm = new RegExp(`^${token}/${token}$`);

interface Range {
  readonly type: string;
  /** Without the weight; names and values in lower case. */
  readonly parameters: readonly string[];
  readonly weight: number;
}

/**
 * The one of `offered` that `accept` likes best, the first of those it likes alike; `undefined` if it takes none of them. The most specific range
 * that fits a type says its weight. No header, or an empty one, takes everything. What is no range is passed over.
 */
export function preferred(accept: string | undefined, offered: readonly string[]): string | undefined {
  const [first] = offered;
  if (accept === undefined || accept === "*/*" || (offered.length === 1 && accept === first)) return first;
  const parts = outsideQuotes(accept, ",").filter((part) => part !== "");
  if (parts.length === 0) return first;
  const ranges = parts.slice(0, mostRanges).flatMap(rangeOf);
  let best: string | undefined;
  let most = 0;
  for (const type of offered) {
    const weight = weightOf(type, ranges);
    if (weight > most) {
      best = type;
      most = weight;
    }
  }
  return best;
}

function weightOf(offered: string, ranges: readonly Range[]): number {
  const [type = "", ...own] = outsideQuotes(offered.toLowerCase(), ";");
  const group = `${type.slice(0, type.indexOf("/"))}/*`;
  let specific = 0;
  let weight = 0;
  for (const range of ranges) {
    const level = ["*/*", group, type].indexOf(range.type) + 1;
    if (level === 0 || !range.parameters.every((parameter) => own.includes(parameter) || says.has(parameter))) continue;
    const rank = level * 100 + range.parameters.length;
    // Two that are alike: whatever order they stand in, the kinder one.
    if (rank < specific || (rank === specific && range.weight <= weight)) continue;
    specific = rank;
    weight = range.weight;
  }
  return weight;
}

/** What all of our text is, said or not. */
const says: ReadonlySet<string> = new Set(["charset=utf-8", 'charset="utf-8"']);

function rangeOf(text: string): readonly Range[] {
  const [type = "", ...rest] = outsideQuotes(text.toLowerCase(), ";");
  if (!rangeForm.test(type) || (type[0] === "*" && type !== "*/*")) return [];
  const at = rest.findIndex((parameter) => parameter.startsWith("q="));
  const parameters = (at < 0 ? rest : rest.slice(0, at)).filter((parameter) => parameter !== "");
  const q = at < 0 ? "1" : (rest[at] as string).slice(2);
  return weightForm.test(q) ? [{ type, parameters, weight: Number(q) }] : [];
}

/** Parts of a list, trimmed; a separator inside a quoted string is none (RFC 9110, section 5.6.4). */
function outsideQuotes(text: string, separator: string): string[] {
  if (!text.includes('"')) return text.split(separator).map((part) => part.trim());
  const parts: string[] = [];
  let from = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (quoted && character === "\\") at += 1;
    else if (character === '"') quoted = !quoted;
    else if (character === separator && !quoted) {
      parts.push(text.slice(from, at).trim());
      from = at + 1;
    }
  }
  parts.push(text.slice(from).trim());
  return parts;
}

/** Patches are JSON too, and say something else than the document that they are for (RFC 6902, RFC 7396). */
const patches: ReadonlySet<string> = new Set([
  "application/json-patch+json",
  "application/merge-patch+json",
  "application/json-seq",
]);

/**
 * Whether a body of this type is read as JSON: `application/json`, or `application/<anything>+json` (RFC 6839, section 3.1) that is no patch. JSON is UTF-8
 * (RFC 8259, section 8.1): another charset is refused, other parameters mean nothing. `declared`: takes these types instead.
 */
export function readsAsJson(contentType: string | undefined, declared?: readonly string[]): boolean {
  if (contentType === undefined) return false;
  if (declared === undefined && contentType === "application/json") return true;
  const [type = "", ...parameters] = outsideQuotes(contentType.toLowerCase(), ";");
  const fits =
    declared === undefined
      ? type === "application/json" || (/^application\/[\w.!#$&^+-]+\+json$/.test(type) && !patches.has(type))
      : declared.some((each) => essence(each) === type);
  return (
    fits && parameters.every((parameter) => !/^charset\s*=/.test(parameter) || /^charset="?utf-8"?$/.test(parameter))
  );
}
