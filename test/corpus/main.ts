/**
 * `npm run corpus -- DIR ... [--json] [--docs] [--jobs N] [--seconds N]`: takes every contract below a folder, and says of each whether it is read,
 * generated, called on a fake and compiled, or why not. Exits with 1 where one is not whole. `--docs` writes the table into
 * docs/reference/contracts.md.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { isWhole, type Row, runCorpus, type Summary } from "./corpus.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: "boolean", default: false },
    docs: { type: "boolean", default: false },
    jobs: { type: "string", default: String(availableParallelism()) },
    seconds: { type: "string", default: "60" },
    memory: { type: "string", default: "2048" },
  },
});
const [folder] = positionals;
if (folder === undefined || !existsSync(folder)) {
  process.stderr.write("usage: npm run corpus -- DIR ... [--json] [--docs] [--jobs N] [--seconds N] [--memory MB]\n");
  process.exit(2);
}

const head = ["contract", "kind", "operations", "events", "called", "read", "generated", "compiled", "seconds"];

const { rows, summary } = await runCorpus(positionals, {
  jobs: Number(values.jobs),
  seconds: Number(values.seconds),
  memoryMb: Number(values.memory),
});
if (values.json) for (const one of [...rows, summary]) process.stdout.write(`${JSON.stringify(one)}\n`);
else process.stdout.write(table(rows, summary));
if (values.docs) writeDocs(rows, summary);
process.exitCode = summary.whole === summary.total ? 0 : 1;

function cells(row: Row): readonly string[] {
  const mark = (done: boolean) => (done ? "yes" : "no");
  const called = row.called === null ? "–" : String(row.called);
  const { file, kind, operations, events, read, generated, compiled, seconds } = row;
  return [
    file,
    kind,
    String(operations),
    String(events),
    called,
    mark(read),
    mark(generated),
    mark(compiled),
    seconds.toFixed(2),
  ];
}

function table(all: readonly Row[], total: Summary): string {
  const lines = [head, ...all.map(cells)];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  const text = lines.map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join("  ")
      .trimEnd(),
  );
  const reasons = all.filter((row) => row.reason !== null).map(({ file, reason }) => `${file}: ${reason}`);
  return `${[...text, "", ...reasons, ...(reasons.length > 0 ? [""] : []), inWords(total)].join("\n")}\n`;
}

function inWords({ total, whole, kinds, seconds }: Summary): string {
  const each = Object.entries(kinds).map(([kind, one]) => `${kind} ${one.whole} of ${one.total}`);
  return `${whole} of ${total} whole (${each.join(", ")}), in ${seconds} s`;
}

/** Between two marks of the page; times differ from run to run and stay out. */
function writeDocs(all: readonly Row[], total: Summary): void {
  const page = fileURLToPath(new URL("../../docs/reference/contracts.md", import.meta.url));
  const text = readFileSync(page, "utf8");
  const columns = head.slice(0, -1);
  const row = (line: readonly string[]) => `| ${line.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  const body = all.map((one) => row(cells(one).slice(0, -1)));
  const reasons = all
    .filter((one) => !isWhole(one))
    .map(({ file, reason }) => `- \`${file}\`: ${reason ?? "not every operation was called"}`);
  const whole = Object.entries(total.kinds).map(([kind, one]) => `${one.whole} of ${one.total} ${kind}`);
  const made = [
    `${total.whole} of ${total.total} contracts are whole: ${whole.join(", ")}.`,
    "",
    row(columns),
    row(columns.map(() => "---")),
    ...body,
    ...(reasons.length === 0 ? [] : ["", "Not whole, and why:", "", ...reasons]),
  ].join("\n");
  const [start, end] = ["<!-- corpus -->", "<!-- /corpus -->"];
  const [before, after] = [text.indexOf(start), text.indexOf(end)];
  if (before < 0 || after < before) throw new Error(`${page} has no ${start} ... ${end}`);
  writeFileSync(page, `${text.slice(0, before + start.length)}\n${made}\n${text.slice(after)}`);
}
