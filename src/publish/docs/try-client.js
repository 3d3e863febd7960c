// The script of the docs page. It shows the forms, sends what is in them to the made-up answers beside the page, and shows what comes.
// It keeps nothing, sends no credentials, and writes text, never markup.
const element = (name, className, text) => {
  const made = document.createElement(name);
  if (className !== "") made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
};

// Where the page stands, the API stands. What is no plain address stays as the page has it: it is to be pasted into a shell.
const start = document.querySelector("pre[data-base]");
const end = start === null ? -1 : location.pathname.lastIndexOf(`${start.dataset.base}/docs`);
const here = `${location.origin}${location.pathname.slice(0, Math.max(0, end))}`;
if (end >= 0 && /^https?:[\w.~:/%[\]-]+$/.test(here))
  start.textContent = start.textContent.replace(/^API_URL=https:\/\/api\.example\.com .*$/m, () => `API_URL=${here}`);

for (const details of document.querySelectorAll("details.try")) {
  details.hidden = false;
  const form = details.querySelector("form");
  const shown = details.querySelector(".answer");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void send(form, shown, details.dataset);
  });
}

async function send(form, shown, operation) {
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    shown.replaceChildren(...(await tried(operation, form)));
  } catch (error) {
    shown.replaceChildren(element("p", "failed", `Nothing came back: ${error.message}`));
  }
  button.disabled = false;
}

async function tried({ method, path }, form) {
  const headers = {};
  const query = new URLSearchParams();
  let address = path;
  for (const { dataset, name, value } of form.querySelectorAll("input")) {
    if (dataset.in === "path") address = address.replace(`{${name}}`, encodeURIComponent(value));
    else if (value === "") continue;
    else if (dataset.in === "query") query.append(name, value);
    else headers[name] = value;
  }
  const wanted = form.querySelector("select").value;
  if (wanted !== "") headers.prefer = `code=${wanted}`;
  const body = form.querySelector("textarea")?.value;
  if (body !== undefined) headers["content-type"] = "application/json";
  const search = query.size === 0 ? "" : `?${query}`;
  const begun = performance.now();
  const answer = await fetch(`docs/try${address}${search}`, {
    method,
    headers,
    body,
    credentials: "omit",
    cache: "no-store",
    redirect: "error",
  });
  const text = await answer.text();
  return answered(answer, text, Math.round(performance.now() - begun));
}

function answered(answer, text, ms) {
  const status = element("p", "status", "");
  status.append(
    element("b", `s s${String(answer.status).charAt(0)}`, String(answer.status)),
    ` ${answer.statusText} `,
    element("small", "", `made up in ${ms} ms`),
  );
  const heads = element("details", "more");
  const list = [...answer.headers].map(([name, value]) => `${name}: ${value}`);
  heads.append(element("summary", "", `${list.length} headers`), element("pre", "", list.join("\n")));
  return [status, element("pre", "body", text === "" ? "(no body)" : pretty(text)), heads];
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

// Code is there to be taken along. Browsers let pages write to the clipboard over TLS and on this machine only.
if (navigator.clipboard !== undefined)
  for (const code of document.querySelectorAll("pre")) {
    const button = element("button", "copy", "Copy");
    button.type = "button";
    button.addEventListener("click", () => void copy(code.textContent, button));
    const box = element("div", "code");
    code.replaceWith(box);
    box.append(code, button);
  }

async function copy(text, button) {
  await navigator.clipboard.writeText(text);
  button.textContent = "Copied";
  setTimeout(() => {
    button.textContent = "Copy";
  }, 1500);
}
