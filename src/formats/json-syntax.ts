/**
 * Finds where a JSON text breaks the grammar of RFC 8259, or names a member twice. Only used when something is known to be
 * wrong, or when duplicates are to be refused: the runtime's parser is faster, but quotes the text in its messages, and a
 * text may hold secrets. The depth of the text must have been limited before.
 */

export interface SyntaxFault {
  /** Index into the text. */
  readonly position: number;
  readonly reason: string;
}

/** The first fault, or `undefined`. */
export function syntaxFault(text: string, refuseDuplicates: boolean): SyntaxFault | undefined {
  const checker = new Checker(text, refuseDuplicates);
  try {
    checker.document();
    return undefined;
  } catch (error) {
    if (error instanceof Found) return error.fault;
    throw error;
  }
}

class Found extends Error {
  readonly fault: SyntaxFault;
  constructor(fault: SyntaxFault) {
    super("found");
    this.fault = fault;
  }
}

const space = /[ \t\r\n]*/y;
const number = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const escaped = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

class Checker {
  readonly #text: string;
  readonly #refuseDuplicates: boolean;
  #at = 0;

  constructor(text: string, refuseDuplicates: boolean) {
    this.#text = text;
    this.#refuseDuplicates = refuseDuplicates;
  }

  document(): void {
    this.#space();
    this.#value();
    this.#space();
    if (this.#at < this.#text.length) this.#fail("something stands after the end of the value");
  }

  #value(): void {
    const first = this.#text[this.#at];
    if (first === "{") this.#object();
    else if (first === "[") this.#array();
    else if (first === '"') this.#string();
    else if (!this.#take(number) && !this.#word("true") && !this.#word("false") && !this.#word("null"))
      this.#fail(first === undefined ? "the text ends where a value is expected" : "a value is expected");
  }

  #object(): void {
    const seen = this.#refuseDuplicates ? new Set<string>() : undefined;
    this.#at++;
    this.#space();
    if (this.#skip("}")) return;
    do {
      this.#space();
      const start = this.#at;
      if (this.#text[start] !== '"') this.#fail("the name of a member in double quotes is expected");
      this.#string();
      if (seen !== undefined) {
        const name = JSON.parse(this.#text.slice(start, this.#at)) as string;
        if (seen.has(name)) {
          this.#at = start;
          this.#fail("a member is named twice in one object");
        }
        seen.add(name);
      }
      this.#space();
      if (!this.#skip(":")) this.#fail('":" is expected');
      this.#space();
      this.#value();
      this.#space();
    } while (this.#skip(","));
    if (!this.#skip("}")) this.#fail('"," or "}" is expected');
  }

  #array(): void {
    this.#at++;
    this.#space();
    if (this.#skip("]")) return;
    do {
      this.#space();
      this.#value();
      this.#space();
    } while (this.#skip(","));
    if (!this.#skip("]")) this.#fail('"," or "]" is expected');
  }

  #string(): void {
    this.#at++;
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (Number.isNaN(code)) this.#fail("the text ends inside a string");
      if (code === 34) break;
      if (code < 32) this.#fail("a control character stands unescaped in a string");
      if (code === 92) {
        if (!this.#take(escaped)) this.#fail("an escape is not known");
      } else this.#at++;
    }
    this.#at++;
  }

  #word(word: string): boolean {
    if (!this.#text.startsWith(word, this.#at)) return false;
    this.#at += word.length;
    return true;
  }

  #take(form: RegExp): boolean {
    form.lastIndex = this.#at;
    if (!form.test(this.#text)) return false;
    this.#at = form.lastIndex;
    return true;
  }

  #skip(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #space(): void {
    this.#take(space);
  }

  #fail(reason: string): never {
    throw new Found({ position: this.#at, reason });
  }
}
