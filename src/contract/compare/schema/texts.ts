/** Texts that a schema of texts takes: by format, by pattern, by length. */
import { textOfPatterns } from "../../example/pattern-text.ts";
import { Random } from "../../example/random.ts";
import { compilePattern } from "../../pattern.ts";
import type { Flat } from "./flat.ts";

const byFormat: Readonly<Record<string, readonly string[]>> = {
  "date-time": ["2026-01-05T08:00:00Z", "2026-12-31T23:59:59.999+02:00"],
  date: ["2026-01-05", "1999-12-31"],
  time: ["08:00:00Z"],
  duration: ["P1D"],
  email: ["someone@example.com"],
  "idn-email": ["someone@example.com"],
  uri: ["https://example.com/"],
  url: ["https://example.com/"],
  "uri-reference": ["/", "https://example.com/"],
  hostname: ["example.com"],
  ipv4: ["192.0.2.1"],
  ipv6: ["2001:db8::1"],
  uuid: ["00000000-0000-4000-8000-000000000000"],
  decimal: ["1.00", "-0.5"],
  int64: ["1", "9223372036854775807"],
  byte: ["dGV4dA=="],
};
/** What patterns of contracts like to have. */
const stock = [
  "text",
  "",
  "a",
  "A",
  "1",
  "x-a",
  "X-a",
  "abc",
  "ABC",
  "12",
  "123",
  "1234",
  "12345",
  "123456",
  "12345678",
  "1234567890",
  "-1",
  "1.5",
  "1.00",
  "AB",
  "US",
  "EUR",
  "en",
  "en-US",
  "a1",
  "A1",
  "A-1",
  "a_b",
  "a-b",
  "a.b",
  "a b",
  "Text",
  "TEXT",
  "äß",
  "!?",
  "/",
  "/a",
  "#",
  "true",
  "2026-01-05",
  "2026-01-05T08:00:00Z",
  "08:00",
  "someone@example.com",
  "https://example.com/",
  "00000000-0000-4000-8000-000000000000",
  "0123456789abcdef",
  "+491234567",
];

/** Most liked first; shorter and longer ones after it. */
export function textsOf(flat: Pick<Flat, "patterns" | "formats" | "minLength" | "maxLength">): readonly string[] {
  const { formats, minLength, maxLength } = flat;
  const patterns = flat.patterns.map((pattern) => compilePattern(pattern));
  const formatted = formats.flatMap((format) => byFormat[format] ?? []);
  const raw = formatted.length > 0 ? formatted : stock;
  const fitting = raw.flatMap((text) => {
    if (formatted.length > 0) return [text];
    const long = [...text].length;
    if (long > maxLength) return [[...text].slice(0, maxLength).join("")];
    return long < minLength ? [text.padEnd(Math.min(minLength, 10_000), "x")] : [text];
  });
  const edges =
    formatted.length > 0 || patterns.length > 0
      ? []
      : [minLength, maxLength].filter((length) => length <= 10_000).map((length) => "x".repeat(length));
  const found = [...fitting.slice(0, 1), ...edges, ...fitting.slice(1)].filter((text) => {
    const long = [...text].length;
    return long >= minLength && long <= maxLength && patterns.every((pattern) => pattern.test(text));
  });
  return [...new Set([...found, ...solved(flat, found.length)])].slice(0, 30);
}

/** What no stock text fits is made from the pattern itself: the shortest, and some others, always the same. */
function solved(
  { patterns, minLength, maxLength }: Pick<Flat, "patterns" | "minLength" | "maxLength">,
  known: number,
): readonly string[] {
  if (patterns.length === 0 || known > 5) return [];
  const made: string[] = [];
  for (let seed = 0; seed < 6; seed++) {
    const least = Math.min(minLength + seed * 2, Math.max(minLength, Math.min(maxLength, 40)));
    const text = textOfPatterns(patterns, { least, most: Math.min(maxLength, 200) }, new Random(`text ${seed}`));
    if (text !== undefined) made.push(text);
  }
  return made;
}

const lengths = [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 16, 18, 20, 24, 32, 40, 64, 100, 200];

/** Ever longer ones that the patterns take: a pattern may stop no short text. */
export function longTexts(flat: Pick<Flat, "patterns" | "minLength" | "maxLength">): readonly string[] {
  if (flat.patterns.length === 0) return [];
  const { minLength, maxLength } = flat;
  const patterns = flat.patterns.map((pattern) => compilePattern(pattern));
  const plain = lengths.flatMap((length) => ["9", "a", "A"].map((one) => one.repeat(length)));
  const fractions = lengths.slice(0, 12).map((length) => `0.${"9".repeat(length)}`);
  return [...plain, ...fractions]
    .filter((text) => text.length >= minLength && text.length <= maxLength)
    .filter((text) => patterns.every((pattern) => pattern.test(text)))
    .slice(0, 30);
}
