/** One file of the project: what it names of contracts, and where its values go. */
import { Carry } from "./carry.ts";
import { type Compiler, type Expression, lineAt, type Node, ownerOf, type SourceFile, walk } from "./compiler.ts";
import type { ContractBook } from "./contract-book.ts";
import type { How, Marks, Use } from "./marks.ts";
import { memberUse, type Parts, probesIn, type Sections, sensitiveIn } from "./members.ts";
import { transfers } from "./transfers.ts";
import type { Root, Types } from "./types.ts";
import type { ContractUses } from "./uses.ts";

export class FileReader {
  readonly #compiler: Compiler;
  readonly #types: Types;
  readonly #contracts: ReadonlyMap<string, ContractUses>;
  readonly #marks: ReadonlyMap<ContractBook, Marks>;
  readonly #file: string;
  readonly #source: SourceFile;
  readonly #nodes: readonly (Node & Parts)[];
  /** Results that go to an operation's input though their type says nothing of it. */
  readonly #answered = new Set<Node>();
  #news = false;

  constructor(
    compiler: Compiler,
    types: Types,
    contracts: ReadonlyMap<string, ContractUses>,
    marks: ReadonlyMap<ContractBook, Marks>,
    file: string,
    source: SourceFile,
  ) {
    this.#compiler = compiler;
    this.#types = types;
    this.#contracts = contracts;
    this.#marks = marks;
    this.#file = file;
    this.#source = source;
    const nodes: Node[] = [];
    walk(source, (node) => nodes.push(node) > 0);
    this.#nodes = nodes as (Node & Parts)[];
  }

  /** Every name that stands for something of a contract. */
  names(): void {
    const { checker, kinds: k } = this.#compiler;
    const named = this.#nodes.flatMap((node) => {
      if (node.kind === k.PropertyAccessExpression) return [{ node, name: node.name! as Node }];
      if (node.kind === k.ElementAccessExpression && node.argumentExpression?.kind === k.StringLiteral)
        return [{ node, name: node.argumentExpression }];
      return [];
    });
    const symbols = checker.getSymbolAtLocation(named.map(({ name }) => name));
    named.forEach(({ node }, at) => {
      for (const root of this.#types.declared(symbols[at])) this.#named(root, node);
    });
    for (const node of this.#nodes) {
      if (node.kind === k.ObjectBindingPattern) this.#destructured(node);
      if (node.kind === k.Identifier) this.#systemAsWhole(node);
      if (node.kind === k.ElementAccessExpression) this.#computed(node);
      if (node.kind === k.BinaryExpression) this.#asked(node);
    }
    for (const probe of probesIn(this.#compiler, this.#nodes)) this.#probe(probe);
    for (const { names, node } of sensitiveIn(this.#compiler, this.#nodes)) this.#sensitive(names, node);
  }

  /** Every value that goes somewhere. True: a type of the project's own was found to hold more than was known. */
  flows(): boolean {
    const { checker, kinds: k } = this.#compiler;
    this.#news = false;
    const values = this.#nodes.flatMap((node) => transfers(node, k));
    const types = checker.getTypeAtLocation(values.map(({ value }) => value));
    values.forEach(({ value, why }, at) => {
      const from = types[at];
      if (from === undefined || this.#answered.has(value)) return;
      if (!this.#types.isObjectLike(from) && !this.#types.isAny(from)) return;
      const to = checker.getContextualType(value as Expression);
      if (to !== undefined) this.#carry(value).carry(from, to, why);
      if (isInput(value)) this.#carry(value).sentOn(from);
      else if (value.parent.kind === k.ThrowStatement) this.#carry(value).whole(from, "is thrown");
    });
    for (const node of this.#nodes) this.#generic(node);
    for (const node of this.#nodes) this.#output(node);
    return this.#news;
  }

  #line(node: Node): number {
    return lineAt(this.#source.text, node.getStart(this.#source));
  }

  #add(root: Root, node: Node, how: How, why?: string): void {
    const use: Use = { file: this.#file, line: this.#line(node), how, ...(why === undefined ? {} : { why }) };
    this.#marks.get(root.book)?.add(root.place, use);
  }

  #carry(at: Node): Carry {
    return new Carry(this.#compiler, this.#types, {
      mark: (root, how, why, given) => {
        // A field of a literal has a line of its own.
        const own = given === undefined ? undefined : this.#types.nodeIn(this.#source.path, given);
        const inside = own !== undefined && own.pos >= at.pos && own.end <= at.end;
        this.#add(root, inside ? own : at, how, why);
      },
      derived: () => {
        this.#news = true;
      },
    });
  }

  #section(root: Root): Sections | undefined {
    const { book, place } = root;
    for (const section of ["operations", "events", "schemas"] as const)
      for (const name of book.names(section))
        if (book.member(section, name)?.property === place) return { section, name };
    return undefined;
  }

  #named(root: Root, node: Node & Parts): void {
    const found = this.#section(root);
    if (found === undefined) {
      const { kinds: k } = this.#compiler;
      const assigned = node.parent as Node & Parts;
      const written =
        assigned.kind === k.BinaryExpression &&
        assigned.left === node &&
        assigned.operatorToken?.kind === k.EqualsToken;
      this.#add(root, node, written ? "writes" : "reads");
      return;
    }
    const use = memberUse(this.#compiler, found, node);
    this.#add(root, node, use.how, use.why);
    // What takes it back gets what a function answers, which says nothing of the operation in its type.
    if (use.how === "calls" && use.inputs !== undefined) this.#inputs(root.book, found.name, use.inputs);
  }

  /** Values that are the input of an operation. */
  #inputs(book: ContractBook, operation: string, values: readonly Node[]): void {
    const { checker } = this.#compiler;
    const node = book.part(operation, ["input"]);
    const to = node === undefined ? undefined : checker.getTypeFromTypeNode(node as never);
    if (to === undefined) return;
    for (const value of values) {
      const from = checker.getTypeAtLocation(value);
      this.#answered.add(value);
      if (from === undefined) continue;
      this.#carry(value).carry(from, to, "is the input");
      if (from.id === to.id) this.#carry(value).sentOn(from);
    }
  }

  #probe({ operation, call, inputs, found, node }: ReturnType<typeof probesIn>[number]): void {
    const system = this.#contracts.get(this.#file.split("/")[1] ?? "");
    const member = system?.book.member("operations", call);
    if (system === undefined || member === undefined || !/^systems\/[^/]+\//.test(this.#file)) return;
    const { book } = system;
    this.#add({ book, place: member.property }, node, "calls", `is the probe of ${operation}`);
    if (inputs === undefined)
      this.#add(
        { book, place: member.property },
        node,
        "whole",
        `is the probe of ${operation}, by a function that stands elsewhere`,
      );
    else this.#inputs(book, call, inputs);
    const { checker } = this.#compiler;
    const [gives, stands] = [call, operation].map((name) => book.part(name, ["output"]));
    const typed = (part: Node | undefined) =>
      part === undefined ? undefined : checker.getTypeFromTypeNode(part as never);
    const [from, to] = [typed(gives), typed(stands)];
    if (from === undefined || to === undefined) return;
    if (found) this.#carry(node).whole(from, "is looked at by the probe's found");
    else
      for (const one of this.#types.isList(from) ? this.#types.inside(from) : [from])
        this.#carry(node).carry(one, to, `stands for the output of ${operation}`);
  }

  /** A field that is masked: under another name it would be masked no longer. */
  #sensitive([member = "", ...names]: readonly string[], node: Node): void {
    const book = this.#contracts.get(/^systems\/([^/]+)\//.exec(this.#file)?.[1] ?? "")?.book;
    if (book === undefined) return;
    const event = book.member("events", member)?.type;
    const [side = "", ...steps] = names;
    const target = event === undefined ? book.follow(book.part(member, [side]), steps) : book.follow(event, names);
    const place = target.properties.at(-1);
    if (place === undefined || !target.known) return;
    for (const how of ["reads", "writes"] as const) this.#add({ book, place }, node, how, "is masked");
  }

  #destructured(pattern: Node & Parts): void {
    const { checker } = this.#compiler;
    const type = checker.getTypeAtLocation(pattern);
    if (type === undefined) return;
    for (const element of (pattern.elements ?? []) as readonly (Node & Parts)[]) {
      if (element.dotDotDotToken !== undefined) continue;
      const name = (element.propertyName ?? element.name) as Node & Parts;
      if (name.text === undefined) {
        this.#carry(element).whole(type, "is taken apart by computed names");
        continue;
      }
      for (const part of this.#types.parts(type)) {
        // An operation by a name of its own is followed no further.
        for (const root of this.#types.declared(checker.getPropertyOfType(part, name.text)))
          if (this.#section(root) !== undefined) this.#add(root, element, "whole", "is taken out of its system");
          else this.#add(root, element, "reads");
      }
    }
  }

  /** `"total" in order`, and `({ total } = order)`. */
  #asked(node: Node & Parts): void {
    const { checker, kinds: k } = this.#compiler;
    const isIn = node.operatorToken?.kind === k.InKeyword;
    const isTaking = node.operatorToken?.kind === k.EqualsToken && node.left?.kind === k.ObjectLiteralExpression;
    if (!isIn && !isTaking) return;
    const type = checker.getTypeAtLocation(node.right!);
    if (type === undefined) return;
    const name = (node.left as Node & Parts).text;
    if (!isIn || node.left?.kind !== k.StringLiteral || name === undefined) {
      this.#carry(node).whole(type, isIn ? "is asked for a computed name" : "is taken apart");
      return;
    }
    for (const part of this.#types.parts(type))
      for (const root of this.#types.declared(checker.getPropertyOfType(part, name))) this.#add(root, node, "reads");
  }

  #computed(node: Node & Parts): void {
    const { checker, kinds: k } = this.#compiler;
    const { argumentExpression: name } = node;
    if (name === undefined || name.kind === k.StringLiteral || name.kind === k.NumericLiteral) return;
    const type = checker.getTypeAtLocation(node.expression!);
    if (type === undefined || this.#types.isList(type)) return;
    this.#carry(node).whole(type, "is asked for a computed name");
  }

  /** `erp` without `.operation`: all of it is handed on. */
  #systemAsWhole(node: Node & Parts): void {
    const { kinds: k } = this.#compiler;
    const parent = node.parent as Node & Parts;
    const passing = [k.ImportSpecifier, k.ImportClause, k.ExportSpecifier, k.QualifiedName, k.TypeQuery] as number[];
    if (passing.includes(parent.kind)) return;
    if (parent.kind === k.PropertyAccessExpression || parent.kind === k.ElementAccessExpression) return;
    if (parent.kind === k.VariableDeclaration && parent.name === node) return;
    if (parent.kind === k.PropertyAssignment && (parent.name as unknown) === node) return;
    // A destructured system is followed by its names.
    if (parent.kind === k.VariableDeclaration && (parent.name as Node).kind === k.ObjectBindingPattern) return;
    const system = this.#imported().get(node.text ?? "");
    if (system === undefined) return;
    const { book } = system;
    for (const section of ["operations", "events", "schemas"] as const)
      for (const name of book.names(section))
        this.#add({ book, place: book.member(section, name)!.property }, node, "whole", "is handed on with its system");
  }

  /** Local names of systems. */
  #names?: ReadonlyMap<string, ContractUses>;
  #imported(): ReadonlyMap<string, ContractUses> {
    if (this.#names !== undefined) return this.#names;
    const { kinds: k } = this.#compiler;
    const found = new Map<string, ContractUses>();
    for (const node of this.#nodes) {
      if (node.kind !== k.ImportDeclaration) continue;
      const from = new URL((node.moduleSpecifier as Parts).text ?? "", `file:///${this.#file}`).pathname.slice(1);
      const system = this.#contracts.get(/^systems\/([^/]+)\/index\.ts$/.exec(from)?.[1] ?? "");
      if (system === undefined) continue;
      walk(node, (inner) => {
        if (inner.kind === k.ImportSpecifier || inner.kind === k.NamespaceImport)
          found.set(((inner as Node & Parts).name as Parts).text ?? "", system);
        return true;
      });
    }
    this.#names = found;
    return found;
  }

  /** Inside a generic function of the project's own a value is seen under the names that its bound has. */
  #generic(node: Node & Parts): void {
    const { checker, kinds: k } = this.#compiler;
    if (node.kind !== k.CallExpression && node.kind !== k.NewExpression) return;
    for (const value of (node.arguments ?? []) as readonly Node[]) {
      const type = checker.getTypeAtLocation(value);
      if (type === undefined || this.#types.roots(type).length === 0) continue;
      const { declaration } = checker.getResolvedSignature(node) ?? {};
      // Those of JavaScript and of Mortise keep what they get under its type.
      if (declaration === undefined) return;
      if (!["project", "package"].includes(ownerOf(this.#compiler.folder, declaration.path))) return;
      const declared = declaration.resolve(this.#compiler.project) as (Node & Parts) | undefined;
      // Of the function, or of its class.
      const owner = declared?.parent as (Node & Parts) | undefined;
      if ((declared?.typeParameters ?? owner?.typeParameters ?? []).length === 0) return;
      this.#carry(value).whole(type, "is handed to a generic function");
    }
  }

  /** Without a schema of its own, a process's output is whatever its function gives: it goes to whoever asks. */
  #output(node: Node & Parts): void {
    const { checker, kinds: k } = this.#compiler;
    if (node.kind !== k.CallExpression || (node.expression as Node & Parts).text !== "defineProcess") return;
    const [options] = (node.arguments ?? []) as readonly (Node & Parts)[];
    if (options?.kind !== k.ObjectLiteralExpression) return;
    const members = (options.properties ?? []) as readonly (Node & Parts)[];
    const named = (name: string) => members.find((member) => (member.name as Parts | undefined)?.text === name);
    const run = named("run");
    if (run === undefined || named("output") !== undefined) return;
    const type = checker.getTypeAtLocation(
      run.kind === k.PropertyAssignment ? (run.initializer as Node) : (run.name as Node),
    );
    const [call] = type === undefined ? [] : checker.getSignaturesOfType(type, 0);
    const gives = call === undefined ? undefined : checker.getReturnTypeOfSignature(call);
    if (gives !== undefined) this.#carry(run).whole(this.#types.awaited(gives), "is the output of the process");
  }
}

/** The second argument of `flow.call` and `flow.attempt`. */
function isInput(value: Node): boolean {
  const call = value.parent as Node & Parts;
  const verb = ((call.expression as (Node & Parts) | undefined)?.name as Parts | undefined)?.text ?? "";
  return ["call", "attempt"].includes(verb) && call.arguments?.[1] === value;
}
