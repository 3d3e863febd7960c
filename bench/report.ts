/** What every benchmark prints: one JSON object (or line of text) per measurement, the last with the result. */

export interface BenchOptions {
  readonly json: boolean;
  /** Rounds that count; one more warms up. */
  readonly rounds: number;
  /** Orders or runs per round. */
  readonly orders: number;
  readonly inFlight: number;
}

export function printer({ json }: Pick<BenchOptions, "json">): (value: object) => void {
  return (value) => process.stdout.write(`${json ? JSON.stringify(rounded(value)) : text(rounded(value))}\n`);
}

export function median(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null).sort((a, b) => a - b);
  return known.length === 0 ? null : (known[Math.floor(known.length / 2)] as number);
}

/** `null` where either is not known. */
export function ratio(value: number | null, base: number | null): number | null {
  return value === null || base === null ? null : value / base;
}

function rounded<T extends object>(value: T): T {
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [name, typeof one === "number" ? Number(one.toPrecision(4)) : one]),
  ) as T;
}

function text(value: object): string {
  return Object.entries(value)
    .map(([name, one]) => `${name} ${String(one)}`)
    .join("  ");
}
