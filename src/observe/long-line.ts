/** Keeps lines of the log within a size that collectors take whole. Most lines are a few hundred bytes, and are not looked at. */

/** Bytes of a line, its line feed included. */
export const longestLine = 16_384;
/** No line of so few characters can be longer, however its characters are escaped. */
const surelyShort = Math.floor(longestLine / 6);

/**
 * The line, or one in which the fields that do not fit are `[cut]`; what comes first stays. `written`: the line as it is going to be written.
 */
export function bounded(line: string, written: (line: string) => string): string {
  const bytes = (text: string) => Buffer.byteLength(written(text));
  if (line.length <= surelyShort || bytes(line) <= longestLine) return line;
  const kept: Record<string, unknown> = Object.create(null);
  const fields = Object.entries(JSON.parse(line) as Readonly<Record<string, unknown>>);
  // Whoever is left out still takes a place: its name and the mark.
  let left = longestLine - bytes(`${JSON.stringify(Object.fromEntries(fields.map(([name]) => [name, "[cut]"])))}\n`);
  const sizes = new Map(fields.map(([name, value]) => [name, bytes(JSON.stringify(value)) - '"[cut]"'.length]));
  // The message is the last field, and says what the others are about.
  for (const [name] of [...fields.filter(([name]) => name === "msg"), ...fields.filter(([name]) => name !== "msg")]) {
    const size = sizes.get(name) as number;
    if (size > left) sizes.set(name, Number.POSITIVE_INFINITY);
    else left -= size;
  }
  for (const [name, value] of fields) kept[name] = sizes.get(name) === Number.POSITIVE_INFINITY ? "[cut]" : value;
  return `${JSON.stringify(kept)}\n`;
}
