/**
 * Pairs of contracts with the verdict of the project that wrote them: a folder per case with `base.*`, `revision.*` and
 * `expected.txt`, whose line `verdict:` is breaking, warning, compatible or identical.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { compareContracts } from "../../src/contract/compare/compare.ts";
import type { Comparison, Finding, Verdict } from "../../src/contract/compare/finding.ts";
import { readContract } from "../../src/contract/read/read-contract.ts";
import { openSource } from "../../src/contract/read/source.ts";
import { asMortiseError } from "../../src/errors.ts";
import { rulingFor } from "./rulings.ts";

export type Theirs = "breaking" | "warning" | "compatible" | "identical";

export interface Judged {
  readonly case: string;
  /** `unreadable`: one of the two is refused by the reader. */
  readonly verdict: Verdict | "unreadable";
  readonly theirs: Theirs;
  readonly agree: boolean;
  /** Why we hold otherwise: the id of a ruling in docs/reference/contract-rulings.md. */
  readonly ruling?: string;
  /** What decided, or why it could not be read. */
  readonly findings: readonly Pick<Finding, "rule" | "verdict" | "side" | "at" | "reason" | "example">[];
}

const same: Readonly<Record<Theirs, Verdict>> = {
  breaking: "breaking",
  warning: "review",
  compatible: "safe",
  identical: "safe",
};

export function casesIn(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && readdirSync(join(folder, entry.name)).includes("expected.txt"))
    .map(({ name }) => name)
    .sort();
}

export async function judge(folder: string, name: string): Promise<Judged> {
  const at = join(folder, name);
  const expected = readFileSync(join(at, "expected.txt"), "utf8");
  const line = (key: string): string => new RegExp(`^${key}:\\s*(.*)$`, "m").exec(expected)?.[1]?.trim() ?? "";
  const theirs = line("verdict") as Theirs;
  if (!Object.hasOwn(same, theirs)) throw new Error(`${at}/expected.txt has no verdict that is known`);
  let compared: Comparison;
  try {
    const old = await read(at, "base");
    compared = compareContracts(old, await read(at, "revision"));
  } catch (error) {
    const { message } = asMortiseError(error);
    const finding = { rule: "unreadable", verdict: "review", side: "contract", at: "", reason: message } as const;
    const ruling = rulingFor("unreadable", theirs, [finding]);
    return {
      case: name,
      verdict: "unreadable",
      theirs,
      agree: false,
      ...(ruling ? { ruling } : {}),
      findings: [finding],
    };
  }
  const { verdict, findings } = compared;
  // "It may break" and a value that shows that it does are no contradiction.
  const shown =
    theirs === "warning" && findings.some((each) => each.verdict === "breaking" && each.example?.proven === true);
  const agree = same[theirs] === verdict || (shown && verdict === "breaking");
  const ruling = agree ? undefined : rulingFor(verdict, theirs, findings);
  return {
    case: name,
    verdict,
    theirs,
    agree,
    ...(ruling === undefined ? {} : { ruling }),
    findings: findings.map(({ also: _, ...finding }) => finding),
  };
}

async function read(folder: string, name: string) {
  const file = readdirSync(folder).find((each) => each.startsWith(`${name}.`));
  if (file === undefined) throw new Error(`${folder} has no ${name}`);
  return readContract(await openSource(join(folder, file)), "pair");
}
