/** Which options of the configuration a reload puts in force, and which only a restart does. */
import type { Config } from "../project/config.ts";

const taken: readonly string[] = ["api.certificate", "api.key", "secrets", "versions", "lifecycle.minimumNotice"];

/** Options whose values differ, as `api.port`. */
export function configChanges(before: Config, after: Config): readonly string[] {
  return differing(before as unknown as Tree, after as unknown as Tree, "");
}

/** A port that speaks TLS goes on doing so; whether it does is a matter of the start. */
export function takenWithoutRestart(option: string): boolean {
  return taken.includes(option);
}

interface Tree {
  readonly [name: string]: unknown;
}

function differing(before: Tree, after: Tree, at: string): readonly string[] {
  return Object.keys(before).flatMap((name) => {
    const [one, other] = [before[name], after[name]];
    if (isTree(one) && isTree(other)) return differing(one, other, `${at}${name}.`);
    return JSON.stringify(one) === JSON.stringify(other) ? [] : [at + name];
  });
}

function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null;
}
