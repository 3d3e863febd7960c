/**
 * What a fake does otherwise than its contract: by operation, so many times. A rule is data; it has one form as text, which the command
 * line and the control endpoint take: `503*2`, `429:30s`, `delay:2s`, `drop`, `fault:NotFound`.
 */
import { failure } from "../errors.ts";
import { type CallResult, type Duration, type Json, milliseconds } from "../operation.ts";

export type Effect =
  /** The fake's own answer; for rules that only delay. */
  | { readonly kind: "usual" }
  | { readonly kind: "output"; readonly output: Json }
  | { readonly kind: "fault"; readonly name: string; readonly detail?: Json }
  /** A failure that no contract declares; nothing is done. */
  | { readonly kind: "status"; readonly status: number; readonly retryAfterMs?: number }
  /** The connection is cut, before anything is done or after. */
  | { readonly kind: "drop"; readonly when: "before" | "after" }
  /** The answer's body comes piece by piece over this time. */
  | { readonly kind: "slow"; readonly ms: number }
  /** Half an answer, with all else as it should be. */
  | { readonly kind: "malformed" }
  /** A function decides; in tests only. */
  | { readonly kind: "function"; readonly act: Act };

export type Act = (
  input: Json,
  facts: { readonly times: number; readonly key: string | undefined },
) => Promise<Acted> | Acted;
/** What a function decides. `lose`: the answer is written and never sent. */
export type Acted =
  | { readonly kind: "result"; readonly result: CallResult; readonly lose?: boolean }
  | { readonly kind: "effect"; readonly effect: Effect };

export interface Rule {
  /** Name of the operation; `*`: every one. */
  readonly operation: string;
  readonly effect: Effect;
  /** Before anything else happens. */
  readonly delayMs?: number;
  /** How often it is taken. Default: always. */
  readonly times?: number;
}

const mostRules = 500;
const longestMs = 600_000;

/** The rules of one fake. The first that fits is taken; what was told last comes first. */
export class Rules {
  #rules: { readonly rule: Rule; left: number }[] = [];

  add(rule: Rule): void {
    if (this.#rules.length >= mostRules) throw wrong(`there are ${mostRules} rules already; take some away`);
    this.#rules.unshift({ rule, left: rule.times ?? Number.POSITIVE_INFINITY });
  }

  /** Takes rules away: of one operation, or all. */
  clear(operation?: string): void {
    this.#rules = operation === undefined ? [] : this.#rules.filter(({ rule }) => rule.operation !== operation);
  }

  /** The rule for a call that comes now. */
  take(operation: string): Rule | undefined {
    const found = this.#rules.find(({ rule }) => rule.operation === operation || rule.operation === "*");
    if (found === undefined) return undefined;
    found.left -= 1;
    if (found.left <= 0) this.#rules = this.#rules.filter((each) => each !== found);
    return found.rule;
  }

  /** Whether there is a rule of this very operation. */
  names(operation: string): boolean {
    return this.#rules.some(({ rule }) => rule.operation === operation);
  }

  /** As they stand, with what is left of them. */
  list(): readonly { readonly operation: string; readonly does: string; readonly left: number | null }[] {
    return this.#rules.map(({ rule, left }) => ({
      operation: rule.operation,
      does: textOf(rule),
      left: Number.isFinite(left) ? left : null,
    }));
  }
}

/** `operation=what`, such as `createOrder=503*2`. Throws `fake-rule`. */
export function ruleOf(text: string): Rule {
  const cut = text.indexOf("=");
  if (cut < 1) throw wrong(`"${text.slice(0, 80)}" is not written as operation=what, such as createOrder=503*2`);
  return ruleFor(text.slice(0, cut).trim(), text.slice(cut + 1).trim());
}

/** The rule that `what` says for an operation. Throws `fake-rule`. */
export function ruleFor(operation: string, what: string): Rule {
  let rule: Rule = { operation, effect: { kind: "usual" } };
  const counted = /^(.*?)\s*\*\s*(\d{1,6})$/s.exec(what);
  if (counted !== null) rule = { ...rule, times: Math.max(1, Number(counted[2])) };
  for (const part of (counted?.[1] ?? what).split(",")) {
    const [word = "", ...more] = part.trim().split(":");
    const given = more.join(":").trim();
    if (word === "delay") rule = { ...rule, delayMs: durationOf(part, given) };
    else rule = { ...rule, effect: effectOf(part, word, given) };
  }
  return rule;
}

function effectOf(part: string, word: string, given: string): Effect {
  if (/^[1-5]\d\d$/.test(word)) {
    const status = Number(word);
    if (status < 300) throw wrong(`"${part}" is no failure: give a status from 300`);
    if (given !== "") return { kind: "status", status, retryAfterMs: durationOf(part, given) };
    return { kind: "status", status, ...(status === 429 ? { retryAfterMs: 1000 } : {}) };
  }
  switch (word) {
    case "drop":
      if (given === "" || given === "before") return { kind: "drop", when: "before" };
      if (given === "after") return { kind: "drop", when: "after" };
      break;
    case "slow":
      return { kind: "slow", ms: durationOf(part, given) };
    case "malformed":
      return { kind: "malformed" };
    case "fault":
      if (given !== "") return { kind: "fault", name: given };
      break;
  }
  throw wrong(
    `"${part.slice(0, 80)}" is not known; there are a status (503, 429:30s), fault:Name, delay:2s, drop:before, drop:after, slow:5s and malformed`,
  );
}

function durationOf(part: string, text: string): number {
  try {
    const ms = milliseconds(text as Duration);
    if (ms <= longestMs) return ms;
  } catch {
    // told below
  }
  throw wrong(`"${part.slice(0, 80)}" has no duration up to 10m, such as 200ms or 5s`);
}

function textOf({ effect, delayMs }: Rule): string {
  const parts = delayMs === undefined ? [] : [`delay:${delayMs}ms`];
  switch (effect.kind) {
    case "usual":
      break;
    case "status":
      parts.push(
        effect.retryAfterMs === undefined ? String(effect.status) : `${effect.status}:${effect.retryAfterMs}ms`,
      );
      break;
    case "drop":
      parts.push(`drop:${effect.when}`);
      break;
    case "slow":
      parts.push(`slow:${effect.ms}ms`);
      break;
    case "fault":
      parts.push(`fault:${effect.name}`);
      break;
    default:
      parts.push(effect.kind);
  }
  return parts.join(",");
}

function wrong(reason: string) {
  return failure("fake-rule", { reason });
}
