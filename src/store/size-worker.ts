/** The thread that measures the database; see size.ts. SQLite's `dbstat` gives a row for each page of a tree. */
import { statSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { openReader } from "./database.ts";
import type { SizeOptions, StoreSize } from "./size.ts";

interface Tree {
  readonly name: string;
  readonly table: string;
  readonly type: "table" | "index";
  /** Of a table without row ids: its rows stand in inner pages too. */
  readonly keyed: number;
}
interface Page {
  readonly size: number;
  readonly cells: number;
  readonly type: "internal" | "leaf" | "overflow";
}

/** Pages between two looks at the clock. */
const pagesPerLook = 1000;

function measure({ file, withinMs, last }: Required<SizeOptions>): StoreSize {
  const until = performance.now() + withinMs;
  const db = openReader(file);
  try {
    const number = (sql: string) => Number(Object.values(db.prepare(sql).get() ?? {})[0]);
    const pageBytes = number("pragma page_size");
    const bytes = number("pragma page_count") * pageBytes;
    const freeBytes = number("pragma freelist_count") * pageBytes;
    const trees = db
      .prepare(
        `select s.name, s.tbl_name as "table", s.type, coalesce(l.wr, 0) as keyed from sqlite_schema s
         left join pragma_table_list l on l.name = s.tbl_name and l.schema = 'main' where s.rootpage > 0 and s.type in ('table', 'index')`,
      )
      .all() as unknown as Tree[];
    trees.push({ name: "sqlite_schema", table: "sqlite_schema", type: "table", keyed: 0 });
    const isLast = ({ table }: Tree) => Number(last.includes(table));
    trees.sort((a, b) => isLast(a) - isLast(b));
    const pages = db.prepare("select pgsize as size, ncell as cells, pagetype as type from dbstat where name = ?");
    const tables = new Map<string, { rows: number; bytes: number; indexBytes: number }>();
    let seen = 0;
    for (const { name, table, type, keyed } of trees) {
      const sizes = tables.get(table) ?? { rows: 0, bytes: 0, indexBytes: 0 };
      tables.set(table, sizes);
      let looked = 0;
      for (const page of pages.iterate(name) as Iterable<unknown> as Iterable<Page>) {
        if (looked++ % pagesPerLook === 0 && performance.now() > until) break;
        seen += page.size;
        if (type === "index") sizes.indexBytes += page.size;
        else {
          sizes.bytes += page.size;
          if (page.type === "leaf" || keyed === 1) sizes.rows += page.cells;
        }
      }
    }
    return {
      bytes,
      journalBytes: statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0,
      freeBytes,
      tables: [...tables]
        .map(([name, sizes]) => ({ name, ...sizes }))
        .sort((a, b) => b.bytes + b.indexBytes - a.bytes - a.indexBytes),
      // The database may have grown meanwhile.
      leftBytes: performance.now() > until ? Math.max(0, bytes - freeBytes - seen) : 0,
    };
  } finally {
    db.close();
  }
}

parentPort?.postMessage(measure(workerData as Required<SizeOptions>));
