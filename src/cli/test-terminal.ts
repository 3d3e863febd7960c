/** For tests: runs the command line in this process, and keeps what it prints. */
import { main } from "./program.ts";

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export async function mortise(
  args: readonly string[],
  {
    folder = process.cwd(),
    env = {},
    tty = false,
    answer,
    secret,
  }: {
    readonly folder?: string;
    readonly env?: Readonly<Record<string, string>>;
    readonly tty?: boolean;
    /** Of the person at the terminal, to every question. */
    readonly answer?: boolean;
    /** What is typed unseen. */
    readonly secret?: string;
  } = {},
): Promise<Ran> {
  let out = "";
  let err = "";
  const stream = (add: (text: string) => void) => ({ write: add, isTTY: tty, columns: 100 });
  const code = await main(args, {
    stdout: stream((text) => {
      out += text;
    }),
    stderr: stream((text) => {
      err += text;
    }),
    env,
    folder,
    ...(answer === undefined ? {} : { confirm: async () => answer }),
    ...(secret === undefined ? {} : { secret: async () => secret }),
  });
  return { code, out, err };
}
