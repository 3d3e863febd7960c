/** What a rule about contracts is, and what it looks at. */
import type { Json, JsonSchema } from "../../../operation.ts";
import type { ContractModel, EventModel, OperationModel } from "../../model.ts";
import type { RefusesUnnamed } from "../checked.ts";
import type { Example, Side, Verdict } from "../finding.ts";
import { type Proof, refusal } from "../prove.ts";
import { unchangedNames } from "../schema/same.ts";
import { valuesOf } from "../schema/values.ts";
import { Walk, type Work } from "../schema/walk.ts";
import { View, type ViewKind } from "../view.ts";

/** One change, before those of the same named schema are put together. */
export interface Found {
  readonly rule: string;
  readonly verdict: Verdict;
  readonly side: Side;
  /** The operation or event. */
  readonly member: string;
  /** Where in it: `query limit`, `request`, `output`; empty: as a whole. */
  readonly place: string;
  /** Steps from there: names of properties, `*` for items and for properties of any name. Absent: none. */
  readonly path?: readonly string[];
  /** Properties of the object at the path that it is about; absent: what stands there itself. */
  readonly about?: readonly string[];
  readonly reason: string;
  readonly example?: Example;
  /** The named schema that it lies in, and where in it. */
  readonly named?: string;
}

export interface OperationPair {
  readonly name: string;
  readonly old: OperationModel;
  readonly now: OperationModel;
}
export interface EventPair {
  readonly name: string;
  readonly old: EventModel;
  readonly now: EventModel;
}

export interface Rule {
  /** Stable ids, documented in docs/reference/contract-changes.md. */
  readonly ids: readonly string[];
  contract?(both: Both): Iterable<Found>;
  operation?(both: Both, pair: OperationPair): Iterable<Found>;
  event?(both: Both, pair: EventPair): Iterable<Found>;
}

/** Two versions of one contract. */
export class Both {
  readonly old: ContractModel;
  readonly now: ContractModel;
  readonly operations: readonly OperationPair[];
  readonly events: readonly EventPair[];
  /** What was proven of changes of named schemas: the same change is seen from many places. */
  readonly proofs = new Map<string, Proof>();
  readonly work: Work;
  /** Of requests, where it is known who serves them. */
  readonly refusesUnnamed: RefusesUnnamed | undefined;
  readonly #unchanged = new Map<ViewKind, ReadonlySet<string>>();
  readonly #walks = new Map<string, Walk>();

  constructor(
    old: ContractModel,
    now: ContractModel,
    operations: readonly OperationPair[],
    work: Work = { steps: 0, tries: 0 },
    refusesUnnamed?: RefusesUnnamed,
  ) {
    this.work = work;
    this.refusesUnnamed = refusesUnnamed;
    this.old = old;
    this.now = now;
    this.operations = operations;
    this.events = Object.values(old.events).flatMap((event) => {
      const found = Object.hasOwn(now.events, event.name) ? now.events[event.name] : undefined;
      return found === undefined ? [] : [{ name: event.name, old: event, now: found }];
    });
  }

  /** Both sides' named schemas and those that say the same in both. */
  views(kind: ViewKind): { readonly old: View; readonly now: View; readonly unchanged: ReadonlySet<string> } {
    const old = View.of(this.old, kind);
    const now = View.of(this.now, kind);
    let unchanged = this.#unchanged.get(kind);
    if (unchanged === undefined) {
      unchanged = unchangedNames(old.definitions, now.definitions);
      this.#unchanged.set(kind, unchanged);
    }
    return { old, now, unchanged };
  }

  /** What is given in that direction against what is taken; `back`: the other way round. */
  walk(kind: ViewKind, back: boolean): Walk {
    const key = `${kind} ${back}`;
    const known = this.#walks.get(key);
    if (known !== undefined) return known;
    const { old, now, unchanged } = this.views(kind);
    const [giver, taker] = (kind === "request") === back ? [now, old] : [old, now];
    const forgetful = kind === "request" && !back;
    const walk = new Walk(giver.definitions, taker.definitions, { forgetful, unchanged, work: this.work });
    this.#walks.set(key, walk);
    return walk;
  }

  /** An input that the old version took and the new one refuses; failing that, one that the old version took. */
  refusedInput({ old, now }: OperationPair, wanted: (input: Json) => boolean = () => true): Example | undefined {
    const views = this.views("request");
    const giver = { schema: views.old.of(old.input), definitions: views.old.definitions };
    const taker = { schema: views.now.of(now.input), definitions: views.now.definitions };
    let some: Json | undefined;
    for (const value of valuesOf(giver.schema, giver.definitions)) {
      if (!wanted(value) || refusal(value, giver) !== undefined) continue;
      some ??= value;
      const why = refusal(value, taker);
      if (why !== undefined) return { value, proven: true, refusal: why };
    }
    return some === undefined ? undefined : { value: some, proven: false };
  }

  /** A value of a schema of one version, as an example that no validator has to refuse. */
  sample(which: "old" | "now", schema: JsonSchema, kind: ViewKind): Example | undefined {
    const view = this.views(kind)[which];
    const [value] = valuesOf(view.of(schema), view.definitions);
    return value === undefined ? undefined : { value, proven: false };
  }
}
