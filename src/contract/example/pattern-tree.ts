/** A regular expression (ECMA-262, section 22.2.1, without flags) as a tree, from which texts can be made. */

export type Node =
  | { readonly kind: "set"; readonly has: (code: number) => boolean; readonly hints: readonly number[] }
  | { readonly kind: "sequence"; readonly parts: readonly Node[] }
  | { readonly kind: "choice"; readonly options: readonly Node[] }
  | { readonly kind: "repeat"; readonly of: Node; readonly least: number; readonly most: number }
  | { readonly kind: "group"; readonly number: number; readonly of: Node }
  | { readonly kind: "back"; readonly number: number }
  /** Anchors, boundaries, look-around: they match no character. */
  | { readonly kind: "nothing" };

const longest = 4000;
const deepest = 60;
const nothing: Node = { kind: "nothing" };

/** The tree; `undefined` where the pattern is too long, or not one that is understood. */
export function patternTree(source: string): Node | undefined {
  if (source.length > longest) return undefined;
  try {
    const parser = new Parser(source);
    const tree = parser.choice(0);
    return parser.ended ? tree : undefined;
  } catch {
    return undefined;
  }
}

class Parser {
  readonly #text: readonly string[];
  #at = 0;
  #groups = 0;
  readonly #names = new Map<string, number>();

  constructor(source: string) {
    this.#text = [...source];
  }

  get ended(): boolean {
    return this.#at >= this.#text.length;
  }

  choice(depth: number): Node {
    if (depth > deepest) throw new SyntaxError("nested too deep");
    const options = [this.#sequence(depth)];
    while (this.#taken("|")) options.push(this.#sequence(depth));
    return options.length === 1 ? options[0]! : { kind: "choice", options };
  }

  #sequence(depth: number): Node {
    const parts: Node[] = [];
    while (!this.ended && this.#peek() !== "|" && this.#peek() !== ")") parts.push(this.#repeated(this.#atom(depth)));
    return parts.length === 1 ? parts[0]! : { kind: "sequence", parts };
  }

  #repeated(of: Node): Node {
    let least: number;
    let most: number;
    if (this.#taken("*")) [least, most] = [0, Number.POSITIVE_INFINITY];
    else if (this.#taken("+")) [least, most] = [1, Number.POSITIVE_INFINITY];
    else if (this.#taken("?")) [least, most] = [0, 1];
    else {
      const count = this.#count();
      if (count === undefined) return of;
      [least, most] = count;
    }
    this.#taken("?");
    if (most < least) throw new SyntaxError("a count that is out of order");
    return this.#repeated({ kind: "repeat", of, least, most });
  }

  /** `{2}`, `{2,}`, `{2,5}`; a brace that begins no count is a character. */
  #count(): readonly [number, number] | undefined {
    if (this.#peek() !== "{") return undefined;
    const close = this.#text.indexOf("}", this.#at);
    const inside = close < 0 ? "" : this.#text.slice(this.#at + 1, close).join("");
    const found = /^(\d{0,6})(,?)(\d{0,6})$/.exec(inside);
    if (found === null || (found[1] === "" && found[3] === "")) return undefined;
    this.#at = close + 1;
    const least = Number(found[1]);
    if (found[2] === "") return [least, least];
    return [least, found[3] === "" ? Number.POSITIVE_INFINITY : Number(found[3])];
  }

  #atom(depth: number): Node {
    const character = this.#next();
    switch (character) {
      case "^":
      case "$":
        return nothing;
      case ".":
        return set((code) => code !== 0x0a && code !== 0x0d && code !== 0x2028 && code !== 0x2029, []);
      case "(":
        return this.#group(depth);
      case "[":
        return this.#class();
      case "\\":
        return this.#escape();
      case "*":
      case "+":
      case "?":
        throw new SyntaxError("nothing to repeat");
      default:
        return one(character);
    }
  }

  #group(depth: number): Node {
    if (!this.#taken("?")) return this.#numbered(depth, undefined);
    const mark = this.#next();
    if (mark === ":") return this.#closed(this.choice(depth + 1));
    // What look-around asks for is left to the check of the whole text.
    if (mark === "=") return this.#lookedFor(depth);
    if (mark === "!") return this.#lookAround(depth);
    if (mark === "P" && this.#peek() === "<") this.#next();
    else if (mark !== "<") throw new SyntaxError("a group of another kind");
    if (this.#taken("=") || this.#taken("!")) return this.#lookAround(depth);
    let name = "";
    for (let next = this.#next(); next !== ">"; next = this.#next()) name += next;
    return this.#numbered(depth, name);
  }

  #numbered(depth: number, name: string | undefined): Node {
    this.#groups += 1;
    const number = this.#groups;
    if (name !== undefined) this.#names.set(name, number);
    return this.#closed({ kind: "group", number, of: this.choice(depth + 1) });
  }

  /** What must come: a text with it right here has it, unless it becomes too long, or has what may not stand here. */
  #lookedFor(depth: number): Node {
    return { kind: "repeat", of: this.#closed(this.choice(depth + 1)), least: 0, most: 1 };
  }

  #lookAround(depth: number): Node {
    this.#closed(this.choice(depth + 1));
    return nothing;
  }

  #closed(node: Node): Node {
    if (!this.#taken(")")) throw new SyntaxError("a group without an end");
    return node;
  }

  #escape(): Node {
    const letter = this.#next();
    if (letter === "b" || letter === "B" || letter === "A" || letter === "z" || letter === "Z") return nothing;
    if (letter >= "1" && letter <= "9") return { kind: "back", number: Number(letter) };
    if (letter === "k" && this.#taken("<")) {
      let name = "";
      for (let next = this.#next(); next !== ">"; next = this.#next()) name += next;
      return { kind: "back", number: this.#names.get(name) ?? 0 };
    }
    const member = this.#member(letter);
    return typeof member === "number" ? one(String.fromCodePoint(member)) : member;
  }

  #class(): Node {
    const negated = this.#taken("^");
    const parts: { readonly has: (code: number) => boolean }[] = [];
    const hints: number[] = [];
    while (!this.#taken("]")) {
      const from = this.#classMember();
      if (typeof from !== "number") {
        parts.push(from);
        hints.push(...from.hints);
        continue;
      }
      let to = from;
      if (this.#peek() === "-" && this.#text[this.#at + 1] !== "]") {
        this.#next();
        const end = this.#classMember();
        if (typeof end === "number") to = end;
        else {
          parts.push(end, { has: (code) => code === 0x2d });
          hints.push(...end.hints);
        }
      }
      parts.push({ has: (code) => code >= from && code <= to });
      hints.push(from, to);
    }
    const inside = (code: number): boolean => parts.some((part) => part.has(code));
    return negated ? set((code) => !inside(code), []) : set(inside, hints);
  }

  #classMember(): number | Extract<Node, { kind: "set" }> {
    const character = this.#next();
    if (character !== "\\") return character.codePointAt(0)!;
    const letter = this.#next();
    if (letter === "b") return 0x08;
    return this.#member(letter);
  }

  /** What an escape stands for: a character, or a set of them. */
  #member(letter: string): number | Extract<Node, { kind: "set" }> {
    switch (letter) {
      case "d":
        return set(isDigit, [0x30]);
      case "D":
        return set((code) => !isDigit(code), []);
      case "w":
        return set(isWord, [0x61]);
      case "W":
        return set((code) => !isWord(code), []);
      case "s":
        return set(isSpace, [0x20]);
      case "S":
        return set((code) => !isSpace(code), []);
      case "p":
      case "P":
        if (this.#peek() === "{") return this.#property(letter === "P");
        return letter.codePointAt(0)!;
      case "t":
        return 0x09;
      case "n":
        return 0x0a;
      case "v":
        return 0x0b;
      case "f":
        return 0x0c;
      case "r":
        return 0x0d;
      case "0":
        return 0;
      case "c":
        return this.#next().codePointAt(0)! % 32;
      case "x":
        return this.#hex(2);
      case "u":
        if (!this.#taken("{")) return this.#hex(4);
        {
          let digits = "";
          for (let next = this.#next(); next !== "}"; next = this.#next()) digits += next;
          return Number.parseInt(digits, 16);
        }
      default:
        return letter.codePointAt(0)!;
    }
  }

  #hex(length: number): number {
    const digits = this.#text.slice(this.#at, this.#at + length).join("");
    if (!/^[0-9a-f]+$/i.test(digits) || digits.length < length) throw new SyntaxError("a bad escape");
    this.#at += length;
    return Number.parseInt(digits, 16);
  }

  #property(negated: boolean): Extract<Node, { kind: "set" }> {
    this.#next();
    let name = "";
    for (let next = this.#next(); next !== "}"; next = this.#next()) name += next;
    if (!/^[A-Za-z_]+(=[A-Za-z_]+)?$/.test(name)) throw new SyntaxError("a property that is not known");
    // One character is tested at a time, so this can't take long.
    const member = new RegExp(`^\\p{${name}}$`, "u");
    return set((code) => member.test(String.fromCodePoint(code)) !== negated, []);
  }

  #peek(): string | undefined {
    return this.#text[this.#at];
  }

  #next(): string {
    const character = this.#text[this.#at];
    if (character === undefined) throw new SyntaxError("it ends too early");
    this.#at += 1;
    return character;
  }

  #taken(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }
}

function set(has: (code: number) => boolean, hints: readonly number[]): Extract<Node, { kind: "set" }> {
  return { kind: "set", has, hints };
}

function one(character: string): Node {
  const code = character.codePointAt(0)!;
  return set((other) => other === code, [code]);
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

function isWord(code: number): boolean {
  return isDigit(code) || (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a) || code === 0x5f;
}

function isSpace(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d) || code === 0xa0 || code === 0xfeff;
}
