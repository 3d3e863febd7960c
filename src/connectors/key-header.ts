/**
 * Keys that a system takes and its contract does not name: Stripe's `Idempotency-Key`, say, which stands in its manual alone. The settings name the
 * header, and from then on the operation is one whose contract has a place for the key.
 */
import type { ContractModel } from "../contract/model.ts";
import type { Credentials } from "./system.ts";

type Named = Readonly<Record<string, { readonly keyHeader?: string } | undefined>>;

/** The contract with those places; the same object where the settings name none. Throws a `TypeError` naming the setting. */
export function withKeyHeaders(model: ContractModel, effects: Named, credentials?: Credentials): ContractModel {
  const named = Object.entries(effects).flatMap(([name, own]) =>
    own?.keyHeader === undefined ? [] : [{ name, header: own.keyHeader }],
  );
  if (named.length === 0) return model;
  const operations = { ...model.operations };
  for (const { name, header } of named) {
    const operation = model.operations[name]!;
    const problem = headerProblem(operation, header, credentials);
    if (problem !== undefined) throw new TypeError(`the system ${model.name}: effects.${name}.keyHeader ${problem}`);
    operations[name] = Object.freeze({ ...operation, key: Object.freeze({ in: "header" as const, name: header }) });
  }
  return Object.freeze({ ...model, operations: Object.freeze(operations) });
}

/** Headers that mean something else to everybody on the way (RFC 9110), or carry the credentials. */
const taken =
  /^(accept.*|authorization|connection|content-.*|cookie|expect|host|if-.*|keep-alive|proxy-.*|range|te|trailer|transfer-encoding|upgrade|user-agent|via)$/i;

function headerProblem(
  { binding, key }: ContractModel["operations"][string],
  header: unknown,
  credentials: Credentials | undefined,
): string | undefined {
  if (binding?.protocol !== "rest") return "is for systems that speak REST";
  if (typeof header !== "string" || !/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/.test(header))
    return 'must be the name of a header, such as "Idempotency-Key"';
  if (taken.test(header)) return `can't be ${header}, which has a meaning of its own`;
  // The key would take the place of the credentials.
  if (credentials?.kind === "header" && credentials.name.toLowerCase() === header.toLowerCase())
    return `can't be ${header}, which carries the credentials`;
  if (key !== undefined) return "is for an operation whose contract names no key; this one's does";
  const same = binding.parameters.some((one) => one.in === "header" && one.name.toLowerCase() === header.toLowerCase());
  return same ? `names a parameter of its contract, ${header}, which is part of the input` : undefined;
}
