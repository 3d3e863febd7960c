/** `minimum`, `maximum` and their exclusive forms. */
import { type Bound, type Flat, tighter } from "../flat.ts";
import type { SchemaRule } from "../rule.ts";

export const numberRangeRule: SchemaRule = {
  id: "number-range",
  kinds: ["number"],
  check(giver, taker) {
    const low = looser(giver.least, taker.least, 1, giver.whole);
    const high = looser(giver.most, taker.most, -1, giver.whole);
    if (!low && !high) return undefined;
    const said: string[] = [];
    if (low) said.push(`numbers ${taker.least!.open ? "not above" : "below"} ${taker.least!.value}`);
    if (high) said.push(`numbers ${taker.most!.open ? "not below" : "above"} ${taker.most!.value}`);
    return {
      what: said.join(" and "),
      candidates: () => [
        ...(low ? beyond(giver, taker.least!, -1) : []),
        ...(high ? beyond(giver, taker.most!, 1) : []),
      ],
    };
  },
};

/** Whether the giver's bound lets through what the taker's stops. */
function looser(giver: Bound | undefined, taker: Bound | undefined, sign: 1 | -1, whole: boolean): boolean {
  if (taker === undefined) return false;
  if (giver === undefined) return true;
  if (!whole) return tighter(taker.value, taker.open, giver, sign);
  return (edge(taker, sign) - edge(giver, sign)) * sign > 0;
}

/** The first whole number inside. */
function edge({ value, open }: Bound, sign: 1 | -1): number {
  const whole = sign === 1 ? Math.ceil(value) : Math.floor(value);
  return open && whole === value ? whole + sign : whole;
}

function beyond(giver: Flat, bound: Bound, sign: 1 | -1): number[] {
  const steps = giver.multiples.map((step) =>
    sign === 1 ? (Math.floor(bound.value / step) + 1) * step : (Math.ceil(bound.value / step) - 1) * step,
  );
  const own = sign === 1 ? giver.most : giver.least;
  const near = own === undefined ? [] : [own.value, (own.value + bound.value) / 2, own.value - sign];
  return [
    ...(bound.open ? [bound.value] : []),
    ...steps,
    bound.value + sign,
    bound.value + sign * 0.5,
    bound.value + sign * 1e-6,
    ...near,
  ];
}
