/** What all pages of the docs have in common: head, contents, style. Nothing comes from outside. */
import { hash } from "node:crypto";
import { Html, html } from "./html.ts";
import { docsStyle } from "./style.ts";

/** Content-Security-Policy of a page: its one style sheet, and nothing else. */
export const docsPolicy = `default-src 'none'; style-src 'sha256-${hash("sha256", docsStyle, "base64")}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

export interface Frame {
  readonly title: string;
  readonly contents: Html;
  readonly main: Html;
  /** What the page's policy allows by its hash. */
  readonly script?: string;
}

export function frame({ title, contents, main, script }: Frame): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${new Html(docsStyle)}</style>
</head>
<body>
<a class="skip" href="#main">To the text</a>
<nav aria-label="Contents">
${contents}
</nav>
<main id="main">
${main}
</main>
${script === undefined ? undefined : html`<script type="module">${new Html(script)}</script>`}
</body>
</html>
`.html;
}

/** A link where the address is one that a link may have; else its text. A browser reads a backslash as a slash, and no line breaks or tabs at all. */
export function link(address: string, text = address): Html {
  return /^(https?:\/\/|\/(?!\/))[^\s\\]*$/i.test(address) ? html`<a href="${address}">${text}</a>` : html`${text}`;
}

/** `2027-07-01` of a time in ISO 8601. */
export const day = (time: string): string => time.slice(0, 10);
