/** Reads what a user configured by its declaration (config.ts): fills in defaults, resolves references, and names what does not fit. */
import { type Duration, isDuration, milliseconds, type Problem, type Reference } from "../../operation.ts";

/** Kind, default and bounds of one option. */
export type Option =
  | { readonly is: "text"; readonly default: string; readonly allowed?: readonly string[] }
  /** Read by the server when it starts; without it there is none. */
  | { readonly is: "secret" }
  | { readonly is: "integer"; readonly default: number; readonly least: number; readonly most: number }
  | { readonly is: "duration"; readonly default: Duration; readonly least: Duration; readonly most: Duration };

type Tree = { readonly [name: string]: Option | Tree };

/** Defaults are filled in, references resolved; what does not fit is told at its JSON Pointer. */
export function readOptions(
  tree: Tree,
  given: unknown,
  at: string,
  environment: Readonly<Record<string, string | undefined>> | undefined,
  problems: Problem[],
): unknown {
  if (given !== undefined && (typeof given !== "object" || given === null || Array.isArray(given))) {
    problems.push({ at, message: "must be an object" });
    return undefined;
  }
  const values = (given ?? {}) as Readonly<Record<string, unknown>>;
  for (const name of Object.keys(values)) {
    if (!Object.hasOwn(tree, name)) {
      problems.push({ at: `${at}/${name}`, message: `is no option; there are: ${Object.keys(tree).join(", ")}` });
    }
  }
  const result: Record<string, unknown> = {};
  for (const [name, entry] of Object.entries(tree)) {
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    const place = `${at}/${name}`;
    result[name] = isOption(entry)
      ? readOption(entry, value, place, environment, problems)
      : readOptions(entry, value, place, environment, problems);
  }
  return Object.freeze(result);
}

function isOption(entry: Option | Tree): entry is Option {
  return typeof entry.is === "string";
}

function readOption(
  option: Option,
  given: unknown,
  at: string,
  environment: Readonly<Record<string, string | undefined>> | undefined,
  problems: Problem[],
): unknown {
  let value = given;
  let from = "";
  if (option.is === "secret") {
    if (value === undefined || isReference(value)) return value;
    problems.push({ at, message: 'must be a reference such as secret("STORE_KEY"), not the secret itself' });
    return undefined;
  }
  if (isReference(value)) {
    if (value.kind === "secret") {
      problems.push({ at, message: "can't be a secret; use env()" });
      return undefined;
    }
    if (environment === undefined) return undefined;
    const { name } = value;
    const text = environment[name] ?? value.fallback;
    if (text === undefined) {
      problems.push({ at, message: `needs the environment variable ${name}, which is not set` });
      return undefined;
    }
    value = option.is === "integer" && /^\d+$/.test(text) ? Number(text) : text;
    if (environment[name] !== undefined) from = `; the environment variable ${name} says otherwise`;
  }
  const message = optionProblem(option, value);
  if (message !== undefined) {
    problems.push({ at, message: message + from });
    return undefined;
  }
  if (option.is === "duration") return milliseconds((value ?? option.default) as Duration);
  return value ?? option.default;
}

function optionProblem(option: Exclude<Option, { is: "secret" }>, value: unknown): string | undefined {
  if (value === undefined) return undefined;
  switch (option.is) {
    case "text": {
      if (typeof value !== "string" || value === "") return "must be text";
      return option.allowed === undefined || option.allowed.includes(value)
        ? undefined
        : `must be one of ${option.allowed.join(", ")}`;
    }
    case "integer": {
      const fits =
        typeof value === "number" && Number.isInteger(value) && value >= option.least && value <= option.most;
      return fits ? undefined : `must be a whole number from ${option.least} to ${option.most}`;
    }
    case "duration": {
      if (!isDuration(value)) return `must be a duration, such as "${option.default}"`;
      const ms = milliseconds(value);
      return ms >= milliseconds(option.least) && ms <= milliseconds(option.most)
        ? undefined
        : `must be a duration from ${option.least} to ${option.most}`;
    }
  }
}

/** Whether a value is what `env()` and `secret()` give. */
export function isReference(value: unknown): value is Reference {
  if (typeof value !== "object" || value === null) return false;
  const kind = (value as { kind?: unknown }).kind;
  return kind === "env" || kind === "secret";
}
