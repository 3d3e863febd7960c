/** Formats of integers (OpenAPI's format registry), and what their numbers lie between. */

/** From, and below: 2 to the 63rd is a double, and one less is none. */
const bounds: Readonly<Record<string, readonly [from: number, below: number]>> = Object.freeze({
  int8: [-128, 128],
  int16: [-32_768, 32_768],
  int32: [-2_147_483_648, 2_147_483_648],
  int64: [-(2 ** 63), 2 ** 63],
  uint8: [0, 256],
  uint16: [0, 65_536],
  uint32: [0, 4_294_967_296],
  uint64: [0, 2 ** 64],
  "double-int": [-(2 ** 53) + 1, 2 ** 53],
});

export function integerBounds(format: unknown): readonly [from: number, below: number] | undefined {
  return typeof format === "string" && Object.hasOwn(bounds, format) ? bounds[format] : undefined;
}

/** The bounds as they are written. */
export function shownBounds([from, below]: readonly [number, number]): string {
  return `from ${BigInt(from)} to ${BigInt(below) - 1n}`;
}
