/** Values that stand beside a history since they are large: how a record knows them. */
import type { ValueReference } from "../../engine.ts";

/** A value whose JSON text has more bytes than this stands beside the history. */
export const largestInline = 128 * 1024;

/** A value that stands beside the history, as the record that has it knows it. */
export interface Named extends ValueReference {
  /** Whether this JSON text is that value. */
  same(text: string): boolean;
}

const named = Symbol("named");

/** The name of a record's field, if its value stands beside the history. */
export function namedIn(record: object, field: string): Named | undefined {
  return (record as { readonly [named]?: Readonly<Record<string, Named>> })[named]?.[field];
}

/** Makes a field of a record one that is loaded when somebody looks at it, and is not kept. */
export function nameIn(record: object, field: string, name: Named, load: () => unknown): void {
  Object.defineProperty(record, field, { enumerable: true, get: load });
  const holder = record as { [named]?: Record<string, Named> };
  if (holder[named] === undefined) Object.defineProperty(record, named, { value: {} });
  (holder[named] as Record<string, Named>)[field] = name;
}
