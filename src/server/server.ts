/** Starting a server: what it is given, and what is given back. What it is made of is put together in compose.ts. */
import { asMortiseError } from "../errors.ts";
import { createLog } from "../observe/log.ts";
import { createRedactor } from "../observe/redact.ts";
import { Closers } from "./closers.ts";
import { compose } from "./compose.ts";
import { resolveConfig } from "./project/config.ts";
import type { Project } from "./project/project.ts";
import type { Reader } from "./project/reading.ts";
import type { Reloaded } from "./reload/reload.ts";
import { checkRuntime, tuneThreads } from "./runtime.ts";

export interface ServerOptions {
  /** Default `process.env`. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Instead of the configuration's. */
  readonly apiPort?: number;
  readonly adminPort?: number;
  /** Promote the version of the project's files, whatever was decided before. Default false. */
  readonly promote?: boolean;
  /** Takes the log's lines. Default: standard output. */
  readonly log?: (line: string) => void;
  /** What loaded the project, where it can load it again: what does not change by then stays as it is. Default: one that has not loaded it. */
  readonly reader?: Reader;
  /** Milliseconds between two looks at the secrets folder. Default 5000. */
  readonly secretsEveryMs?: number;
  /** The store can't be written any more; nothing is accepted. Stop, and start again. Default: nothing. */
  readonly onFailed?: (reason: string) => void;
}

export interface RunningServer {
  readonly apiUrl: string;
  readonly adminUrl: string;
  /** Of this start; the same stands in admin.json. */
  readonly adminToken: string;
  /** The code version that new runs start on. */
  readonly version: string;
  /** Takes the project's files as they are now. Rejects with `reload-refused`; then nothing is changed. `reason`: for the audit. */
  reload(reason: string): Promise<Reloaded>;
  /** Stops gracefully, within the configured grace. Everything that is open resumes at the next start. */
  stop(): Promise<void>;
}

/** Starts the server of a project. Rejects with the first thing that can't work; then nothing is left running. */
export async function startServer(project: Project, options: ServerOptions = {}): Promise<RunningServer> {
  const environment = options.environment ?? process.env;
  const notices = checkRuntime();
  tuneThreads();
  const config = resolveConfig(project.config, environment);
  const redactor = createRedactor();
  const log = createLog({
    level: config.log.level,
    redactor,
    ...(options.log === undefined ? {} : { write: options.log }),
  });
  const closers = new Closers();
  closers.add(async () => log.close());
  try {
    return await compose({ project, config, options, environment, log, redactor, closers, notices });
  } catch (error) {
    await closers.close();
    throw asMortiseError(error);
  }
}
