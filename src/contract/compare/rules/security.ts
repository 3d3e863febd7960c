/**
 * Who may call. Requirements are alternatives, each of schemes that are needed together (OpenAPI 3.1.0, section 4.8.30): every
 * alternative that was enough has to be enough still. A scheme that is asked for otherwise takes other credentials.
 */
import { canonicalJson } from "../../../formats/json.ts";
import type { ContractModel, OperationModel } from "../../model.ts";
import type { Rule } from "./rule.ts";

type Requirement = { readonly [scheme: string]: readonly string[] };
type Schemes = { readonly [name: string]: Readonly<Record<string, unknown>> };

export const security: Rule = {
  ids: ["security-requirement", "security-scheme"],
  *contract(both) {
    const before = schemesOf(both.old);
    const after = schemesOf(both.now);
    const used = new Set(
      both.operations.flatMap(({ old }) => (alternatives(old) ?? []).flatMap((each) => Object.keys(each))),
    );
    for (const name of Object.keys(both.old.strangeSecurity ?? {})) used.add(name);
    for (const [name, scheme] of Object.entries(before)) {
      const here = after[name];
      const about = { side: "contract", member: "", place: `security ${name}`, rule: "security-scheme" } as const;
      if (here === undefined || canonicalJson(plain(scheme)) === canonicalJson(plain(here))) continue;
      const changed = [...new Set([...Object.keys(scheme), ...Object.keys(here)])].filter(
        (part) => part !== "description" && canonicalJson(scheme[part]) !== canonicalJson(here[part]),
      );
      yield {
        ...about,
        verdict: used.has(name) ? "breaking" : "safe",
        reason: `credentials are asked for otherwise: ${changed.map((part) => `${part} was ${shown(scheme[part])} and is ${shown(here[part])}`).join("; ")}`,
        ...(used.has(name)
          ? { example: { value: { [name]: "credentials as the old version asks for them" }, proven: false } }
          : {}),
      };
    }
  },
  *operation(_both, { name: member, old, now }) {
    const before = alternatives(old) ?? [{}];
    const after = alternatives(now) ?? [{}];
    const about = { side: "request", member, place: "security", rule: "security-requirement" } as const;
    for (const was of before) {
      if (after.some((is) => enough(was, is))) continue;
      yield {
        ...about,
        verdict: "breaking",
        reason: `${named(was)} ${Object.keys(was).length === 0 ? "was" : "were"} enough, and no longer ${Object.keys(was).length === 0 ? "is" : "are"}`,
        example: { value: { credentials: was }, proven: false },
      };
    }
    for (const is of after)
      if (!before.some((was) => enough(is, was)))
        yield {
          ...about,
          verdict: "safe",
          reason: `${named(is)} ${Object.keys(is).length === 0 ? "is" : "are"} enough now`,
        };
  },
};

function alternatives(operation: OperationModel): readonly Requirement[] | undefined {
  const { security: found } = operation;
  return found === undefined || found.length === 0 ? undefined : found;
}

function schemesOf(model: ContractModel): Schemes {
  return { ...model.security, ...(model.strangeSecurity as Schemes | undefined) };
}

/** Whether a caller with `has` can do what `asks` wants. */
function enough(has: Requirement, asks: Requirement): boolean {
  return Object.entries(asks).every(
    ([scheme, scopes]) => Object.hasOwn(has, scheme) && scopes.every((scope) => has[scheme]!.includes(scope)),
  );
}

/** Scopes that a flow offers are a list to choose from; what is asked for stands in the requirements. */
function plain({ description: _, flows, ...rest }: Readonly<Record<string, unknown>>): unknown {
  if (typeof flows !== "object" || flows === null) return rest;
  return {
    ...rest,
    flows: Object.fromEntries(
      Object.entries(flows as Record<string, Record<string, unknown>>).map(([name, { scopes: __, ...flow }]) => [
        name,
        flow,
      ]),
    ),
  };
}

function named(requirement: Requirement): string {
  const all = Object.entries(requirement).map(([name, scopes]) =>
    scopes.length === 0 ? name : `${name} (${scopes.join(", ")})`,
  );
  return all.length === 0 ? "a call without credentials" : `credentials of ${all.join(" and ")}`;
}

function shown(value: unknown): string {
  return value === undefined ? "not there" : JSON.stringify(value);
}
