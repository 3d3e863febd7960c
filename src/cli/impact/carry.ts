/**
 * A value of one type goes to a place of another: what is read of it, what is written, and what can be followed no longer. Where
 * both types say the same nothing happens; the value is followed under its type.
 */
import type { Compiler, NamedSymbol, Type } from "./compiler.ts";
import type { How } from "./marks.ts";
import type { Root, Types } from "./types.ts";

export interface Carried {
  readonly mark: (root: Root, how: How, why?: string, at?: NamedSymbol) => void;
  /** A type of the project's own holds it now. */
  readonly derived: () => void;
}

const deepest = 8;

export class Carry {
  readonly #checker: Compiler["checker"];
  readonly #types: Types;
  readonly #told: Carried;

  constructor(compiler: Compiler, types: Types, told: Carried) {
    this.#checker = compiler.checker;
    this.#types = types;
    this.#told = told;
  }

  /** `why`: what happens there, for what can't be followed. */
  carry(from: Type, to: Type, why: string, seen: Set<string> = new Set(), depth = 0): void {
    const types = this.#types;
    const [source, target] = [types.awaited(from), types.awaited(to)];
    if (source.id === target.id) return;
    if (depth > deepest) {
      this.whole(source, why);
      this.whole(target, "is written from a value that goes too deep");
      return;
    }
    const key = `${source.id} ${target.id}`;
    if (seen.has(key)) return;
    seen.add(key);
    if (types.isObscure(target)) this.whole(source, why);
    else if (types.isAny(source)) this.whole(target, "is written from a value of which no field is known");
    if (!types.isObjectLike(source) || !types.isObjectLike(target)) return;
    const into = (one: Type, other: Type): void => this.carry(one, other, why, seen, depth + 1);
    const [sources, targets] = [types.parts(source), types.parts(target)];
    if (sources.length !== 1 || targets.length !== 1 || source.isUnionType() || target.isUnionType()) {
      for (const one of sources)
        if (!targets.some((other) => other.id === one.id)) for (const other of targets) into(one, other);
      return;
    }
    // Lists, and what takes lists: iterables, sets.
    if (types.isList(source) || types.isList(target)) {
      const [held, taken] = [types.inside(source), types.inside(target)];
      if (held.length === 0 || taken.length === 0) this.#objects(source, target, into);
      // A tuple's elements stay in their places.
      if (held.length === taken.length && this.#checker.isTupleType(source) && this.#checker.isTupleType(target))
        held.forEach((one, at) => {
          into(one, taken[at]!);
        });
      else for (const one of held) for (const other of taken) into(one, other);
      return;
    }
    const { 0: sourceCall } = this.#checker.getSignaturesOfType(source, 0);
    const { 0: targetCall } = this.#checker.getSignaturesOfType(target, 0);
    if (sourceCall !== undefined && targetCall !== undefined) {
      const gives = this.#checker.getReturnTypeOfSignature(sourceCall);
      const takes = this.#checker.getReturnTypeOfSignature(targetCall);
      if (gives !== undefined && takes !== undefined) into(gives, takes);
      sourceCall.getParameters().forEach((_, at) => {
        const given =
          targetCall.getParameters().length > at ? this.#checker.getParameterType(targetCall, at) : undefined;
        const taken = this.#checker.getParameterType(sourceCall, at);
        if (given !== undefined && taken !== undefined) into(given, taken);
      });
      return;
    }
    this.#objects(source, target, into);
  }

  /** Every field of what the type carries counts as used. */
  whole(type: Type, why: string): void {
    for (const root of this.#types.roots(type)) this.#told.mark(root, "whole", why);
  }

  #objects(source: Type, target: Type, into: (source: Type, target: Type) => void): void {
    const types = this.#types;
    if (types.roots(source).length === 0 && types.roots(target).length === 0) return;
    const wanted = this.#checker.getPropertiesOfType(target);
    const indexed = this.#checker.getIndexInfosOfType(target);
    if (wanted.length === 0 && indexed.length === 0) {
      this.whole(source, "goes where any object goes");
      return;
    }
    if (types.roots(source).length > 0 && types.derive(source, target)) this.#told.derived();
    const named = new Set<string>();
    for (const property of wanted) {
      named.add(property.name);
      const given = this.#checker.getPropertyOfType(source, property.name);
      if (given === undefined) continue;
      this.#property(given, property);
      const [gives, takes] = this.#checker.getTypeOfSymbol([given, property]);
      if (gives === undefined || takes === undefined) continue;
      // Put into what a system gets, as it came.
      if (gives.id === takes.id && types.declared(property).length > 0) this.sentOn(gives);
      into(gives, takes);
    }
    if (indexed.length === 0) return;
    for (const given of this.#checker.getPropertiesOfType(source)) {
      if (named.has(given.name)) continue;
      this.#property(given, undefined);
      const gives = this.#checker.getTypeOfSymbol(given);
      if (gives !== undefined) for (const { valueType } of indexed) into(gives, valueType);
    }
  }

  /** Values that a system gave go to a system again: nobody names their fields, and all of them count. */
  sentOn(type: Type): void {
    const types = this.#types;
    for (const part of types.parts(types.awaited(type)))
      for (const one of types.isList(part) ? types.inside(part) : [part])
        for (const root of types.roots(one))
          if (root.book.isDelivered(root.place)) this.#told.mark(root, "whole", "is sent on as it came");
  }

  #property(given: NamedSymbol, taken: NamedSymbol | undefined): void {
    const from = this.#types.declared(given);
    const to = this.#types.declared(taken);
    const same = (one: Root) => to.some(({ book, place }) => book === one.book && place === one.place);
    for (const one of from)
      if (!same(one)) this.#told.mark(one, "reads");
      // After a spread it is the same field, and is written again.
      else if (one.book.isDelivered(one.place)) this.#told.mark(one, "writes", undefined, given);
    for (const one of to)
      if (!from.some(({ book, place }) => book === one.book && place === one.place))
        this.#told.mark(one, "writes", undefined, given);
  }
}
