/**
 * Types of values, asked for what they carry of a contract: the interfaces and literals that contract.ts declares, inside lists,
 * promises, unions, and the project's own objects.
 */
import { type Compiler, type NamedSymbol, type Node, ownerOf, type Type } from "./compiler.ts";
import type { ContractBook, Place } from "./contract-book.ts";

/** A declared type or property of a contract. */
export interface Root {
  readonly book: ContractBook;
  readonly place: Place;
}

/** What Mortise's own types hold of contracts are types alone, no values. */
const descriptions = new Set([
  "Operation",
  "EventType",
  "Schema",
  "ProcessDefinition",
  "ProcessOptions",
  "TaskDefinition",
  "ApiDefinition",
  "Contract",
  "Flow",
  "SystemDefinition",
]);
const deepest = 12;

export class Types {
  readonly #compiler: Compiler;
  /** By the path that the compiler has for contract.ts. */
  readonly #books: ReadonlyMap<string, ContractBook>;
  readonly #roots = new Map<number, readonly Root[]>();
  readonly #declared = new Map<string, Root | undefined>();
  /** Types of the project's own that hold what came as a type of a contract. */
  readonly #derived = new Map<string, Map<string, Root>>();

  constructor(compiler: Compiler, books: ReadonlyMap<string, ContractBook>) {
    this.#compiler = compiler;
    this.#books = books;
  }

  /** Where contracts declare this property or type: at several places, if it is one of a union; nowhere, if it is none of theirs. */
  declared(symbol: NamedSymbol | undefined): readonly Root[] {
    return (symbol?.declarations ?? []).flatMap((handle) => {
      const book = this.#books.get(handle.path);
      if (book === undefined) return [];
      const key = `${handle.path}#${handle.index}`;
      if (!this.#declared.has(key)) {
        const node = handle.resolve(this.#compiler.project);
        this.#declared.set(key, node === undefined ? undefined : { book, place: node.pos });
      }
      const root = this.#declared.get(key);
      return root === undefined ? [] : [root];
    });
  }

  isObscure(type: Type): boolean {
    const { flags } = this.#compiler;
    // Of a type parameter only its bound is known.
    const open = flags.TypeParameter | flags.IndexedAccess | flags.Conditional;
    return (type.flags & (flags.Any | flags.Unknown | flags.NonPrimitive | open)) !== 0;
  }

  isAny(type: Type): boolean {
    const { flags } = this.#compiler;
    return (type.flags & (flags.Any | flags.Unknown)) !== 0;
  }

  isObjectLike(type: Type): boolean {
    const { flags } = this.#compiler;
    return (type.flags & (flags.Object | flags.Union | flags.Intersection)) !== 0;
  }

  /** The parts of a union, without null and undefined; else the type itself. */
  parts(type: Type): readonly Type[] {
    return type.isUnionType()
      ? type.getTypes().filter((part) => this.isObjectLike(part) || this.isObscure(part))
      : [type];
  }

  /** Type arguments of lists, promises, maps. */
  inside(type: Type): readonly Type[] {
    return type.isTypeReference() ? this.#compiler.checker.getTypeArguments(type) : [];
  }

  isList(type: Type): boolean {
    const { checker } = this.#compiler;
    return checker.isArrayType(type) || checker.isTupleType(type);
  }

  /** What a promise gives; else the type itself. */
  awaited(type: Type): Type {
    const name = type.getSymbol()?.name;
    return name === "Promise" || name === "PromiseLike" ? (this.inside(type)[0] ?? type) : type;
  }

  /** What the type carries of contracts. */
  roots(type: Type, depth = 0): readonly Root[] {
    if (!this.isObjectLike(type) || depth > deepest) return [];
    const known = this.#roots.get(type.id);
    if (known !== undefined) return known;
    this.#roots.set(type.id, []);
    const found = this.#rootsOf(type, depth);
    const distinct = [...new Map(found.map((root) => [`${root.book.file}#${root.place}`, root])).values()];
    this.#roots.set(type.id, distinct);
    return distinct;
  }

  #rootsOf(type: Type, depth: number): readonly Root[] {
    const { checker } = this.#compiler;
    if (type.isUnionType() || type.isIntersectionType())
      return type.getTypes().flatMap((part) => this.roots(part, depth));
    const symbol = type.getSymbol();
    const own = this.declared(symbol);
    if (own.length > 0) return own;
    const where = this.#homeOf(symbol);
    if (where === "outside" && symbol !== undefined && descriptions.has(symbol.name)) return [];
    const given = this.inside(type).flatMap((inner) => this.roots(inner, depth + 1));
    if (this.isList(type) || (where === "outside" && type.isClassOrInterface()) || given.length > 0) return given;
    const derived = [...(this.#derived.get(keyOf(symbol))?.values() ?? [])];
    const indexed = checker.getIndexInfosOfType(type).flatMap(({ valueType }) => this.roots(valueType, depth + 1));
    const properties = checker.getPropertiesOfType(type);
    if (properties.length === 0) return [...derived, ...indexed];
    const types = checker.getTypeOfSymbol(properties);
    return [
      ...derived,
      ...indexed,
      ...properties.flatMap((property, at) => {
        const declared = this.declared(property);
        if (declared.length > 0) return declared;
        const inner = types[at];
        return inner === undefined ? [] : this.roots(inner, depth + 1);
      }),
    ];
  }

  /** Remembers that values of the project's own type `to` are also what `from` is. True if that is news. */
  derive(from: Type, to: Type): boolean {
    const symbol = to.getSymbol();
    if (symbol === undefined || this.declared(symbol).length > 0 || this.#homeOf(symbol) === "outside") return false;
    const key = keyOf(symbol);
    const here = this.#derived.get(key) ?? new Map<string, Root>();
    this.#derived.set(key, here);
    const before = here.size;
    for (const root of this.roots(from)) here.set(`${root.book.file}#${root.place}`, root);
    if (here.size === before) return false;
    this.#roots.clear();
    return true;
  }

  #homeOf(symbol: NamedSymbol | undefined): "project" | "outside" | "nowhere" {
    const [handle] = symbol?.declarations ?? [];
    if (handle === undefined) return "nowhere";
    return ownerOf(this.#compiler.folder, handle.path) === "project" ? "project" : "outside";
  }

  /** Where a symbol is declared in this file; `undefined`: elsewhere. */
  nodeIn(path: string, symbol: NamedSymbol): Node | undefined {
    const handle = symbol.declarations.find((each) => each.path === path);
    return handle?.resolve(this.#compiler.project);
  }
}

function keyOf(symbol: NamedSymbol | undefined): string {
  const [handle] = symbol?.declarations ?? [];
  return handle === undefined ? "" : `${handle.path}#${handle.index}`;
}
