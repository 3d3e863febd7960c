/** The values behind the references in `access` of the APIs: read once at start, so that what is missing is named with everything else. */
import { failure } from "../../errors.ts";
import type { Reference } from "../../operation.ts";
import type { ApiDefinition } from "../../publish/define.ts";
import type { Resolver } from "./secrets.ts";

/** Members whose values are never shown, whatever kind of reference they are. */
const hidden: ReadonlySet<string> = new Set(["secret", "secrets", "password"]);

/** Gives the value of a reference that stands in one of these APIs, and plain text as it is. */
export function accessReferences(
  apis: readonly Pick<ApiDefinition, "name" | "access">[],
  resolver: Resolver,
): (given: Reference | string) => string {
  const values = new Map<string, string>();
  const visit = (value: unknown, place: string, hide: boolean): void => {
    if (typeof value !== "object" || value === null) return;
    if (isReference(value)) {
      values.set(idOf(value), hide ? resolver.hidden(value, place) : resolver.value(value, place));
      return;
    }
    for (const [name, inner] of Object.entries(value))
      visit(inner, Array.isArray(value) ? place : `${place}.${name}`, hide || hidden.has(name));
  };
  for (const api of apis) visit(api.access, `apis/${api.name}: access`, false);
  return (given) => {
    if (typeof given === "string") return given;
    const found = values.get(idOf(given));
    if (found === undefined)
      throw failure("server-failed", { reason: `the ${given.kind} ${given.name} was not read at start` });
    return found;
  };
}

function idOf(reference: Reference): string {
  return JSON.stringify([reference.kind, reference.name, reference.kind === "env" ? reference.fallback : undefined]);
}

function isReference(value: object): value is Reference {
  const { kind, name } = value as { readonly kind?: unknown; readonly name?: unknown };
  return (kind === "env" || kind === "secret") && typeof name === "string";
}
