/** `mortise store size`: what takes space in the store, through the admin API of the running server. */
import { adminClient } from "../admin-client.ts";
import type { Context } from "../context.ts";
import { exit } from "../exit.ts";

// What the admin API answers; its OpenAPI document says the same.
interface Size {
  readonly file: string;
  readonly bytes: number;
  readonly journalBytes: number;
  readonly freeBytes: number;
  readonly leftBytes: number;
  readonly parts: readonly {
    readonly part: string;
    readonly tables: readonly string[];
    readonly rows: number;
    readonly bytes: number;
    readonly note: string;
  }[];
  readonly advice: readonly string[];
}

/** Measuring takes up to 20 seconds. */
const patienceMs = 60_000;

export async function storeSize(context: Context): Promise<number> {
  const { terminal } = context;
  const size: Size = await (await adminClient(context, patienceMs)).get("/store/size");
  const shown = size.parts.filter(({ rows }) => rows > 0);
  terminal.result(size, () => {
    terminal.line(`${terminal.paint("bold", size.file)}  ${inUnits(size.bytes)}`);
    const rows = [
      ...shown.map(({ part, rows, bytes, note }) => [
        part,
        String(rows),
        inUnits(bytes),
        share(bytes, size.bytes),
        note,
      ]),
      ["free", "", inUnits(size.freeBytes), share(size.freeBytes, size.bytes), "pages for what comes next"],
      ...(size.leftBytes === 0
        ? []
        : [["not looked at", "", inUnits(size.leftBytes), share(size.leftBytes, size.bytes), "of the largest parts"]]),
    ];
    terminal.table(["part", "rows", "size", "share", "what it is"], rows);
    terminal.line(`Beside it the journal, ${inUnits(size.journalBytes)}.`);
    for (const line of size.advice) terminal.line(line);
  });
  return exit.done;
}

const units = ["bytes", "KiB", "MiB", "GiB", "TiB"] as const;

/** `1.5 MiB`: powers of 1024, three figures. */
export function inUnits(bytes: number): string {
  let value = bytes;
  let unit = 0;
  for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1024;
  return `${unit === 0 ? value : value.toPrecision(3)} ${units[unit]}`;
}

function share(bytes: number, of: number): string {
  return `${((100 * bytes) / Math.max(of, 1)).toFixed(1)} %`;
}
