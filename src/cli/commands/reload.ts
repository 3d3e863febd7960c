/** `mortise reload`: the running server takes the project's files as they are now. */
import { asMortiseError } from "../../errors.ts";
import { adminClient } from "../admin-client.ts";
import type { Context } from "../context.ts";
import { exit } from "../exit.ts";
import type { Terminal } from "../terminal.ts";
import { count } from "../terminal.ts";
import { deployPatience, short } from "./versions.ts";

export interface Reloaded {
  readonly files: readonly string[];
  readonly version: string;
  readonly before?: string;
  readonly kept?: string;
  readonly restart: readonly string[];
  readonly notices: readonly string[];
}

interface ReloadOptions {
  readonly promote?: boolean;
  readonly reason: string;
}

export async function reload(context: Context, _: readonly string[], options: ReloadOptions): Promise<number> {
  const { terminal } = context;
  const client = await adminClient(context, deployPatience);
  let answer: Reloaded;
  try {
    answer = await client.post("/reload", { promote: options.promote === true, reason: options.reason });
  } catch (error) {
    const { code, details } = asMortiseError(error);
    if (code !== "reload-refused") throw error;
    const problems = Array.isArray(details) ? details : [];
    terminal.result({ reloaded: false, problems }, () => {
      showRefused(terminal, problems);
      terminal.line(terminal.paint("red", "not reloaded: nothing was changed, and what was served goes on"));
    });
    return exit.found;
  }
  terminal.result({ reloaded: true, ...answer }, () => showReloaded(terminal, answer));
  return exit.done;
}

export interface RefusedProblem {
  readonly file?: string;
  readonly line?: number;
  readonly message: string;
}

/** What kept it from being taken, each with its place. */
export function showRefused(terminal: Terminal, problems: readonly RefusedProblem[]): void {
  for (const { file, line, message } of problems) {
    const place = file === undefined ? "" : `${file}${line === undefined ? "" : `:${line}`}  `;
    terminal.line(`${terminal.paint("red", "error")} ${place}${message}`);
  }
}

export function showReloaded(terminal: Terminal, { files, version, before, kept, restart, notices }: Reloaded): void {
  const what =
    files.length === 0
      ? "no file of the server changed"
      : `${count(files.length, "file")} changed: ${files.join(", ")}`;
  terminal.line(`${terminal.paint("green", "reloaded")}  ${what}`);
  if (before !== undefined) {
    terminal.line(
      `${terminal.paint("green", "promoted")}  ${terminal.paint("bold", short(version))}: new runs start on it instead of ${short(before)}`,
    );
    terminal.line(terminal.paint("dim", "open runs stay on their version; back with: mortise rollback"));
  }
  if (kept !== undefined)
    terminal.line(`${terminal.paint("yellow", "kept")}  ${kept}; take them with: mortise reload --promote`);
  for (const notice of notices) terminal.line(terminal.paint("dim", notice));
  if (restart.length > 0)
    terminal.line(
      `${terminal.paint("yellow", "only after a restart")}: ${restart.join(", ")}; nothing that was accepted is lost by it`,
    );
}
