/** The impact of a new contract version, for people. */
import type { Verdict } from "../../contract/compare/finding.ts";
import { findingInWords } from "../../contract/compare/words.ts";
import { detailsOf } from "../diff-report.ts";
import { count, printable, type Style, type Terminal } from "../terminal.ts";
import type { Impact, JudgedFinding, Touch } from "./impact.ts";
import type { OpenRuns } from "./open-runs.ts";

const titles: Readonly<Record<Verdict, string>> = {
  breaking: "Breaks what you use",
  review: "Needs a look, where you use it",
  safe: "Safe",
};
const colours: Readonly<Record<Verdict, Style>> = { breaking: "red", review: "yellow", safe: "green" };
/** Lines of one finding; the others are counted. */
const mostLines = 12;

export function printImpact(terminal: Terminal, { findings, unusedOverrides }: Impact, all = false): void {
  if (findings.length === 0) terminal.line("nothing changed for anybody who calls it");
  for (const verdict of ["breaking", "review"] as const) {
    const here = findings.filter((each) => each.verdict === verdict && !each.unused);
    if (here.length === 0) continue;
    terminal.line(terminal.paint(colours[verdict], `${titles[verdict]}: ${here.length}`));
    for (const finding of here) printFinding(terminal, finding);
    terminal.line();
  }
  const unused = findings.filter(({ verdict, unused: none }) => verdict !== "safe" && none);
  if (unused.length > 0) {
    terminal.line(`Nothing of yours uses it, so it does not block: ${unused.length}`);
    for (const finding of all ? unused : unused.slice(0, mostLines))
      terminal.line(terminal.paint("dim", `  ${finding.verdict.padEnd(8)}  ${printable(findingInWords(finding))}`));
    if (!all && unused.length > mostLines)
      terminal.line(terminal.paint("dim", `  and ${unused.length - mostLines} more; --json lists them`));
    terminal.line();
  }
  const safe = findings.filter(({ verdict }) => verdict === "safe");
  if (safe.length > 0) {
    terminal.line(terminal.paint("green", `Safe: ${safe.length}`));
    for (const finding of safe.slice(0, mostLines)) {
      terminal.line(terminal.paint("dim", `  ${printable(findingInWords(finding))}`));
      // On the wire nothing changes; in the code every line that has the old name does.
      if (finding.rule === "operation-renamed")
        for (const touches of byLine(finding.touches).slice(0, mostLines))
          terminal.line(`    ${touched(terminal, touches)}`);
    }
    if (safe.length > mostLines)
      terminal.line(terminal.paint("dim", `  and ${safe.length - mostLines} more; --json lists them`));
    terminal.line();
  }
  for (const { rule, at = "anywhere", owner } of unusedOverrides)
    terminal.line(terminal.paint("yellow", `an override of ${owner} met nothing: ${rule} at ${at}`));
}

function printFinding(terminal: Terminal, finding: JudgedFinding): void {
  terminal.line(`  ${printable(findingInWords(finding))}`);
  for (const line of detailsOf(finding)) terminal.line(terminal.paint("dim", `    ${printable(line)}`));
  const lines = byLine(finding.touches);
  for (const touches of lines.slice(0, mostLines)) terminal.line(`    ${touched(terminal, touches)}`);
  if (lines.length > mostLines) terminal.line(terminal.paint("dim", `    and ${lines.length - mostLines} more places`));
  if (finding.touches.length === 0) terminal.line(terminal.paint("dim", "    it is about the contract as a whole"));
}

/** What is touched in one line, in one way: the same type may be seen from many operations. */
function byLine(touches: readonly Touch[]): readonly (readonly [Touch, ...Touch[]])[] {
  const lines = new Map<string, [Touch, ...Touch[]]>();
  for (const touch of touches) {
    const key = `${touch.file}:${touch.line} ${touch.how}`;
    const here = lines.get(key);
    if (here === undefined) lines.set(key, [touch]);
    else here.push(touch);
  }
  return [...lines.values()];
}

function touched(terminal: Terminal, touches: readonly [Touch, ...Touch[]]): string {
  const { file, line, what, how, why, by } = touches[0];
  const place = terminal.paint("bold", line === undefined ? file : `${file}:${line}`);
  const others = by.filter((entry) => entry !== file).map(plain);
  const said = how === "reads" || how === "writes" ? `${how} ${what}` : `${what} ${why ?? "is used"}`;
  const more = touches.length > 1 ? terminal.paint("dim", `, and ${touches.length - 1} more`) : "";
  return `${place}  ${printable(said)}${more}${others.length === 0 ? "" : terminal.paint("dim", `  for ${others.join(", ")}`)}`;
}

/** `processes/order-to-cash.ts` is called order-to-cash. */
function plain(entry: string): string {
  return entry
    .replace(/^(processes|apis|schedules)\//, "")
    .replace(/^systems\/([^/]+)\/.*$/, "$1")
    .replace(/\.ts$/, "");
}

export function printRuns(terminal: Terminal, { runs, more, from, note }: OpenRuns): void {
  if (runs.length > 0) {
    terminal.line(
      terminal.paint("yellow", `Open runs: ${runs.length}${more ? " or more" : ""}`) +
        ", which go on with the contract that they began with",
    );
    terminal.table(
      ["run", "process", "key", "status", ""],
      runs
        .slice(0, 20)
        .map(({ id, process, key, status, called, code }) => [
          id,
          process,
          key,
          status,
          [
            ...(called.length === 0 ? [] : [`called ${called.join(", ")}`]),
            ...(code.length === 0 ? [] : [`its code calls ${code.join(", ")}`]),
          ].join("; "),
        ]),
    );
    if (runs.length > 20) terminal.line(terminal.paint("dim", `and ${runs.length - 20} more; --json lists them`));
  }
  if (note !== undefined) terminal.line(terminal.paint("dim", `${from === "store" ? "Runs: " : ""}${note}`));
  if (runs.length > 0 || note !== undefined) terminal.line();
}

/** `1 breaking change and 2 for review in what you use; 3 that nothing uses`. */
export function summaryLine({ findings }: Impact): string {
  const of = (verdict: Verdict, unused: boolean) =>
    findings.filter((each) => each.verdict === verdict && each.unused === unused).length;
  const unused = of("breaking", true) + of("review", true);
  return [
    `${count(of("breaking", false), "breaking change")}, ${of("review", false)} for review in what you use`,
    ...(unused === 0 ? [] : [`${unused} in what nothing uses`]),
    `${of("safe", false) + of("safe", true)} safe`,
  ].join(", ");
}
