/** A requirement: a stated business or technical need, as typed data. `mortise check` finds processes without one. */
import { type Duration, isDuration, milliseconds } from "../operation.ts";

/** Who may see the data of a process, from least to most guarded. */
export type Classification = "public" | "internal" | "confidential" | "restricted";

/** What `defineRequirement` takes. */
export interface RequirementOptions {
  /** Name of the process, as in `defineProcess`. */
  readonly process: string;
  /** What the business gets from it, in a sentence. */
  readonly purpose: string;
  /** Who decides about it: a person or a team. */
  readonly owner: string;
  /** The systems it touches, and what each of them is the source of truth for (an empty list: it only takes part). */
  readonly systems: { readonly [system: string]: { readonly sourceOfTruthFor: readonly string[] } };
  /** How many runs are expected. */
  readonly volume: { readonly runs: number; readonly per: "minute" | "hour" | "day"; readonly peak?: number };
  /** How long a run may take from start to end, and for how many percent of the runs. */
  readonly turnaround: { readonly within: Duration; readonly percent: number };
  readonly data: { readonly classification: Classification; readonly personal: boolean };
}

export interface Requirement extends RequirementOptions {
  readonly kind: "requirement";
}

const classes: readonly string[] = ["public", "internal", "confidential", "restricted"] satisfies Classification[];

/** States a requirement. Throws a `TypeError` that names the field which does not fit. */
export function defineRequirement(options: RequirementOptions): Requirement {
  const must = (fits: boolean, field: string, form: string) => {
    if (!fits) throw new TypeError(`requirement of "${String(options.process)}": ${field} must be ${form}`);
  };
  for (const field of ["process", "purpose", "owner"] as const) {
    must(typeof options[field] === "string" && options[field].trim() !== "", field, "text, and not empty");
  }
  for (const [name, system] of Object.entries(options.systems)) {
    must(Array.isArray(system.sourceOfTruthFor), `systems.${name}.sourceOfTruthFor`, "a list");
  }
  const { volume, turnaround, data } = options;
  must(volume.runs > 0 && Number.isFinite(volume.runs), "volume.runs", "a number above 0");
  must(["minute", "hour", "day"].includes(volume.per), "volume.per", '"minute", "hour" or "day"');
  must(volume.peak === undefined || volume.peak >= volume.runs, "volume.peak", "at least volume.runs");
  must(turnaround.percent > 0 && turnaround.percent <= 100, "turnaround.percent", "above 0 and at most 100");
  must(
    isDuration(turnaround.within) && milliseconds(turnaround.within) > 0,
    "turnaround.within",
    'a duration, such as "2h"',
  );
  must(classes.includes(data.classification), "data.classification", classes.join(", "));
  return Object.freeze({ ...options, kind: "requirement" });
}
