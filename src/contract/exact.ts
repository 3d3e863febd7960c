/** Comparing decimals and whole numbers that are kept as text: by their digits, so that none is lost. */

/** Negative, zero or positive, as `a` is less than, equal to or greater than `b`. Both as `-12.50`, `+3` or `.5`. */
export function compareExact(a: string, b: string): number {
  const left = partsOf(a);
  const right = partsOf(b);
  if (left.negative !== right.negative) return left.negative ? -1 : 1;
  const size = compareSize(left, right);
  return left.negative && size !== 0 ? -size : size;
}

interface Parts {
  readonly negative: boolean;
  readonly whole: string;
  readonly fraction: string;
}

function partsOf(text: string): Parts {
  const trimmed = text.trim();
  const [head = "", tail = ""] = trimmed.replace(/^[+-]/, "").split(".");
  const whole = head.replace(/^0+/, "");
  const fraction = tail.replace(/0+$/, "");
  // Zero has no sign.
  return { negative: trimmed.startsWith("-") && whole + fraction !== "", whole, fraction };
}

function compareSize(a: Parts, b: Parts): number {
  if (a.whole.length !== b.whole.length) return a.whole.length - b.whole.length;
  if (a.whole !== b.whole) return a.whole < b.whole ? -1 : 1;
  if (a.fraction === b.fraction) return 0;
  return a.fraction < b.fraction ? -1 : 1;
}
