/**
 * The watch: compares each system's live contract with its pin by a schedule, takes what systems say of operations that end, and keeps
 * both as open items. It never changes a contract: that is a commit.
 */
import { channel } from "node:diagnostics_channel";
import { type Clock, realClock } from "../../clock.ts";
import type { Deprecation } from "../../connectors/deprecation.ts";
import type { ResolvedSettings, SystemDefinition } from "../../connectors/system.ts";
import { type ContractModel, contractHash } from "../../contract/model.ts";
import { failure } from "../../errors.ts";
import type { Command, Store } from "../../store/store.ts";
import { type ContractItem, openContractBook } from "./book.ts";
import { judgedInWords } from "./changes.ts";
import type { Look, LookTask } from "./look.ts";
import { lookInThread } from "./look-thread.ts";

export interface ContractView {
  readonly system: string;
  readonly language: string;
  /** SHA-256 of `contract.json`. */
  readonly hash: string;
  readonly url?: string;
  /** Of the last look; `new`: it was not looked at yet. */
  readonly state: string;
  readonly lookedAt?: number;
}

export interface ContractWatch {
  contracts(): readonly ContractView[];
  items(): readonly ContractItem[];
  /** Looks now, at one system or at all, one after another. Throws `admin-unknown`. */
  look(system?: string): Promise<void>;
  /** Closes an item by hand. Throws `admin-unknown`. */
  close(item: Pick<ContractItem, "system" | "kind" | "operation">, alongside: readonly Command[]): Promise<void>;
  stop(): Promise<void>;
}

export interface WatchOptions {
  readonly systems: ReadonlyMap<string, SystemDefinition>;
  readonly settings: ReadonlyMap<string, ResolvedSettings>;
  readonly project: string;
  readonly store: Pick<Store, "submit" | "read">;
  /** Milliseconds between two looks at a system; 0: none. */
  readonly everyMs: number;
  /** Something went wrong in the background. */
  readonly failed: (error: unknown) => void;
  /** Tells of a look that found something. */
  readonly found: (system: string, words: string) => void;
  /** Default: the real one. */
  readonly clock?: Clock;
  /** Default: in a thread. */
  readonly look?: (task: LookTask, signal: AbortSignal) => Promise<Look>;
}

/** How often it is seen whether a look is due. */
const beatMs = 60_000;
/** An operation that nobody has called for so long says nothing about today. */
const forgetMs = 180 * 86_400_000;

const deprecations = channel("mortise:connectors:deprecated");

export function watchContracts(options: WatchOptions): ContractWatch {
  const { systems, settings, everyMs, clock = realClock } = options;
  const book = openContractBook(options.store);
  const stopping = new AbortController();
  let work: Promise<void> = Promise.resolve();
  /** A contract of megabytes is hashed once. */
  const hashes = new WeakMap<ContractModel, string>();
  const hashOf = (contract: ContractModel): string => {
    const hash = hashes.get(contract) ?? contractHash(contract);
    hashes.set(contract, hash);
    return hash;
  };

  async function lookAt({ name, contract }: SystemDefinition): Promise<void> {
    if (stopping.signal.aborted) return;
    const before = book.last(name);
    const task: LookTask = {
      pinned: contract,
      settings: settings.get(name),
      project: options.project,
      // What the pin is by now, the validators of an older one say nothing about.
      validators: before?.state.endsWith(hashOf(contract)) === true ? before.validators : [],
    };
    const seen = await (options.look ?? lookInThread)(task, stopping.signal);
    if (stopping.signal.aborted) return;
    const state = `${seen.state} ${hashOf(contract)}`;
    if (seen.state === "unmodified") {
      await book.looked({ system: name, state, validators: "[]", unmodified: true });
      return;
    }
    const validators = JSON.stringify("validators" in seen ? seen.validators : []);
    const item = itemOf(seen);
    await book.looked({ system: name, state, validators, ...(item === undefined ? {} : { item }) });
    if (seen.state === "changed") options.found(name, judgedInWords(seen.judged, seen.changes));
    if (seen.state === "unreadable") options.found(name, seen.reason);
  }

  /** One at a time, whoever asks: a look costs memory. */
  function queue(due: () => readonly SystemDefinition[]): Promise<void> {
    const next = work.then(async () => {
      for (const definition of due()) await lookAt(definition);
    });
    work = next.catch(() => {});
    return next;
  }

  const beat = () => {
    const now = clock.now();
    stopTimer = clock.later(beatMs, beat, true);
    const due = () => [...systems.values()].filter(({ name }) => (book.last(name)?.at ?? 0) + everyMs <= now);
    queue(due)
      .then(() => book.forget(now - forgetMs))
      .catch((error: unknown) => {
        if (!stopping.signal.aborted) options.failed(error);
      });
  };
  let stopTimer = everyMs > 0 ? clock.later(beatMs, beat, true) : () => {};

  /** Of the front's own calls, and of those of the workers, which tell the front. */
  const told = (fact: unknown) => {
    const { system, operation, ...detail } = fact as Deprecation;
    book.deprecated({ system, operation, detail: JSON.stringify(detail) }).catch((error: unknown) => {
      if (!stopping.signal.aborted) options.failed(error);
    });
  };
  deprecations.subscribe(told);

  return {
    contracts: () =>
      [...systems.values()].map(({ name, contract }) => {
        const last = book.last(name);
        const hash = hashOf(contract);
        const current = last?.state.endsWith(hash) === true;
        const { language, url } = contract.source;
        return {
          system: name,
          language,
          hash,
          ...(url === undefined ? {} : { url }),
          state: last === undefined || !current ? "new" : last.state.split(" ")[0]!,
          ...(last === undefined ? {} : { lookedAt: last.at }),
        };
      }),
    items: book.items,
    look(system) {
      const definition = system === undefined ? undefined : systems.get(system);
      if (system !== undefined && definition === undefined)
        return Promise.reject(failure("admin-unknown", { what: "such system" }));
      return queue(() => (definition === undefined ? [...systems.values()] : [definition]));
    },
    async close(item, alongside) {
      const there = book
        .items()
        .some((one) => one.system === item.system && one.kind === item.kind && one.operation === item.operation);
      if (!there) throw failure("admin-unknown", { what: "such item" });
      await book.close(item, alongside);
    },
    async stop() {
      stopping.abort();
      stopTimer();
      deprecations.unsubscribe(told);
      await work;
    },
  };
}

function itemOf(seen: Look): { readonly kind: "changed" | "unreadable"; readonly detail: string } | undefined {
  if (seen.state === "changed") {
    const { changes, judged } = seen;
    return { kind: "changed", detail: JSON.stringify({ words: judgedInWords(judged, changes), changes, ...judged }) };
  }
  if (seen.state === "unreadable")
    return { kind: "unreadable", detail: JSON.stringify({ code: seen.code, words: seen.reason }) };
  return undefined;
}
