/** What `mortise check` finds. */
export interface Finding {
  /** `error`: must be mended. `warning`: probably a mistake; fails with `--strict`. */
  readonly level: "error" | "warning";
  /** Stable; docs/reference/cli.md says what each means. */
  readonly rule: Rule;
  /** Relative to the project; absent: the project as a whole. */
  readonly file?: string;
  readonly line?: number;
  readonly message: string;
}

export const rules = [
  "contract-changed",
  "contract-stale",
  "contract-unreadable",
  "project",
  "type",
  "types-skipped",
  "foreign",
  "probe-missing",
  "system-unused",
  "process-unreachable",
  "requirement-missing",
  "requirement-unknown",
  "sensitive-in-clear",
  "requirement-system",
  "published-contract",
  "unpublished",
] as const;
export type Rule = (typeof rules)[number];
