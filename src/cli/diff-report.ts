/** A comparison for people: on a terminal, or as Markdown for a review. */
import type { Verdict } from "../contract/compare/finding.ts";
import type { OverriddenComparison, OverriddenFinding } from "../contract/compare/overrides.ts";
import { exampleInWords, findingInWords } from "../contract/compare/words.ts";
import { count, printable, type Style, type Terminal } from "./terminal.ts";

const order: readonly Verdict[] = ["breaking", "review", "safe"];
const titles: Readonly<Record<Verdict, string>> = { breaking: "Breaking", review: "Needs review", safe: "Safe" };
const colours: Readonly<Record<Verdict, Style>> = { breaking: "red", review: "yellow", safe: "green" };

/** `breaking: 2, needs review: 0, safe: 5`. */
export function summaryOf({ findings }: OverriddenComparison): Readonly<Record<Verdict, number>> {
  const of = (verdict: Verdict): number => findings.filter((each) => each.verdict === verdict).length;
  return { breaking: of("breaking"), review: of("review"), safe: of("safe") };
}

export function printComparison(terminal: Terminal, comparison: OverriddenComparison): void {
  const { findings, unused } = comparison;
  if (findings.length === 0) terminal.line("nothing changed for anybody who calls it");
  for (const verdict of order) {
    const here = findings.filter((each) => each.verdict === verdict);
    if (here.length === 0) continue;
    terminal.line(terminal.paint(colours[verdict], `${titles[verdict]}: ${here.length}`));
    const { told, rest } = shortened(here);
    for (const finding of told) {
      terminal.line(`  ${printable(findingInWords(finding))}`);
      for (const line of detailsOf(finding)) terminal.line(terminal.paint("dim", `    ${printable(line)}`));
    }
    for (const line of rest) terminal.line(`  ${line}`);
    terminal.line();
  }
  for (const { rule, at = "anywhere", owner } of unused)
    terminal.line(terminal.paint("yellow", `an override of ${owner} met nothing: ${rule} at ${at}`));
  const { breaking, review, safe } = summaryOf(comparison);
  terminal.line(`${count(breaking, "breaking change")}, ${review} for review, ${safe} safe`);
}

/** Findings of one rule and one verdict that are told one by one. */
const mostOfRule = 50;

function shortened<T extends OverriddenFinding>(
  findings: readonly T[],
): { readonly told: readonly T[]; readonly rest: readonly string[] } {
  const counts = new Map<string, number>();
  const told = findings.filter(({ rule }) => {
    const seen = (counts.get(rule) ?? 0) + 1;
    counts.set(rule, seen);
    return seen <= mostOfRule;
  });
  const rest = [...counts]
    .filter(([, seen]) => seen > mostOfRule)
    .map(([rule, seen]) => `and ${seen - mostOfRule} more by the rule ${rule}; --json tells all of them`);
  return { told, rest };
}

/** What is said below it: the value that fails, other places, overrides. */
export function detailsOf(finding: OverriddenFinding): string[] {
  const { example, also, more = 0, override, expired } = finding;
  const lines = example === undefined ? [] : [exampleInWords(example)];
  const others = also.length + more;
  if (others > 0) lines.push(`also at ${also.slice(0, 3).join("; ")}${others > 3 ? ` and ${others - 3} more` : ""}`);
  if (override !== undefined)
    lines.push(`${override.was} by itself; ${override.owner} decided until ${override.expires}: ${override.reason}`);
  if (expired !== undefined)
    lines.push(`the override of ${expired.owner} ended on ${expired.expires} and counts no more: ${expired.reason}`);
  return lines;
}

export function markdownOf(comparison: OverriddenComparison, old: string, now: string): string {
  const { breaking, review, safe } = summaryOf(comparison);
  const lines = [
    `## Contract changes: ${inline(old)} to ${inline(now)}`,
    "",
    `${count(breaking, "breaking change")}, ${review} for review, ${safe} safe.`,
  ];
  for (const verdict of order) {
    const here = comparison.findings.filter((each) => each.verdict === verdict);
    if (here.length === 0) continue;
    lines.push("", `### ${titles[verdict]}`, "");
    const { told, rest } = shortened(here);
    for (const finding of told) {
      const { at, reason, rule } = finding;
      lines.push(`- ${at === "" ? "" : `**${escaped(at)}**: `}${escaped(reason)} (\`${rule}\`)`);
      for (const line of detailsOf(finding)) lines.push(`  - ${inline(line)}`);
    }
    for (const line of rest) lines.push(`- ${line}`);
  }
  return `${lines.join("\n")}\n`;
}

/** Text of a contract is untrusted: it stays text. */
export function escaped(text: string): string {
  return text.replace(/[\\`*_{}[\]<>|#]/g, (mark) => `\\${mark}`).replace(/\s+/g, " ");
}

function inline(text: string): string {
  const flat = text.replace(/\s+/g, " ");
  const longest = Math.max(0, ...[...flat.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  return longest === 0 ? `\`${flat}\`` : `${fence} ${flat} ${fence}`;
}
