/** Texts for examples: by format, by what a property is called, by pattern and length. */
import { type TextBounds, textOfPatterns } from "./pattern-text.ts";
import type { Random } from "./random.ts";

const lower = "abcdefghijklmnopqrstuvwxyz";
const digits = "0123456789";
const hex = "0123456789abcdef";

const two = (number: number): string => String(number).padStart(2, "0");
const date = (random: Random): string => `2026-${two(1 + random.below(12))}-${two(1 + random.below(28))}`;
const clock = (random: Random): string => `${two(random.below(24))}:${two(random.below(60))}:${two(random.below(60))}Z`;
const path = (random: Random): string => `https://example.com/${random.text(6, lower)}`;

/** Formats of JSON Schema, OpenAPI and this project; one that is not here says nothing. */
const formats: Readonly<Record<string, (random: Random) => string>> = {
  "date-time": (random) => `${date(random)}T${clock(random)}`,
  "iso-date-time": (random) => `${date(random)}T${clock(random)}`,
  date,
  time: clock,
  "iso-time": clock,
  duration: (random) => `P${1 + random.below(28)}D`,
  email: (random) => `${random.text(6, lower)}@example.com`,
  "idn-email": (random) => `${random.text(6, lower)}@example.com`,
  hostname: (random) => `${random.text(6, lower)}.example.com`,
  "idn-hostname": (random) => `${random.text(6, lower)}.example.com`,
  ipv4: (random) => `192.0.2.${1 + random.below(254)}`,
  ipv6: (random) => `2001:db8::${random.text(4, "123456789abcdef")}`,
  uri: path,
  url: path,
  iri: path,
  "uri-reference": (random) => `/${random.text(6, lower)}`,
  "iri-reference": (random) => `/${random.text(6, lower)}`,
  "uri-template": (random) => `/${random.text(6, lower)}/{id}`,
  uuid: (random) =>
    `${random.text(8, hex)}-${random.text(4, hex)}-4${random.text(3, hex)}-a${random.text(3, hex)}-${random.text(12, hex)}`,
  "json-pointer": (random) => `/${random.text(6, lower)}`,
  "relative-json-pointer": () => "0/a",
  regex: () => "^[a-z]+$",
  byte: (random) => Buffer.from(random.text(6, lower)).toString("base64"),
  binary: (random) => random.text(8, lower),
  password: (random) => random.text(12, lower + digits),
  int64: (random) => String(1 + random.below(1_000_000)),
  integer: (random) => String(1 + random.below(10_000)),
  decimal: (random) => `${1 + random.below(500)}.${two(random.below(100))}`,
};

/** What a name says, where nothing else does. The first that the name ends with. */
const byName: readonly (readonly [RegExp, (random: Random) => string])[] = [
  [/e-?mail(address)?$/i, formats.email!],
  [/(url|uri|href|link)$/i, path],
  [/currency(code)?$/i, (random) => random.pick(["EUR", "USD", "GBP", "CHF"])],
  [/country(code)?$/i, (random) => random.pick(["DE", "FR", "GB", "US"])],
  [/(language|locale|lang)$/i, (random) => random.pick(["en", "de", "fr"])],
  [/(phone|mobile|fax)(number)?$/i, (random) => `+49 40 ${random.text(6, digits)}`],
  [/(zip|postal|postcode)(code)?$/i, (random) => `2${random.text(4, digits)}`],
  [/(_at|[a-z]At|timestamp)$/, formats["date-time"]!],
  [/(^|_)date$|[a-z]Date$/, formats.date!],
  [/city$/i, (random) => random.pick(["Hamburg", "Lyon", "Leeds", "Porto"])],
  [/first_?name$/i, (random) => random.pick(["Ada", "Grace", "Alan", "Edsger"])],
  [/(last|sur|family)_?name$/i, (random) => random.pick(["Lovelace", "Hopper", "Turing", "Dijkstra"])],
];
/** Tried where a pattern is given: they read better than what is made from it. */
const common = ["2026-03-14T09:30:00Z", "2026-03-14", "09:30:00Z", "P1D", "12.50", "EUR", "DE", "2026-03", "2026"];

export interface TextWish {
  readonly format: string | undefined;
  readonly patterns: readonly string[];
  readonly bounds: TextBounds;
  readonly encoding: string | undefined;
  /** What the value is called. */
  readonly name: string;
  /** Another variant is wanted than the first one. */
  readonly variant: number;
  /** Bounds of a number that is kept as text. */
  readonly limits?: readonly string[];
}

/** Texts to try, the best first; whoever asks tests them. */
export function* textsOf(wish: TextWish, random: Random): Generator<string> {
  const { format, patterns, bounds, name, variant } = wish;
  if (wish.encoding === "base64") yield* encoded(bounds, random);
  const known = format !== undefined && Object.hasOwn(formats, format) ? formats[format] : undefined;
  if (known !== undefined) {
    const text = known(random);
    yield text;
    yield* lengthened(format!, text, bounds, random);
    for (const limit of wish.limits ?? []) {
      // The bound itself, and where it is left out, its neighbours.
      yield limit;
      const whole = /^[+-]?\d{1,200}/.exec(limit)?.[0];
      if (whole !== undefined) for (const step of [1n, -1n]) yield String(BigInt(whole) + step);
      if (format === "decimal") yield limit.includes(".") ? `${limit}1` : `${limit}.1`;
    }
  }
  const named = byName.find(([form]) => form.test(name));
  if (named !== undefined) yield named[1](random);
  const plain = `${name === "" ? "text" : name}-${random.text(3, digits)}`;
  if (patterns.length > 0) {
    if (variant === 0) yield* [plain, plain.toUpperCase(), ...common];
    const made = textOfPatterns(patterns, bounds, random);
    if (made !== undefined) yield made;
  }
  yield plain;
  yield fitted(plain, bounds, random);
  yield random.text(Math.min(Math.max(bounds.least, 1), 20_000), lower);
}

/** With the length that is asked for: the end of a text that is too long tells more than its beginning. */
function fitted(text: string, { least, most }: TextBounds, random: Random): string {
  if (text.length > most) return most <= 0 ? "" : text.slice(-most);
  return text.length >= least ? text : text + random.text(Math.min(least - text.length, 20_000), lower);
}

function* encoded({ least, most }: TextBounds, random: Random): Generator<string> {
  const groups = Math.max(Math.ceil(least / 4), Math.min(2, Math.floor(most / 4)));
  yield Buffer.from(random.text(Math.min(groups, 5000) * 3, lower)).toString("base64");
}

/** Formats whose texts can be of any length. */
function* lengthened(format: string, text: string, { least, most }: TextBounds, random: Random): Generator<string> {
  const missing = Math.min(least - text.length, 20_000);
  if (missing > 0) {
    if (/^(idn-)?email$/.test(format)) yield `${random.text(Math.min(missing, 50), lower)}${text}`;
    else if (/^(uri|url|iri)(-reference)?$|^json-pointer$|^binary$|^password$/.test(format))
      yield text + random.text(missing, lower);
    else if (/^(int64|integer)$/.test(format)) yield `1${random.text(least - 1, digits)}`;
    else if (format === "decimal") yield text + "0".repeat(missing);
    else if (format === "byte") yield Buffer.from(random.text(Math.ceil(least / 4) * 3, lower)).toString("base64");
  } else if (text.length > most) {
    const short: Readonly<Record<string, string>> = {
      email: "a@b.de",
      uri: "a:b",
      url: "http://a.de",
      hostname: "a.de",
      decimal: "1",
      int64: "1",
      integer: "1",
      byte: "YQ==",
      binary: "a",
      password: "a",
      ipv6: "::1",
      ipv4: "1.1.1.1",
    };
    if (Object.hasOwn(short, format)) yield short[format]!;
  }
}
