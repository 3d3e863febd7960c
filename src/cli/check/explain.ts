/** What the compiler says of an API whose contract is given, in the words of contracts, and of exact numbers: its own are about types. */

/** `message`: as it is kept of the compiler's output. Whatever else it says passes unchanged. */
export function explained(message: string): string {
  const code = /^TS\d+/.exec(message)?.[0] ?? "";
  for (const [form, words] of forms) {
    const match = form.exec(message);
    if (match !== null) return `${code}: ${words(match[1] ?? "")}`;
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

const forms: readonly (readonly [RegExp, (found: string) => string])[] = [
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
];

/** A type that is written out says less the longer it is. */
function shortened(message: string): string {
  return message.replace(/'\{ [^']{120,}\}'/g, "'{ ... }'");
}
