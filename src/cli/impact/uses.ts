/**
 * What a project uses of its contracts: every operation it names, and every field that it reads or writes, each in its file and
 * line. It is found by types: a field is used if somewhere a value of the contract's type is asked for it. So it may be said of a
 * field that is read from the answer of another operation with the same type; what is said to be unused is unused.
 */
import { projectFiles } from "../../server/project/files.ts";
import { sourcesOf } from "../../server/project/sources.ts";
import type { Compiler } from "./compiler.ts";
import { ContractBook } from "./contract-book.ts";
import { FileReader } from "./file-reader.ts";
import { Marks } from "./marks.ts";
import { Types } from "./types.ts";

export interface ContractUses {
  readonly book: ContractBook;
  readonly marks: Marks;
}

export interface ProjectUses {
  /** By system. */
  readonly contracts: ReadonlyMap<string, ContractUses>;
  /** Files that were looked at, to the files of processes, APIs, schedules and systems that lead to them. */
  readonly files: ReadonlyMap<string, readonly string[]>;
}

/** Files to the entries that lead to them. */
export function reachable(folder: string): ReadonlyMap<string, readonly string[]> {
  const { process, api, schedule, system } = projectFiles(folder);
  const found = new Map<string, string[]>();
  for (const entry of [...process, ...api, ...schedule, ...system])
    for (const file of sourcesOf(folder, [entry]).files) {
      if (!/\.[cm]?ts$/.test(file) || file.endsWith("/contract.ts")) continue;
      // What a system's own file names is used where the system is.
      if (system.includes(file) && file !== entry) continue;
      const here = found.get(file) ?? [];
      found.set(file, here);
      here.push(entry);
    }
  return found;
}

export function usesOf(compiler: Compiler): ProjectUses {
  const files = reachable(compiler.folder);
  const contracts = new Map<string, ContractUses>();
  const books = new Map<string, ContractBook>();
  const marks = new Map<ContractBook, Marks>();
  for (const index of projectFiles(compiler.folder).system) {
    const name = index.split("/")[1]!;
    const file = `systems/${name}/contract.ts`;
    const source = compiler.source(file);
    if (source === undefined) continue;
    const book = new ContractBook(compiler, file, source);
    const own = new Marks();
    contracts.set(name, { book, marks: own });
    books.set(source.path, book);
    marks.set(book, own);
  }
  const types = new Types(compiler, books);
  const readers = [...files.keys()].flatMap((file) => {
    const source = compiler.source(file);
    return source === undefined ? [] : [new FileReader(compiler, types, contracts, marks, file, source)];
  });
  for (const reader of readers) reader.names();
  // What a type of the project's own holds shows at one place and counts at others.
  for (let again = true, rounds = 0; again && rounds < 5; rounds++) {
    again = false;
    for (const reader of readers) if (reader.flows()) again = true;
  }
  return { contracts, files };
}
