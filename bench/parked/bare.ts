/** The baseline: a process that reads the rows of every parked run, with their histories, and ends. Prints how many it read. */
import { DatabaseSync } from "node:sqlite";

const db = new DatabaseSync(process.argv[2] as string, { readOnly: true });
const histories = db.prepare("select body from history where run = ? order by seq");
let rows = 0;
for (const { number } of db.prepare("select * from runs where status = 'parked'").iterate() as Iterable<{
  number: number;
}>) {
  rows += 1 + histories.all(number).length;
}
db.close();
process.stdout.write(`${rows}\n`);
