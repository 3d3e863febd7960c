/** HTML from templates: every text in it stays text. */

/** Text that is already HTML. */
export interface Html {
  readonly html: string;
}

/** A template whose values are escaped, unless they are HTML already. `undefined`: nothing. */
export function html(
  parts: TemplateStringsArray,
  ...values: readonly (string | number | Html | readonly Html[] | undefined)[]
): Html {
  let text = parts[0] as string;
  values.forEach((value, at) => {
    text += rendered(value) + parts[at + 1];
  });
  return { html: text };
}

function rendered(value: string | number | Html | readonly Html[] | undefined): string {
  if (value === undefined) return "";
  if (Array.isArray(value)) return value.map((one: Html) => one.html).join("");
  if (typeof value === "object") return (value as Html).html;
  return String(value).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}
