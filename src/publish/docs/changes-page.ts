/** The changelog of an API for people: what was published when, and what it means for those who call it. */
import type { Verdict } from "../../contract/compare/finding.ts";
import type { OpenApiDocument } from "../openapi.ts";
import {
  type Deprecation,
  dayInWords,
  type PublishedChange,
  type PublishedVersion,
  type ToldVersions,
} from "./changelog.ts";
import { day, frame, link } from "./frame.ts";
import { type Html, html } from "./html.ts";

const titles: Readonly<Record<Verdict, string>> = {
  breaking: "Breaks callers",
  review: "Look at it",
  safe: "Breaks nobody",
};
const verdicts = Object.keys(titles) as readonly Verdict[];
/** Of one kind, in one version. The JSON has more of them. */
const mostShown = 100;

/** `versions`: of the API in all its major versions, the newest first. Links are relative: the page stands at `<base>/docs/changes`. */
export function changesPage({ info }: OpenApiDocument, { versions, earlier }: ToldVersions): string {
  // A version that was published several times is described as it is now.
  const described = versions.findIndex(({ version }) => version === info.version);
  const anchors = versions.map((_, at) => `v${versions.length - at}`);
  return frame({
    title: `Changes of ${info.title}`,
    contents: html`<p class="brand">${info.title}<span>Changes</span></p>
<a href="../docs">Documentation of ${info.version}</a>
${versions.length === 0 ? undefined : html`<p class="group">Versions</p>`}
${versions.map((one, at) => html`<a href="#${anchors[at]}">${one.version}<small>${dayInWords(one)}</small></a>\n`)}
<p class="group">For programs</p>
<a href="changes.json">changes.json</a>`,
    main: html`<header>
<h1>Changes of ${info.title}</h1>
<p class="lead">What was published, the newest first, compared with what was there before. Within a major version nothing is published that breaks a caller.</p>
</header>
${versions.length === 0 ? html`<section><p>Nothing is on record yet.</p></section>` : undefined}
${versions.map((one, at) => versionSection(one, anchors[at] ?? "", at === described))}
${earlier === 0 ? undefined : html`<section><p>There are ${earlier} earlier publications, which are not told here.</p></section>`}`,
  });
}

function versionSection(one: PublishedVersion, anchor: string, described: boolean): Html {
  const { version, since, changes, more = 0, note, deprecation } = one;
  return html`<section id="${anchor}" class="version">
<h2>${version}<span class="tag">${dayInWords(one) ?? "day not known"}</span>${described ? html`<span class="tag published">this documentation</span>` : undefined}</h2>
${note === undefined ? undefined : html`<p class="note">${note}</p>`}
${deprecation === undefined ? undefined : deprecationNotice(deprecation)}
${since === undefined ? html`<p class="id">Nothing on record before it to compare with.</p>` : html`<p class="id">Compared with ${named(since)}${changes.length + more === 0 ? ": nothing changed for those who call it." : ""}</p>`}
${verdicts.map((verdict) => changeList(verdict, changes))}
${more === 0 ? undefined : html`<p class="id">${more} more changes, none of them worse, are not told here.</p>`}
</section>`;
}

export function deprecationNotice({ since, sunset, successor, migration }: Deprecation): Html {
  return html`<p class="notice"><b>Deprecated</b> since ${day(since)}. It ends on <b>${day(sunset)}</b>. Its successor is ${successor.startsWith("/") ? link(`${successor}/docs`, successor) : link(successor)}; how to move: ${link(migration)}</p>`;
}

const named = ({ version, ...when }: NonNullable<PublishedVersion["since"]>): string =>
  when.date === undefined ? version : `${version} of ${dayInWords(when)}`;

function changeList(verdict: Verdict, all: readonly PublishedChange[]): Html {
  const changes = all.filter((change) => change.verdict === verdict);
  if (changes.length === 0) return html``;
  const more = changes.length - mostShown;
  return html`<h3 class="v ${verdict}">${titles[verdict]} <span>${changes.length}</span></h3>
<ul class="changes">${changes.slice(0, mostShown).map(changeItem)}${more > 0 ? html`<li>and ${more} more, in <a href="changes.json">changes.json</a></li>` : undefined}</ul>`;
}

function changeItem({ at, reason, rule, example }: PublishedChange): Html {
  return html`<li>${at === "" ? undefined : html`<code>${at}</code> `}${reason} <small>${rule}</small>${example === undefined ? undefined : html`<pre>${example}</pre>`}</li>`;
}
