/** The commands about versions of contracts. */
import type { Command } from "commander";
import type { Leaf } from "./program-versions.ts";

export function diffCommand(program: Command, leaf: Leaf): void {
  leaf(
    program,
    "diff <old> <new>",
    "compare two versions of a contract: files, URLs, systems of the project, or files at a git revision",
    [
      "mortise diff erp ./erp-2027.wsdl",
      "mortise diff HEAD~1:systems/shop/openapi.yaml systems/shop/openapi.yaml --markdown",
      "mortise diff erp https://erp.example.com/orders?wsdl --overrides contract-overrides.json --json",
    ],
    async () => (await import("./commands/diff.ts")).diff,
  )
    .option("--markdown", "print Markdown, for a review")
    .option("--overrides <file>", "what owners have decided about findings, until when (JSON)")
    .option("--internal", "allow a private or loopback address in a URL")
    .option("--root <folder>", "folder that the contracts' imports may reach (default: each one's own)")
    .addHelpText(
      "after",
      "\nEnds with 0 if nothing breaks, with 3 if something does, with 5 if something needs a review.",
    );
}
