/**
 * Keeps secrets out of what is written (P8): every value that was resolved from a secret is registered here, and scrubbed from
 * any text, in each form in which it could stand there.
 */

/** What stands where a secret stood. */
export const redacted = "[secret]";

export interface Redactor {
  /** Remembers a secret's value. One of fewer than 4 characters is not remembered: scrubbing it would garble every text. */
  register(value: string): void;
  /** The text without any registered value, plain, JSON-escaped, URL-encoded or in base64. */
  scrub(text: string): string;
}

export function createRedactor(): Redactor {
  // Longest first, so that a secret that contains another one goes as a whole.
  let forms: readonly string[] = [];
  const known = new Set<string>();
  return {
    register(value) {
      // Secrets are read again and again, as they change.
      if (value.length < 4 || known.has(value)) return;
      known.add(value);
      const bytes = Buffer.from(value);
      const added = [
        value,
        JSON.stringify(value).slice(1, -1),
        encodeURIComponent(value),
        bytes.toString("base64"),
        bytes.toString("base64url"),
      ];
      forms = [...new Set([...forms, ...added])].sort((a, b) => b.length - a.length);
    },
    scrub(text) {
      let result = text;
      for (const form of forms) if (result.includes(form)) result = result.replaceAll(form, redacted);
      return result;
    },
  };
}
