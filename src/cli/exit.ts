/** Exit codes of the command line; docs/reference/cli.md lists them. */
export const exit = Object.freeze({
  done: 0,
  /** It failed; the error says why. */
  failed: 1,
  /** The command was typed wrongly. */
  usage: 2,
  /**
   * `check` or `types --check` found something that must be mended, `diff` or `publish` a change that breaks, `upgrade` one that breaks
   * what is used.
   */
  found: 3,
  /** No running server was reached. */
  unreachable: 4,
  /** `diff`, `publish`, `upgrade`: nothing breaks for sure, and something can't be decided. */
  review: 5,
});
