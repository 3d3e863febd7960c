/**
 * The text of one JSON or YAML file of a contract as plain data, within limits, with line and column of every place.
 * YAML is read as version 1.2, core schema, plus merge keys (`<<`): no custom types, dates stay strings.
 */
import type * as Yaml from "yaml";
import { failure, MortiseError } from "../../errors.ts";
import { parseJson } from "../../formats/json.ts";
import { type Json, pointerNames } from "../../operation.ts";
import { whenNeeded } from "../../when-needed.ts";
import type { ContractFile } from "./source.ts";

export const yaml = whenNeeded<typeof Yaml>("yaml");

export const documentLimits = {
  maxDepth: 200,
  /** Values, after aliases are followed. */
  maxItems: 2_000_000,
  /** Uses of anchors. */
  maxAliases: 1000,
} as const;

export interface ParsedFile {
  readonly path: string;
  readonly value: Json;
  /** ` (line 12, column 5)` of the value at the JSON Pointer, or an empty text where it is not known. */
  position(pointer: string): string;
}

/** Parses a file that is JSON if it starts as JSON does, else YAML. Throws `contract-unreadable`. */
export function parseFile(file: ContractFile): ParsedFile {
  const start = /\S/.exec(file.text)?.[0];
  const json = start === "{" || start === "[";
  let tree: ReturnType<typeof yamlTree> | undefined;
  let value: Json;
  try {
    if (json && !/\.ya?ml$/i.test(file.path)) {
      const limits = { ...documentLimits, maxBytes: file.text.length, maxKeys: documentLimits.maxItems };
      value = parseJson(file.text, { ...limits, duplicates: "refuse", numbers: "nearest" });
    } else {
      tree = yamlTree(file);
      value = tree.document.toJS({ maxAliasCount: documentLimits.maxAliases }) as Json;
      checkSize(value);
    }
  } catch (cause) {
    if (cause instanceof MortiseError && cause.code === "contract-unreadable") throw cause;
    const deep = cause instanceof RangeError && /call stack/.test(cause.message);
    const reason = deep ? "it is nested too deeply" : sentence((cause as Error).message);
    throw failure("contract-unreadable", { file: file.path, place: "its text", reason }, { cause });
  }
  return {
    path: file.path,
    value,
    position(pointer) {
      try {
        tree ??= yamlTree(file);
      } catch {
        return "";
      }
      return positionIn(tree, pointer);
    },
  };
}

/** Nothing but nesting: what no author writes takes the parser seconds to refuse. */
const onlyNesting = /(?:[[{]\s*){300}|(?:- ){300}/;

function yamlTree(file: ContractFile) {
  if (onlyNesting.test(file.text)) throw new Error(`it is nested deeper than ${documentLimits.maxDepth} levels`);
  const { LineCounter, parseDocument } = yaml();
  const lines = new LineCounter();
  // The parser's own look for keys that stand twice compares each with all others: a large map takes for ever.
  const options = {
    lineCounter: lines,
    merge: true,
    logLevel: "silent",
    prettyErrors: false,
    uniqueKeys: false,
  } as const;
  const document = parseDocument(file.text, options);
  const fault = document.errors[0] ?? repeatedKey(document.contents);
  if (fault !== undefined) {
    const { line, col } = lines.linePos(fault.pos[0]);
    const place = `line ${line}, column ${col}`;
    const deep = /call stack/.test(fault.message);
    const reason = deep ? `it is nested deeper than ${documentLimits.maxDepth} levels` : sentence(fault.message);
    throw failure("contract-unreadable", { file: file.path, place, reason });
  }
  return { document, lines };
}

/** The first key that stands twice in its map. */
function repeatedKey(
  root: unknown,
): { readonly pos: readonly [number, ...unknown[]]; readonly message: string } | undefined {
  const { isMap, isScalar, isSeq } = yaml();
  const open: unknown[] = [root];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (isSeq(node)) {
      for (let at = node.items.length - 1; at >= 0; at--) open.push(node.items[at]);
      continue;
    }
    if (!isMap(node)) continue;
    const seen = new Set<unknown>();
    for (const { key } of node.items) {
      if (!isScalar(key)) continue;
      const name = typeof key.value === "symbol" ? key.value : String(key.value);
      if (seen.has(name)) return { pos: [key.range?.[0] ?? 0], message: "The keys of a map must be unique" };
      seen.add(name);
    }
    for (let at = node.items.length - 1; at >= 0; at--) open.push(node.items[at]!.value);
  }
  return undefined;
}

/** Walks without recursion: aliases can make a small text a huge or endless value. */
function checkSize(value: Json): void {
  const open: { readonly value: unknown; readonly depth: number }[] = [{ value, depth: 1 }];
  let items = 0;
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (typeof next.value !== "object" || next.value === null) continue;
    // As in JSON, a plain value is no level of its own.
    if (next.depth > documentLimits.maxDepth)
      throw new Error(`it is nested deeper than ${documentLimits.maxDepth} levels`);
    const inner = Object.values(next.value);
    items += inner.length;
    if (items > documentLimits.maxItems) throw new Error(`it holds more than ${documentLimits.maxItems} values`);
    for (const item of inner) open.push({ value: item, depth: next.depth + 1 });
  }
}

function positionIn(tree: ReturnType<typeof yamlTree>, pointer: string): string {
  const { isMap, isSeq } = yaml();
  let node: unknown = tree.document.contents;
  let above = node;
  for (const token of pointerNames(pointer)) {
    const inner: unknown = isMap(node) || isSeq(node) ? node.get(isSeq(node) ? Number(token) : token, true) : undefined;
    if (inner === undefined && isMap(node)) {
      // a key such as 200 is a number in YAML
      const pair = node.items.find((item) => String((item.key as { value?: unknown } | null)?.value) === token);
      node = pair?.value;
    } else node = inner;
    if (node === undefined || node === null) {
      node = above;
      break;
    }
    above = node;
  }
  // of what is not in the text itself, the nearest that is
  const start = (node as Yaml.Node | null)?.range?.[0];
  if (start === undefined) return "";
  const { line, col } = tree.lines.linePos(start);
  return ` (line ${line}, column ${col})`;
}

function sentence(message: string): string {
  const first = message.split("\n")[0]!.trim().replace(/\.$/, "");
  return first.slice(0, 300);
}
