/** `mortise fake`: a fake of a system over its real protocol, made of its contract, until Ctrl-C. */
import { existsSync, mkdirSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import type { ContractModel, OperationModel } from "../../contract/model.ts";
import { onlyOf } from "../../contract/only.ts";
import { failure } from "../../errors.ts";
import { curlOf } from "../../fakes/curl.ts";
import { Events, type EventTarget } from "../../fakes/events.ts";
import { type Opened, openContract } from "../../fakes/open.ts";
import { ruleOf } from "../../fakes/rules.ts";
import { type Served, type ServedRequest, serveFake } from "../../fakes/serve.ts";
import { makeFakeDatabase } from "../../fakes/sql.ts";
import type { Context } from "../context.ts";
import { exit } from "../exit.ts";
import { pinnedSystems, readPin, systemFolder } from "../pin.ts";
import { projectFolder } from "../project-folder.ts";
import { stopRequest } from "../stop-request.ts";
import { count, printable, type Terminal } from "../terminal.ts";

interface Options {
  readonly port: string;
  readonly host: string;
  readonly seed: string;
  readonly set?: readonly string[];
  readonly unknown: "made" | "missing";
  readonly emit?: string;
  readonly to?: string;
  readonly secret?: string;
  readonly count: string;
  readonly database?: string;
  readonly rows: string;
  readonly replace?: boolean;
  readonly internal?: boolean;
}

/** Operations that are shown at the start; the rest are in `/_fake`. */
const mostShown = 15;

export async function fake(context: Context, [given]: readonly string[], options: Options): Promise<number> {
  const opened = await open(context, given!, options);
  const { model } = opened;
  const seed = whole("--seed", options.seed, 0, 2 ** 31);
  if (options.emit !== undefined) return emit(context, model, seed, options.emit, options);
  const sql = Object.values(model.operations).some(({ binding }) => binding.protocol === "sql");
  return sql ? database(context, opened, seed, options) : serve(context, model, seed, options);
}

/** A system of the project by its name, else a file or URL. */
async function open({ io, project }: Context, given: string, { internal = false }: Options): Promise<Opened> {
  if (/^https?:/i.test(given)) return openContract(given, nameOf(given), { internal });
  const file = resolve(io.folder, given);
  if (/[./\\]/.test(given) || existsSync(file)) return openContract(file, nameOf(given));
  const folder = projectFolder(io.folder, project);
  const systems = pinnedSystems(folder);
  if (!systems.includes(given))
    throw failure("system-missing", { name: given, systems: systems.length === 0 ? "none yet" : systems.join(", ") });
  const pinned = systemFolder(folder, given);
  const { source } = readPin(pinned);
  const opened = await openContract(join(pinned, source.files[0]?.path ?? ""), given, {
    root: pinned,
    ...(source.url === undefined ? {} : { origin: source.url }),
  });
  // Of hundreds of operations those that the project has are the ones to be shown.
  return source.only === undefined ? opened : { ...opened, model: onlyOf(opened.model, source.only) };
}

function nameOf(given: string): string {
  const name = basename(given.split(/[?#]/, 1)[0]!).replace(/\.[^.]*$/, "");
  return (
    name
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, "-")
      .replace(/^-+|-+$/g, "") || "contract"
  );
}

async function serve({ terminal, io }: Context, model: ContractModel, seed: number, options: Options): Promise<number> {
  const stopping = stopRequest();
  let served: Served | undefined;
  try {
    served = await serveFake(model, {
      host: options.host,
      port: whole("--port", options.port, 0, 65_535),
      seed,
      unknown: options.unknown,
      rules: (options.set ?? []).map(ruleOf),
      events: target(io.env, options),
      onRequest: (request) => terminal.line(line(request, terminal)),
    });
    announce(terminal, served, model, seed);
    await stopping.asked;
    return exit.done;
  } finally {
    stopping.close();
    await served?.close();
  }
}

function announce(terminal: Terminal, served: Served, model: ContractModel, seed: number): void {
  const { url, system } = served;
  const operations = Object.values(model.operations);
  const result = {
    system: model.name,
    url,
    seed,
    control: `${url}/_fake`,
    operations: operations.map((operation) => ({ name: operation.name, curl: curlOf(system, operation, url) ?? null })),
    events: Object.keys(model.events),
  };
  terminal.result(result, () => {
    const { language, languageVersion, title } = model.source;
    const what = title === undefined ? model.name : `${model.name} (${title})`;
    terminal.line(
      `${terminal.paint("green", "fake")} ${printable(what)}: ${language} ${languageVersion}, seed ${seed}`,
    );
    terminal.line(`  ${url}`);
    terminal.line(terminal.paint("dim", `  ${url}/_fake   what it serves, what came, and rules while it runs`));
    terminal.line();
    for (const operation of operations.slice(0, mostShown)) terminal.line(shown(operation, served, terminal));
    if (operations.length > mostShown)
      terminal.line(
        terminal.paint("dim", `  and ${count(operations.length - mostShown, "operation")} more in ${url}/_fake`),
      );
    const events = Object.keys(model.events);
    if (events.length > 0)
      terminal.line(terminal.paint("dim", `  events: ${events.slice(0, 12).join(", ")} (--emit NAME)`));
    terminal.line();
    terminal.line(terminal.paint("dim", "Ctrl-C ends it; what was created is forgotten then."));
  });
}

function shown(operation: OperationModel, { system, url }: Served, terminal: Terminal): string {
  const curl = curlOf(system, operation, url);
  const command =
    curl === undefined
      ? "no example of its input could be made"
      : curl.length > 2000
        ? `${curl.slice(0, 2000)}…`
        : curl;
  return `  ${terminal.paint("bold", operation.name)}\n    ${printable(command.replace(/\n/g, " "))}`;
}

/** `200  placeOrder  POST /orders  3 ms`, and what was wrong. */
function line({ status, operation, method, path, ms, problem, notes }: ServedRequest, terminal: Terminal): string {
  const code = status === undefined ? "cut" : String(status);
  const style = status === undefined || status >= 500 ? "red" : status >= 400 ? "yellow" : "green";
  const head = printable(`${operation ?? "-"}  ${method} ${path}  ${ms} ms`);
  const more = [...(problem === undefined ? [] : [problem]), ...notes];
  return [`${terminal.paint(style, code)}  ${head}`, ...more.map((text) => `     ${printable(text)}`)].join("\n");
}

async function database({ terminal, io }: Context, opened: Opened, seed: number, options: Options): Promise<number> {
  const { name } = opened.model;
  const file = resolve(io.folder, options.database ?? join(".mortise", "fakes", `${name}.db`));
  mkdirSync(dirname(file), { recursive: true });
  const rows = whole("--rows", options.rows, 0, 10_000);
  const made = await makeFakeDatabase(opened, { file, seed, rows, replace: options.replace === true });
  terminal.result({ system: name, file, seed, tables: made.tables }, () => {
    terminal.line(
      `${terminal.paint("green", "made")} ${relative(io.folder, file)}: a SQLite database for ${name}, seed ${seed}`,
    );
    terminal.table(
      ["table", "rows"],
      Object.entries(made.tables).map(([table, each]) => [table, String(each)]),
    );
    terminal.line();
    terminal.line(terminal.paint("dim", "Give this file to the system as its connection. There is no server to stop."));
  });
  return exit.done;
}

async function emit(
  { terminal, io }: Context,
  model: ContractModel,
  seed: number,
  event: string,
  options: Options,
): Promise<number> {
  const events = new Events(model, seed, target(io.env, options));
  const emitted = await events.emit(event, { count: whole("--count", options.count, 1, 1000) });
  const { payloads, statuses, refused, file } = emitted;
  terminal.result(emitted, () => {
    if (file !== undefined)
      terminal.line(
        `${terminal.paint("green", "wrote")} ${relative(io.folder, file)}: ${count(payloads.length, "row")}`,
      );
    else if (statuses !== undefined) {
      const wrong = statuses.some((status) => status >= 300);
      terminal.line(
        `${terminal.paint(wrong ? "red" : "green", "sent")} ${count(statuses.length, "event")}: answered ${[...new Set(statuses)].join(", ")}`,
      );
      if (refused !== undefined) terminal.line(`  ${printable(refused)}`);
    } else terminal.line(JSON.stringify(payloads.length === 1 ? payloads[0] : payloads, null, 2));
  });
  return statuses?.some((status) => status >= 300) === true ? exit.failed : exit.done;
}

function target(env: Context["io"]["env"], { to, secret }: Options): EventTarget {
  const value = secret === undefined ? undefined : env[secret];
  if (secret !== undefined && value === undefined)
    throw failure("option-invalid", { option: "--secret", reason: `the environment variable ${secret} is not set` });
  const place = to === undefined ? {} : /^https?:/i.test(to) ? { url: to } : { folder: to };
  return { ...place, ...(value === undefined ? {} : { secret: value }) };
}

function whole(option: string, text: string, least: number, most: number): number {
  if (/^\d+$/.test(text) && Number(text) >= least && Number(text) <= most) return Number(text);
  throw failure("option-invalid", { option, reason: `it must be a whole number from ${least} to ${most}` });
}
