/**
 * `mortise upgrade`: takes a new version of a system's contract, and shows first what that does to the project: which lines it
 * breaks, which open runs it concerns, what the compiler says. Written is all of the pin at once, or nothing.
 */
import { existsSync, readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { type ContractModel, contractHash } from "../../contract/model.ts";
import { onlyOf } from "../../contract/only.ts";
import type { ContractFile } from "../../contract/read/source.ts";
import { failure } from "../../errors.ts";
import { applyChange, changedBy } from "../change.ts";
import type { Finding } from "../check/finding.ts";
import type { Context } from "../context.ts";
import { contractFrom } from "../contract-source.ts";
import { exit } from "../exit.ts";
import { Desk } from "../impact/desk.ts";
import { type OpenRuns, openRuns } from "../impact/open-runs.ts";
import { printImpact, printRuns, summaryLine } from "../impact/report.ts";
import { type Study, study } from "../impact/study.ts";
import { readPlace } from "../live-place.ts";
import { pinChange, pinnedSystems, readPin, systemFolder, withUrl, written } from "../pin.ts";
import { projectFolder } from "../project-folder.ts";
import { placeOf } from "./add-place.ts";
import { show } from "./check.ts";
import { readOverrides } from "./diff.ts";

interface Options {
  readonly from?: string;
  readonly yes?: boolean;
  readonly force?: boolean;
  readonly types: boolean;
  readonly overrides?: string;
  readonly internal?: boolean;
  readonly root?: string;
  readonly statements?: string;
  readonly user?: string;
  readonly password?: string;
}

export async function upgrade(context: Context, [name]: readonly string[], options: Options): Promise<number> {
  const { terminal, io } = context;
  const project = projectFolder(io.folder, context.project);
  const systems = pinnedSystems(project);
  if (!systems.includes(name!))
    throw failure("system-missing", { name: name!, systems: systems.join(", ") || "none yet" });
  const folder = systemFolder(project, name!);
  const pinned = readPin(folder);
  const from = options.from ?? pinned.source.url;
  if (from === undefined)
    throw failure("option-invalid", {
      option: "--from",
      reason: `${name} was pinned from ${pinned.database === undefined ? "a file" : "a database"}, so say where its new contract is`,
    });
  const { model, files } = await readNew(context, { name: name!, project, folder, from, pinned }, options);
  const change = pinChange(files, model, pinned);
  const changed = changedBy(folder, change);
  if (contractHash(model) === contractHash(pinned) && changed.length === 0) {
    terminal.result({ system: name, from: shownPlace(from), changed, applied: false, verdict: "safe" }, () =>
      terminal.line(terminal.paint("green", `${name} is pinned as it is there: nothing to do`)),
    );
    return exit.done;
  }
  const decided = options.overrides === undefined ? [] : readOverrides(resolve(io.folder, options.overrides));
  terminal.note("looking at what the project uses");
  const desk = new Desk();
  let found: Study;
  let types: Types;
  try {
    found = await study(desk, project, pinned, model, decided);
    types = options.types ? await newErrors(desk, project, name!, written(model)["contract.ts"]!) : "left out";
  } finally {
    desk.close();
  }
  const runs = await openRuns(context, project, name!, found.impact.members);
  const errors = typeof types === "string" ? [] : types;
  const { verdict } = found.impact;
  const blocked = errors.length > 0 || verdict === "breaking" || types === "unknown";
  const code = errors.length > 0 ? exit.found : { breaking: exit.found, review: exit.review, safe: exit.done }[verdict];
  const head = { name: name!, from: shownPlace(from), pinned, model };
  if (!terminal.json) report(context, head, { found, runs, errors, types });
  let applied = false;
  if (
    options.yes === true ? !blocked || options.force === true : await agreed(context, blocked, options.force === true)
  ) {
    applyChange(folder, change);
    applied = true;
  }
  const { impact, untyped } = found;
  terminal.result(
    {
      system: name,
      from: shownPlace(from),
      hash: { before: contractHash(pinned), after: contractHash(model) },
      verdict,
      contractVerdict: impact.contractVerdict,
      findings: impact.findings,
      ...(untyped === undefined ? {} : { untyped }),
      runs,
      types: typeof types === "string" ? types : "checked",
      errors,
      changed,
      applied,
    },
    () => ending(context, { name: name!, project, changed, applied, blocked, errors, types }, options),
  );
  return applied ? exit.done : code;
}

interface Wanted {
  readonly name: string;
  readonly project: string;
  readonly folder: string;
  readonly from: string;
  readonly pinned: ContractModel;
}

/** The new version, as much of it as is pinned. */
async function readNew(
  context: Context,
  { name, project, folder, from, pinned }: Wanted,
  options: Options,
): Promise<{ readonly model: ContractModel; readonly files: readonly ContractFile[] }> {
  const { io } = context;
  const { isDatabase, restrictionOf } = await import("../../server/contracts/live.ts");
  const place = await placeOf(context, project, from, { ...options, known: name });
  const { location } = place;
  let read: { readonly model: ContractModel; readonly files: readonly ContractFile[] };
  if (isDatabase(location) || /^https?:/i.test(location)) {
    const catalogue = pinned.source.files.slice(1).find(({ path }) => /\.(json|sql)$/.test(path));
    const restriction =
      catalogue === undefined ? {} : restrictionOf(readFileSync(join(folder, catalogue.path), "utf8"));
    const { schemas: schema, tables: table } = restriction;
    const live = await readPlace(
      context,
      { name, project, folder, place },
      {
        ...options,
        // What is watched there is read there.
        ...(options.from === undefined ? { internal: true } : {}),
        ...(schema === undefined ? {} : { schema }),
        ...(table === undefined ? {} : { table }),
        ...(isDatabase(location) && options.statements === undefined ? statementsOf(folder, pinned) : {}),
      },
    );
    read = { model: live.model, files: live.files.files() };
  } else {
    const { model, opened } = await contractFrom(from, name, {
      folder: io.folder,
      project,
      ...(options.root === undefined ? {} : { root: options.root }),
    });
    if (opened === undefined)
      throw failure("contract-source", {
        source: from,
        reason: "it is a pinned contract, whose own files are not there",
      });
    read = { model, files: opened.files() };
  }
  const { language } = read.model.source;
  if (language !== pinned.source.language)
    throw failure("contract-language", {
      system: name,
      before: languages[pinned.source.language],
      now: languages[language],
      source: shownPlace(from),
    });
  const { only, url } = pinned.source;
  const part = only === undefined ? read.model : onlyOf(read.model, only);
  const kept = only === undefined ? part : { ...part, source: { ...part.source, only } };
  // A file in the place of a URL does not end the watch of that URL.
  return { model: withUrl(kept, /^https?:/i.test(location) ? location : url), files: read.files };
}

/** The statements are the user's own: those that are pinned are kept. */
function statementsOf(folder: string, pinned: ContractModel): { readonly statements?: string } {
  const entry = pinned.source.files[0]?.path;
  const file = entry === undefined ? undefined : join(folder, entry);
  return file !== undefined && existsSync(file) ? { statements: file } : {};
}

const languages = { openapi: "OpenAPI", wsdl: "WSDL", sql: "SQL", csv: "CSV" } as const;

/** Without what may be a password. */
function shownPlace(from: string): string {
  const url = /^[a-z][a-z0-9+.-]*:\/\//i.test(from) ? URL.parse(from) : null;
  if (url === null) return from;
  url.username = "";
  url.password = "";
  url.search = url.protocol.startsWith("http") ? url.search : "";
  return url.href;
}

type Types = readonly Finding[] | "left out" | "unknown";

/** What the compiler says with the new types that it does not say with the old ones. */
async function newErrors(desk: Desk, folder: string, name: string, text: string): Promise<Types> {
  const after = await desk.ask({ ask: "errors", folder, overlay: { [`systems/${name}/contract.ts`]: text } });
  if (!("errors" in after)) return "unknown";
  if (after.errors.length === 0) return [];
  const before = await desk.ask({ ask: "errors", folder, overlay: {} });
  const known = new Set("errors" in before ? before.errors.map(keyOf) : []);
  return after.errors.filter((error) => !known.has(keyOf(error)));
}

function keyOf({ file, line, message }: Finding): string {
  return `${file}:${line} ${message}`;
}

/** Asks on a terminal. Where nobody can be asked, what was shown is all. */
async function agreed({ io, terminal }: Context, blocked: boolean, force: boolean): Promise<boolean> {
  if (io.confirm === undefined || terminal.json || (blocked && !force)) return false;
  return io.confirm(blocked ? "It breaks what you use. Take it over all the same? [y/N] " : "Take it over? [y/N] ");
}

interface Seen {
  readonly found: Study;
  readonly runs: OpenRuns;
  readonly errors: readonly Finding[];
  readonly types: Types;
}

function report(
  { terminal }: Context,
  { name, from, pinned, model }: { name: string; from: string; pinned: ContractModel; model: ContractModel },
  { found, runs, errors, types }: Seen,
): void {
  const { language, languageVersion, version } = model.source;
  const versions =
    version !== undefined && pinned.source.version !== version
      ? `, ${pinned.source.version ?? "no version"} to ${version}`
      : "";
  terminal.line(`${terminal.paint("bold", name)} from ${from}: ${languages[language]} ${languageVersion}${versions}`);
  terminal.line();
  printImpact(terminal, found.impact);
  if (found.impact.findings.length > 0) terminal.line(summaryLine(found.impact));
  terminal.line();
  if (found.untyped !== undefined)
    terminal.line(
      terminal.paint("yellow", `Which fields are used is not known, so all of them count: ${found.untyped}`),
    );
  printRuns(terminal, runs);
  if (errors.length > 0) {
    terminal.line(terminal.paint("red", `With the new types the compiler finds ${errors.length}:`));
    show(terminal, errors);
  }
  if (types === "unknown")
    terminal.line(
      terminal.paint(
        "yellow",
        "The project could not be checked against the new types: it needs TypeScript 7 or newer, and a tsconfig.json",
      ),
    );
}

interface Ending {
  readonly name: string;
  readonly project: string;
  readonly changed: readonly string[];
  readonly applied: boolean;
  readonly blocked: boolean;
  readonly errors: readonly Finding[];
  readonly types: Types;
}

function ending({ terminal, io, project: folder }: Context, seen: Ending, options: Options): void {
  const { name, project, changed, applied, blocked, errors, types } = seen;
  const where = relative(io.folder, systemFolder(project, name));
  if (applied) {
    terminal.line(terminal.paint("green", `took it over: ${changed.map((path) => join(where, path)).join(", ")}`));
    terminal.line(terminal.paint("dim", "look through it with git diff, and commit it"));
    return;
  }
  terminal.line(`Nothing was written. It would change ${changed.map((path) => join(where, path)).join(", ")}`);
  const parts = [
    `mortise upgrade ${name}`,
    ...(options.from === undefined ? [] : [`--from ${shownPlace(options.from)}`]),
    ...(options.internal === true ? ["--internal"] : []),
    ...(folder === undefined ? [] : [`--project ${folder}`]),
  ];
  const again = parts.join(" ");
  if (!blocked) terminal.line(`Take it over with: ${again} --yes`);
  else if (errors.length > 0)
    terminal.line(
      `Mend the code, or take it over first and mend it with the new types at hand: ${again} --yes --force`,
    );
  else if (types === "unknown") terminal.line(`Take it over unchecked with: ${again} --yes --no-types`);
  else terminal.line(`If you know better, or the code is ready for it: ${again} --yes --force`);
}
