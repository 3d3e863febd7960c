/**
 * What Mortise runs on, checked at start. A SQLite with the WAL-reset race can lose commits, so it is refused; a Node with a known
 * hole is named, and used.
 */
import { setFlagsFromString } from "node:v8";
import { failure } from "../errors.ts";

export interface Runtime {
  /** Such as `24.22.1`. */
  readonly node: string;
  readonly sqlite: string;
}

/** The versions this process runs on. */
const ownRuntime: Runtime = { node: process.versions.node, sqlite: process.versions.sqlite ?? "0.0.0" };

/** First Node of each line without the holes of the release of 2026-10-21 (CVE-2026-111497 and others). A line is a major version. */
const soundNodes: readonly (readonly number[])[] = [
  [24, 22, 1],
  [26, 12, 1],
];

/**
 * The WAL-reset race (two connections and a checkpoint: corruption, or lost commits) was in SQLite up to 3.51.2; mended in 3.51.3, and
 * in 3.50.7 and 3.44.6. A line is a minor version.
 */
const soundSqlites: readonly (readonly number[])[] = [
  [3, 44, 6],
  [3, 50, 7],
  [3, 51, 3],
];

/**
 * Lets the heaps of threads that start from here on grow to 128 MiB before their old generation is collected, and begin with a young
 * generation as large as a busy one gets. Most of what a run needs is garbage soon; small heaps were collected several times a
 * second, and what was under way just then was copied each time: a seventh of all CPU time (npm run bench -- w1).
 * Those are only read when a heap is made, so that they are safe to set while this thread runs. The third is for this thread too:
 * after 8 s of rest V8 shrinks its young generation to 1 MiB and then doubled it seldom, since little survives: each of the next
 * hundreds of collections moved what was under way (npm run bench -- w2, with rests between its rounds).
 */
export function tuneThreads(): void {
  setFlagsFromString("--initial-heap-size=128");
  setFlagsFromString("--min-semi-space-size=16");
  setFlagsFromString("--semi-space-growth-factor=16");
}

/** What to know about it, as sentences. Throws `runtime-too-old`. */
export function checkRuntime({ node, sqlite }: Runtime = ownRuntime): readonly string[] {
  const own = numbers(node);
  if ((own[0] ?? 0) < 24) {
    throw failure("runtime-too-old", { what: "Node", found: node, reason: "it is too old", wanted: "Node 24.22.1" });
  }
  if (!isSound(numbers(sqlite), soundSqlites, 2)) {
    const reason = "a race in its write-ahead log can lose commits";
    throw failure("runtime-too-old", { what: "SQLite", found: sqlite, reason, wanted: "a Node with SQLite 3.51.3" });
  }
  if (isSound(own, soundNodes, 1)) return [];
  const line = soundNodes.find(([major]) => major === own[0]) ?? soundNodes.at(-1);
  return [
    `Node ${node} lacks the security fixes of ${line?.join(".")}. What that means, and when to change it, stands in Mortise's own SECURITY.md, in its package: node_modules/mortise/SECURITY.md, under "Supply chain".`,
  ];
}

/** Sound: a mended version of its own line, or newer than all lines that are known. Lines differ in their first `depth` numbers. */
function isSound(version: readonly number[], sound: readonly (readonly number[])[], depth: number): boolean {
  const newest = sound.at(-1) as readonly number[];
  if (compare(version, newest) >= 0) return true;
  return sound.some(
    (first) => compare(version.slice(0, depth), first.slice(0, depth)) === 0 && compare(version, first) >= 0,
  );
}

function numbers(version: string): readonly number[] {
  return version.split(/[.-]/).slice(0, 3).map(Number);
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (let at = 0; at < Math.max(a.length, b.length); at += 1) {
    const difference = (a[at] ?? 0) - (b[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
