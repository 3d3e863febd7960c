/**
 * Texts that a pattern takes, within a length. Sound: what is given was tested against the pattern; where nothing was found
 * (look-around, back references, a length that no match has) there is no text, never a wrong one.
 */
import { compilePattern } from "../pattern.ts";
import { type Node, patternTree } from "./pattern-tree.ts";
import type { Random } from "./random.ts";

export interface TextBounds {
  /** In code points. */
  readonly least: number;
  readonly most: number;
}

/** Tried in this order of liking: what reads well, no white space at first. */
const liked = [..."abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"].map((each) => each.codePointAt(0)!);
const rest = [...`-_./:@#+,;=~!$%&*()'"?[]{}<>|^\\\`éßλ漢 `].map((each) => each.codePointAt(0)!);
const longest = 20_000;
/** Nodes of the tree that one text may visit: empty rounds are many and short. */
const mostSteps = 50_000;
const firstTries = 16;
const mostTries = 80;

const trees = new Map<string, Node | undefined>();
const mostTrees = 2000;

/** A text that every pattern takes; `undefined` where none was found. */
export function textOfPatterns(patterns: readonly string[], bounds: TextBounds, random: Random): string | undefined {
  const all = patterns.map((pattern) => compilePattern(pattern));
  const takes = (text: string): boolean => all.every((pattern) => pattern.test(text));
  for (const pattern of patterns) {
    const tree = treeOf(pattern);
    if (tree === undefined) continue;
    const found = search(tree, bounds, random, takes);
    if (found !== undefined) return found;
  }
  return undefined;
}

function treeOf(pattern: string): Node | undefined {
  if (!trees.has(pattern)) {
    if (trees.size >= mostTrees) trees.clear();
    trees.set(pattern, patternTree(pattern));
  }
  return trees.get(pattern);
}

function search(tree: Node, bounds: TextBounds, random: Random, takes: (text: string) => boolean): string | undefined {
  const good = (text: string): boolean => {
    const length = lengthOf(text);
    return length >= bounds.least && length <= bounds.most && takes(text);
  };
  const need = Math.max(bounds.least, 1);
  for (let tries = 0; tries < mostTries; tries++) {
    const text = new Maker(random, rounds(tries, need, random), tries % 2 === 0 || tries < firstTries).text(tree);
    if (text === undefined) continue;
    if (good(text)) return text;
    // A pattern without anchors takes more around its match.
    const missing = bounds.least - lengthOf(text);
    if (missing > 0 && missing < longest)
      for (const padded of [text + "x".repeat(missing), "x".repeat(missing) + text, text + "0".repeat(missing)])
        if (good(padded)) return padded;
  }
  return undefined;
}

/** How often a repeat goes round beyond what it must: once, never, so often that the length is met, then any number. */
function rounds(tries: number, need: number, random: Random): number {
  if (tries < 2) return 1 - tries;
  if (tries < 6) return tries;
  if (tries < firstTries) return Math.max(0, need - (tries - 6));
  return random.below(Math.min(need + 16, 300));
}

function lengthOf(text: string): number {
  let length = 0;
  for (const _ of text) length += 1;
  return length;
}

/** Makes one text from a tree. */
class Maker {
  readonly #random: Random;
  readonly #more: number;
  readonly #exact: boolean;
  readonly #groups = new Map<number, string>();
  #length = 0;
  #steps = 0;

  constructor(random: Random, more: number, exact: boolean) {
    this.#random = random;
    this.#more = more;
    this.#exact = exact;
  }

  text(tree: Node): string | undefined {
    try {
      return this.#made(tree);
    } catch {
      return undefined;
    }
  }

  #made(node: Node): string {
    this.#steps += 1;
    if (this.#steps > mostSteps) throw new RangeError("it takes too long");
    switch (node.kind) {
      case "nothing":
        return "";
      case "set":
        return this.#counted(this.#one(node));
      case "sequence":
        return node.parts.map((part) => this.#made(part)).join("");
      case "choice":
        return this.#made(this.#random.pick(node.options));
      case "group": {
        const text = this.#made(node.of);
        this.#groups.set(node.number, text);
        return text;
      }
      case "back":
        return this.#counted(this.#groups.get(node.number) ?? "");
      case "repeat": {
        const room = Math.min(node.most - node.least, this.#more);
        const times = node.least + (this.#exact ? room : this.#random.below(room + 1));
        let text = "";
        for (let i = 0; i < times; i++) text += this.#made(node.of);
        return text;
      }
    }
  }

  #one({ has, hints }: Extract<Node, { kind: "set" }>): string {
    for (const codes of [liked, hints, rest]) {
      const fitting = codes.filter((code) => has(code) && !isSurrogate(code));
      if (fitting.length > 0) return String.fromCodePoint(this.#random.pick(fitting));
    }
    throw new RangeError("no character is in the set");
  }

  #counted(text: string): string {
    this.#length += text.length;
    if (this.#length > longest) throw new RangeError("the text is too long");
    return text;
  }
}

function isSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdfff;
}
