/** What a command of the command line gets. */
import type { Io, Terminal } from "./terminal.ts";

export interface Context {
  readonly terminal: Terminal;
  readonly io: Io;
  /** Of `-C`, if given. */
  readonly project?: string;
}
