/** HTML from templates: every text in it stays text. */

/** Text that is already HTML. Only what is made here is: a value of a contract that looks like one is not. */
export class Html {
  readonly html: string;
  constructor(html: string) {
    this.html = html;
  }
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
  return new Html(text);
}

function rendered(value: string | number | Html | readonly Html[] | undefined): string {
  if (value === undefined) return "";
  if (value instanceof Html) return value.html;
  if (Array.isArray(value)) return value.map(rendered).join("");
  return String(value).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}
