/** Names of operations as histories have them. */
import type { AnyOperation } from "../../../operation.ts";

const names = new WeakMap<AnyOperation, string>();

/**
 * `system.operation`. Each step has it several times, mostly to look something up: it is put together once, and as the name of a member V8 keeps it in the
 * form that it looks up by.
 */
export function nameOf(operation: AnyOperation): string {
  let name = names.get(operation);
  if (name === undefined) {
    [name] = Object.keys({ [`${operation.system}.${operation.name}`]: true }) as [string];
    names.set(operation, name);
  }
  return name;
}
