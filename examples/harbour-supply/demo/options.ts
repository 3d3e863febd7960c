/** What `npm start` takes after `--`. */
import { parseArgs } from "node:util";

export interface Options {
  /** Orders per second. */
  readonly rate: number;
  /** Place so many orders, wait for their ends, and stop. */
  readonly orders: number | undefined;
  /** Stop after so many milliseconds. */
  readonly forMs: number | undefined;
  /** Let the systems misbehave now and then. */
  readonly faults: boolean;
  /** Forget everything of the runs before. */
  readonly fresh: boolean;
  /** Listen at free ports, not at the usual ones. */
  readonly anyPort: boolean;
  /** Where everything is kept. */
  readonly folder: string | undefined;
}

export const usage = `npm start -- [options]
  --rate <n>       orders per second (default 3)
  --orders <n>     place n orders, wait until each has ended, and stop
  --for <time>     stop after this time, such as 20s or 5m
  --faults         let the systems be slow, fail, and drop connections now and then
  --fresh          forget what earlier starts left
  --any-port       listen at free ports instead of 8080, 8081, 8701 to 8705 and 8711 to 8715
  --folder <path>  where everything is kept (default: examples/harbour-supply/.mortise)`;

/** Throws a `TypeError` that says what does not fit. */
export function readOptions(args: readonly string[]): Options | "help" {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rate: { type: "string" },
      orders: { type: "string" },
      for: { type: "string" },
      faults: { type: "boolean", default: false },
      fresh: { type: "boolean", default: false },
      "any-port": { type: "boolean", default: false },
      folder: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return "help";
  const rate = Number(values.rate ?? 3);
  if (!(rate > 0 && rate <= 100)) throw new TypeError("--rate takes a number above 0, up to 100");
  const orders = values.orders === undefined ? undefined : Number(values.orders);
  if (orders !== undefined && !(Number.isInteger(orders) && orders > 0))
    throw new TypeError("--orders takes a whole number above 0");
  return {
    rate,
    orders,
    forMs: values.for === undefined ? undefined : duration(values.for),
    faults: values.faults,
    fresh: values.fresh,
    anyPort: values["any-port"],
    folder: values.folder,
  };
}

function duration(text: string): number {
  const match = /^([0-9]+)(s|m|h)$/.exec(text);
  if (match === null) throw new TypeError("--for takes a time such as 20s, 5m or 1h");
  return Number(match[1]) * { s: 1000, m: 60_000, h: 3_600_000 }[match[2] as "s" | "m" | "h"];
}
