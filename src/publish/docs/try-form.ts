/** The form with which an operation is tried out. The script shows it; without script there is none. */
import { STATUS_CODES } from "../../http.ts";
import { type Html, html } from "./html.ts";
import type { Sample, SampleField, Shown } from "./sample.ts";

export function tryForm({ method, path, operation }: Shown, { fields, body }: Sample): Html {
  const id = operation.operationId;
  const statuses = Object.keys(operation.responses).filter((status) => /^\d{3}$/.test(status));
  const rows = body === undefined ? 0 : Math.min(24, JSON.stringify(body, null, 2).split("\n").length + 1);
  return html`<details class="try" hidden data-method="${method}" data-path="${path}">
<summary>Try it</summary>
<p class="made-up">The answer is made up from the contract. Nothing is called, nothing that you send is kept, and no key is needed: leave yours out.</p>
<form>
${fields.map((field) => fieldRow(id, field))}
${body === undefined ? undefined : html`<label for="${id}-body">Body</label><textarea id="${id}-body" data-in="body" rows="${rows}" spellcheck="false">${JSON.stringify(body, null, 2)}</textarea>`}
<label for="${id}-answer">Answer</label><select id="${id}-answer" data-in="answer"><option value="">as the request deserves</option>${statuses.map((status) => html`<option value="${status}">${status} ${STATUS_CODES[status] ?? ""}</option>`)}</select>
<p class="send"><button type="submit">Send to the fake</button></p>
</form>
<div class="answer" role="status"></div>
</details>`;
}

function fieldRow(id: string, { name, in: place, required, value }: SampleField): Html {
  const field = `${id}-${place}-${name}`;
  return html`<label for="${field}"><code>${name}</code> <small>${place}${required ? ", required" : ""}</small></label><input id="${field}" name="${name}" data-in="${place}" value="${value}" autocomplete="off" spellcheck="false">
`;
}
