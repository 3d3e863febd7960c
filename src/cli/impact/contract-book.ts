/**
 * A generated `contract.ts` as a book of places: for an operation, event or schema and steps inside it, the properties that stand
 * there. Every property is known by where it is declared in the file, which is also what the compiler says of each name in the
 * project's code.
 */
import { type Compiler, type Node, type SourceFile, walk } from "./compiler.ts";

/** Where a property or a type is declared: its position in the file. */
export type Place = number;

export interface Target {
  /** Properties on the way, the outermost first; the last one is the place itself, unless nothing has a name there. */
  readonly properties: readonly Place[];
  /** Types on the way: interfaces and literals whose values pass there. */
  readonly types: readonly Place[];
  /** The type at the end. */
  readonly end: readonly Node[];
  /** False: the file has no such place, so it is new. */
  readonly known: boolean;
}

export interface MemberPlaces {
  readonly property: Place;
  readonly type: Node | undefined;
}

export class ContractBook {
  readonly file: string;
  readonly source: SourceFile;
  readonly #kinds: Compiler["kinds"];
  readonly #declared = new Map<string, Node>();
  readonly #sections = new Map<string, Map<string, MemberPlaces>>();

  constructor(compiler: Compiler, file: string, source: SourceFile) {
    this.file = file;
    this.source = source;
    this.#kinds = compiler.kinds;
    const { InterfaceDeclaration, TypeAliasDeclaration } = compiler.kinds;
    let contract: Node | undefined;
    for (const statement of source.statements) {
      if (statement.kind !== InterfaceDeclaration && statement.kind !== TypeAliasDeclaration) continue;
      this.#declared.set((statement as unknown as { name: { text: string } }).name.text, statement);
      // The one that holds all comes last.
      if (statement.kind === InterfaceDeclaration) contract = statement;
    }
    if (contract === undefined) return;
    for (const { name, type } of this.#members(contract)) {
      const section = new Map<string, MemberPlaces>();
      for (const one of this.#membersOf(type === undefined ? [] : [type]))
        section.set(one.name, { property: one.property, type: one.type });
      this.#sections.set(name, section);
    }
  }

  member(section: "operations" | "events" | "schemas", name: string): MemberPlaces | undefined {
    return this.#sections.get(section)?.get(name);
  }

  names(section: "operations" | "events" | "schemas"): readonly string[] {
    return [...(this.#sections.get(section)?.keys() ?? [])];
  }

  /** `input`, `output`, or `faults` and a name, of an operation. */
  part(operation: string, steps: readonly string[]): Node | undefined {
    let at = this.member("operations", operation)?.type;
    for (const step of steps)
      at = this.#membersOf(at === undefined ? [] : [at]).find(({ name }) => name === step)?.type;
    return at;
  }

  /** Follows steps from a type: names of properties, `*` and numbers for items and for properties of any name. */
  follow(from: Node | undefined, steps: readonly string[]): Target {
    const properties: Place[] = [];
    const types = new Set<Place>();
    let at: readonly Node[] = from === undefined ? [] : this.#opened(from, types);
    let known = from !== undefined;
    for (const step of steps) {
      const next: Node[] = [];
      let found = false;
      for (const one of this.#membersOf(at)) {
        if (one.name !== step) continue;
        found = true;
        properties.push(one.property);
        if (one.type !== undefined) next.push(one.type);
      }
      if (!found) {
        const inner = at.flatMap((node) => this.#inside(node));
        found = inner.length > 0;
        next.push(...inner);
      }
      known &&= found;
      if (!found) break;
      at = next.flatMap((node) => this.#opened(node, types));
    }
    return { properties, types: [...types], end: at, known };
  }

  /** Properties that an object of this type has by name. */
  propertiesOf(types: readonly Node[]): readonly { readonly name: string; readonly property: Place }[] {
    return this.#membersOf(types);
  }

  /** Every property and type that lies in what is declared at this place, itself included. */
  below(place: Place): ReadonlySet<Place> {
    const found = new Set<Place>([place]);
    // A section's member, a property or a type: whatever is declared there.
    for (const node of this.#at(place)) this.#belowNode((node as Node & Parts).type ?? node, found);
    return found;
  }

  #belowNode(from: Node, found: Set<Place> = new Set()): ReadonlySet<Place> {
    const open: Node[] = [from];
    const done = new Set<Place>();
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      const types = new Set<Place>();
      for (const one of this.#opened(node, types)) {
        for (const inner of this.#inside(one)) open.push(inner);
        if ((one as Node & Parts).members === undefined || done.has(one.pos)) continue;
        done.add(one.pos);
        for (const { property, type } of this.#members(one)) {
          found.add(property);
          if (type !== undefined) open.push(type);
        }
      }
      for (const type of types) found.add(type);
    }
    return found;
  }

  /** Whether values of it come from the system: they lie in an output, a fault or an event. */
  isDelivered(place: Place): boolean {
    if (this.#delivered === undefined) {
      const found = new Set<Place>();
      const add = (type: Node | undefined): void => {
        if (type === undefined) return;
        for (const opened of this.#opened(type, new Set())) for (const one of this.#belowNode(opened)) found.add(one);
      };
      for (const name of this.names("events")) add(this.member("events", name)?.type);
      for (const name of this.names("operations")) {
        add(this.part(name, ["output"]));
        for (const { type } of this.#membersOf([this.part(name, ["faults"])].filter((one) => one !== undefined)))
          add(type);
      }
      this.#delivered = found;
    }
    return this.#delivered.has(place);
  }
  #delivered?: ReadonlySet<Place>;

  #places?: ReadonlyMap<Place, readonly Node[]>;
  #at(place: Place): readonly Node[] {
    if (this.#places === undefined) {
      const k = this.#kinds;
      const all = new Map<Place, Node[]>();
      walk(this.source, (node) => {
        if (node.kind === k.PropertySignature || node.kind === k.InterfaceDeclaration || node.kind === k.TypeLiteral)
          all.set(node.pos, [...(all.get(node.pos) ?? []), node]);
        return true;
      });
      this.#places = all;
    }
    return this.#places.get(place) ?? [];
  }

  /** References resolved, unions taken apart; `types` is told of every object type on the way. */
  #opened(from: Node, types: Set<Place>, depth = 0): readonly Node[] {
    const k = this.#kinds;
    const node = from as Node & Parts;
    if (depth > 40) return [];
    const into = (one: Node): readonly Node[] => this.#opened(one, types, depth + 1);
    if (node.kind === k.TypeReference) {
      const declared = this.#declared.get(node.typeName?.text ?? "");
      if (declared !== undefined) return into(declared);
      // A member of a union that must say which one it is: `Name & Required<Pick<Name, "kind">>`.
      return ["Required", "Pick"].includes(node.typeName?.text ?? "")
        ? (node.typeArguments ?? []).slice(0, 1).flatMap(into)
        : [node];
    }
    if (node.kind === k.TypeAliasDeclaration) return into(node.type!);
    if (node.kind === k.ParenthesizedType) return into(node.type!);
    if (node.kind === k.TypeOperator) return into(node.type!);
    if (node.kind === k.UnionType || node.kind === k.IntersectionType) return (node.types ?? []).flatMap(into);
    if (node.kind === k.InterfaceDeclaration || node.kind === k.TypeLiteral) {
      types.add(node.pos);
      return [node];
    }
    return [node];
  }

  #membersOf(types: readonly Node[]) {
    return types.flatMap((type) => this.#opened(type, new Set()).flatMap((node) => this.#members(node)));
  }

  #members(of: Node): readonly { readonly name: string; readonly property: Place; readonly type: Node | undefined }[] {
    const { members = [] } = of as Node & Parts;
    return members.flatMap((member) => {
      const { name, type } = member as Node & Parts;
      return member.kind === this.#kinds.PropertySignature && name !== undefined
        ? [{ name: name.text, property: member.pos, type }]
        : [];
    });
  }

  /** What lies inside without a name: items, and values of index signatures. */
  #inside(of: Node): readonly Node[] {
    const k = this.#kinds;
    const node = of as Node & Parts;
    if (node.kind === k.ArrayType) return [node.elementType!];
    if (node.kind === k.TupleType)
      return ((node as unknown as { elements: readonly Node[] }).elements ?? []).map(
        (element) => (element as Node & Parts).type ?? element,
      );
    if (node.kind === k.TypeReference) return node.typeArguments ?? [];
    return (node.members ?? []).flatMap((member) =>
      member.kind === k.IndexSignature ? [(member as Node & Parts).type!] : [],
    );
  }
}

/** The parts of nodes of types, by the compiler's names. */
interface Parts {
  readonly name?: { readonly text: string };
  readonly type?: Node;
  readonly types?: readonly Node[];
  readonly typeName?: { readonly text: string };
  readonly typeArguments?: readonly Node[];
  readonly elementType?: Node;
  readonly members?: readonly Node[];
}
