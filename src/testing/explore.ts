/**
 * Explores what can happen to a process: puts one fault at each point of its course, then two, and judges every history by invariants. The
 * course is the real engine's; the same options give the same histories.
 */
import { failure } from "../errors.ts";
import type { AnyProcess, ProcessDefinition } from "../process/define.ts";
import type { Outside } from "./outside.ts";
import type { TestRun } from "./run.ts";
import { type Played, play } from "./scenario.ts";
import type { TestWorld } from "./test-world.ts";

/** What an invariant sees when a history is over. */
export interface Facts<O = unknown> {
  readonly world: TestWorld;
  readonly run: TestRun<O>;
}
/** Broken if it gives `false` or throws (an assertion). */
export type Invariant<O = unknown> = (facts: Facts<O>) => unknown;

export interface ExploreOptions<I, O> {
  readonly input: I;
  /** Fakes every operation that the process may call, undo and probes too. Called for each history: what a fake remembers, it remembers in here. */
  readonly fakes: (world: TestWorld) => void;
  /** `comes(...)` and `decides(...)`. */
  readonly outside?: readonly Outside[];
  /** What must hold once the run has ended, by name: `"captured if and only if shipped"`. */
  readonly invariants?: Readonly<Record<string, Invariant<O>>>;
  /** What must hold as well where the run stays parked, or waits for what never comes. */
  readonly always?: Readonly<Record<string, Invariant<O>>>;
  /** Histories with two faults, spread evenly over all that there are. Default 200; 0: none. */
  readonly pairs?: number;
  /** This one history, as a failure names it. */
  readonly only?: readonly string[];
  /** Other processes that take part. */
  readonly processes?: readonly AnyProcess[];
  /** What the clock shows at the beginning. */
  readonly now?: string | number;
}

/** What was explored. */
export interface Explored {
  readonly histories: number;
  /** Points at which something can go wrong, in the history without faults. */
  readonly points: number;
  /** Histories by the status in which the run came to rest. */
  readonly ended: Readonly<Record<string, number>>;
  /** Histories in which it stays parked, by the question's code. */
  readonly parked: Readonly<Record<string, number>>;
  /** Histories with two faults that there are; `pairs` of them were tried. */
  readonly pairsThereAre: number;
}

/**
 * Tries every single fault, then pairs. Besides the invariants that are given, these hold always: no effect twice under one key, nothing
 * is sent before its intent is on disk, every run ends or visibly waits, what is undone is undone wholly. Rejects with `explore-failed`; its
 * message tells the shortest history that breaks something, and how to play it alone.
 */
export async function explore<I, O>(
  process: ProcessDefinition<I, O>,
  options: NoInfer<ExploreOptions<I, O>>,
): Promise<Explored> {
  const tally = new Tally(process.name);
  if (options.only !== undefined) {
    tally.add(await play(process, options, options.only));
    tally.judge();
    return tally.explored(0, 0);
  }
  const plain = await play(process, options, []);
  tally.add(plain);
  tally.judge();
  const singles: Played[] = [];
  for (const fault of faultsAfter(plain, -1)) {
    const played = await play(process, options, [fault]);
    tally.add(played);
    singles.push(played);
  }
  tally.judge();
  const pairs = singles.flatMap((played) => {
    const [first = ""] = played.faults;
    const at = played.points.findIndex(({ name }) => first.startsWith(`${name}: `));
    return faultsAfter(played, at).map((second) => [first, second]);
  });
  for (const pair of spread(pairs, options.pairs ?? 200)) tally.add(await play(process, options, pair));
  tally.judge();
  return tally.explored(plain.points.length, pairs.length);
}

/** All that can be put at the points behind that one. */
function faultsAfter({ points }: Played, at: number): string[] {
  return points.slice(at + 1).flatMap(({ name, faults }) => faults.map((fault) => `${name}: ${fault}`));
}

function spread<T>(all: readonly T[], wanted: number): T[] {
  if (all.length <= wanted) return [...all];
  return Array.from({ length: wanted }, (_, index) => all[Math.floor((index * all.length) / wanted)] as T);
}

class Tally {
  readonly #process: string;
  readonly #ended: Record<string, number> = {};
  readonly #parked: Record<string, number> = {};
  readonly #failing: Played[] = [];
  #histories = 0;

  constructor(process: string) {
    this.#process = process;
  }

  add(played: Played): void {
    this.#histories += 1;
    const { status = "none", question } = played;
    this.#ended[status] = (this.#ended[status] ?? 0) + 1;
    if (question !== undefined) this.#parked[question] = (this.#parked[question] ?? 0) + 1;
    if (played.broken.length > 0) this.#failing.push(played);
  }

  /** Throws if a history broke something. */
  judge(): void {
    const [first, ...rest] = this.#failing;
    if (first === undefined) return;
    const shortest = rest.reduce((best, one) => (one.story.length < best.story.length ? one : best), first);
    throw failure("explore-failed", {
      process: this.#process,
      story: told(shortest, this.#failing.length, this.#histories),
    });
  }

  explored(points: number, pairsThereAre: number): Explored {
    return {
      histories: this.#histories,
      points,
      ended: { ...this.#ended },
      parked: { ...this.#parked },
      pairsThereAre,
    };
  }
}

function told({ broken, faults, story, ledger }: Played, failing: number, histories: number): string {
  const books = ledger
    .filter(({ acted }) => acted)
    .map(({ operation, key, output }) => `    ${operation} under ${key}: ${JSON.stringify(output)}`);
  return [
    ...broken.map((one) => `  broken: ${one}`),
    `  ${failing} of ${histories} histories break something; this is the shortest:`,
    "",
    story.text(),
    "",
    "  What the systems' books show:",
    ...(books.length === 0 ? ["    nothing"] : books),
    "",
    `  To play it alone, add to the options of explore: only: ${JSON.stringify(faults)}`,
  ].join("\n");
}
