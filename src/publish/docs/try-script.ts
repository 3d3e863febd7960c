/** The script of the docs page: one file, put into the page, allowed by its hash alone. */
import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import { docsPolicy } from "./frame.ts";

/** What stands in the page's `<script>`. */
export const tryScript: string = readFileSync(new URL("./try-client.js", import.meta.url), "utf8");

/** As `docsPolicy`, with this script, which may send to where it comes from. */
export const tryPolicy: string = `${docsPolicy}; script-src 'sha256-${hash("sha256", tryScript, "base64")}'; connect-src 'self'`;
