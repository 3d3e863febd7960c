/** What an error of SQLite says about the disk and the file. */

const sqliteFull = 13;
/** There is no space; SQLite takes the transaction back. */
export function isFull(error: unknown): boolean {
  return (error as { errcode?: unknown }).errcode === sqliteFull;
}

/** SQLITE_IOERR 10, CORRUPT 11, FULL 13, CANTOPEN 14, NOTADB 26, READONLY 8, NOMEM 7: the disk or the file is not to be trusted. */
const fatal = new Set([7, 8, 10, 11, 13, 14, 26]);
export function isFatal(error: unknown): boolean {
  const code = (error as { errcode?: unknown }).errcode;
  return typeof code === "number" && fatal.has(code & 0xff);
}
