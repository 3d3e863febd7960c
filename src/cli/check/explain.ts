/** What the compiler says of the operations of APIs, of contracts that are given and of exact numbers, in our own words: its are about types. */

/** `message`: as it is kept of the compiler's output. Whatever else it says passes unchanged. */
export function explained(message: string): string {
  const code = /^TS\d+/.exec(message)?.[0] ?? "";
  for (const [form, words] of forms) {
    const match = form.exec(message);
    if (match !== null) return `${code}: ${words(match[1] ?? "", match[2] ?? "")}`;
  }
  const exact = exactNumber.exec(message);
  if (exact === null) return shortened(message);
  const [sentence, type = ""] = exact;
  return `${sentence}\nAn exact number is text of a type of its own; ${type === "Int64" ? "int64" : "decimal"}(...) of mortise makes one of text or of a number.`;
}

/** The whole first line. What the compiler gives as its reason is how the type is made. */
const exactNumber =
  /^TS\d+: .*'(?:string|number|bigint)'.* is not assignable to .*type '(Int64|Decimal)(?: \| (?:null|undefined))*'\./;

const unfit = (what: string, name: string, how: string) =>
  `${what} of the contract is not what stands behind the operation ${name}; say ${how}`;

const forms: readonly (readonly [RegExp, (found: string, more: string) => string])[] = [
  [
    /Property '([^']+)' is missing in type .* but required in type 'EveryOperationOf</s,
    (name) => `The contract has the operation ${name}, and it is not implemented.`,
  ],
  [
    /is missing the following properties from type 'EveryOperationOf<.*>': (.+)$/s,
    (names) =>
      `The contract has operations that are not implemented: ${names.replace(/ and (\d+) more/, " and $1 more")}`,
  ],
  [/not assignable to type '"(The contract has no operation [^"]+)"'/, (sentence) => `${sentence}.`],
  [
    /Property 'accepts' is missing in type .* but required in type 'MapsRequest</s,
    () => unfit("The request", "takes", "how it becomes that, accepts: (request) => ..."),
  ],
  [
    /Property 'responds' is missing in type .* but required in type 'MapsAnswer</s,
    () => unfit("The answer", "gives", "how it is made, responds: (given) => ..."),
  ],
  // Of the last form of a verb: src/publish/unfit-options.ts.
  [/NoOption<"([^"]+)", "([^"]+)">/, (option, what) => `There is no option ${option} beside ${what}.`],
  [/OtherType<"([^"]+)", ([^']+)>'/, (option, type) => `The option ${option} must be of the type ${type}.`],
  [/"(\{[^"]+\} is not a property of the input)"/, (sentence) => `${sentence}: the path names it.`],
  [/'"(What a function makes does not fit, or a name in the path [^"]+)"'/, (sentence) => `${sentence}.`],
  [
    /Property 'allow' is missing in type .* but required in type '\{ readonly allow: \(facts: .*readonly run: RunView</s,
    () => "Who shows or follows runs says whose they are: allow: ({ caller, run }) => ...",
  ],
];

/** A type that is written out says less the longer it is. */
function shortened(message: string): string {
  return message.replace(/'\{ [^']{120,}\}'/g, "'{ ... }'");
}
