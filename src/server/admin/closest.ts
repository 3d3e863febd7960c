/** What was meant by a name that is none: the known one that looks most like it. */

/** Of equally close ones the first. `undefined`: none is so close that it was probably meant. */
export function closest(given: string, known: Iterable<string>): string | undefined {
  // A slip or two, and never most of the word.
  let least = Math.min(2, Math.floor(given.length / 3)) + 1;
  let found: string | undefined;
  for (const name of known) {
    if (Math.abs(name.length - given.length) >= least) continue;
    const slips = distance(given, name);
    if (slips < least) {
      least = slips;
      found = name;
    }
  }
  return found;
}

/** Letters to add, to leave out, to change, or to swap with the next, until one is the other. */
function distance(one: string, other: string): number {
  let before: number[] = [];
  let last = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (let i = 1; i <= one.length; i++) {
    const row = [i];
    for (let j = 1; j <= other.length; j++) {
      const same = one[i - 1] === other[j - 1];
      let least = Math.min(
        (last[j] as number) + 1,
        (row[j - 1] as number) + 1,
        (last[j - 1] as number) + (same ? 0 : 1),
      );
      if (i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1])
        least = Math.min(least, (before[j - 2] as number) + 1);
      row.push(least);
    }
    before = last;
    last = row;
  }
  return last[other.length] as number;
}
