/**
 * Runs and tasks as people may see them (P8): sensitive fields are masked by their paths, and so is every other text of the same run
 * in which such a value stands, since a process carries values on from one step to the next.
 */
import type { SystemDefinition } from "../../connectors/system.ts";
import { eachHidden, type Mask, maskAt, masked, pathsBelow, unchanged } from "../../contract/mask.ts";
import type { Json } from "../../operation.ts";
import type { AnyProcess } from "../../process/define.ts";
import {
  type Engine,
  finalStatuses,
  type RunDetail,
  type RunSummary,
  type StepView,
  type TaskView,
  type ValueReference,
} from "../../process/engine.ts";
import type { Project } from "../project/project.ts";

export interface Masking {
  run(run: RunDetail): RunDetail;
  /** The value that a run names by its hash; `undefined` where it names none such. */
  value(run: RunDetail, hash: string): Json | undefined;
  /** A run in a list: its key and reason may repeat what is sensitive in it. `whole` is looked up only where that can be. */
  summary(run: RunSummary, whole: () => RunDetail | undefined): RunSummary;
  /** `run`: the run that asks; what is sensitive in it is masked in the task too. */
  task(task: TaskView, run: RunDetail | undefined): TaskView;
  /** Something that is told of a run: texts in it may repeat what is sensitive in the run. `whole` is looked up only where that can be. */
  told<T>(value: T, whole: () => RunDetail | undefined): T;
}

/** Runs of a family that are looked through, at most. */
const relatives = 20;
/** Shorter values are masked at their own place only: as part of other texts they would mean nothing. */
const shortest = 4;

/**
 * `load`: values that runs only name; what is sensitive in one is masked elsewhere in its run too. `runOf` finds a run by its id: what is
 * sensitive in a run is masked in its parent and in its children too.
 */
export function createMasking(
  project: Pick<Project, "systems" | "processes">,
  load: Engine["value"],
  runOf: (run: string) => RunDetail | undefined = () => undefined,
): Masking {
  const masks = new Map<string, Mask>();
  const anySensitive = [...project.systems.values(), ...project.processes.values()].some(
    (one) => (sensitiveOf(one)?.length ?? 0) > 0,
  );
  /** The mask of `erp.createOrder.input`, `carrier.shipped` or `order-to-cash.output`. */
  const maskOf = (owner: string, paths: readonly string[] | undefined, place: string): Mask => {
    const name = `${owner} ${place}`;
    const known = masks.get(name) ?? maskAt(pathsBelow(paths ?? [], place));
    masks.set(name, known);
    return known;
  };

  function ofStep(step: StepView, side: "input" | "output"): Mask {
    if (step.kind === "child")
      return maskOf(step.operation ?? "", project.processes.get(step.operation ?? "")?.sensitive, side);
    const [system = "", ...rest] = (step.operation ?? "").split(".");
    const paths = project.systems.get(system)?.settings.sensitive;
    const name = rest.join(".");
    return maskOf(system, paths, step.kind === "receive" ? name : `${name}.${side}`);
  }

  /** Of a divergence: the code may ask for a call, or a child, with what the history does not hold. */
  function sidesOf(
    { recorded, asked }: NonNullable<RunDetail["parked"]>,
    hide: (value: Json | undefined, mask: Mask) => Json | undefined,
  ): { readonly recorded?: Json; readonly asked?: Json } {
    const side = (given: Json | undefined): Json | undefined => {
      const { operation, process, input } = (given ?? {}) as { readonly [member: string]: Json | undefined };
      let mask: Mask;
      if (typeof process === "string") mask = maskOf(process, project.processes.get(process)?.sensitive, "input");
      else if (typeof operation === "string") {
        const [system = "", ...rest] = operation.split(".");
        mask = maskOf(system, project.systems.get(system)?.settings.sensitive, `${rest.join(".")}.input`);
      } else return given;
      if (input === undefined) return given;
      return { ...(given as Readonly<Record<string, Json>>), input: hide(input, mask) as Json };
    };
    return {
      ...(recorded === undefined ? {} : { recorded: side(recorded) as Json }),
      ...(asked === undefined ? {} : { asked: side(asked) as Json }),
    };
  }

  /** Where the run only names a value, with the mask of the place. */
  function placesOf(run: RunDetail): (readonly [ValueReference | undefined, Mask])[] {
    const process = project.processes.get(run.process);
    const { system = "", name = "" } = process?.on ?? {};
    return [
      [run.inputReference, maskOf(system, project.systems.get(system)?.settings.sensitive, name)],
      [run.inputReference, maskOf(run.process, process?.sensitive, "input")],
      [run.outputReference, maskOf(run.process, process?.sensitive, "output")],
      ...run.steps.flatMap((step): (readonly [ValueReference | undefined, Mask])[] => [
        [step.inputReference, ofStep(step, "input")],
        [step.outputReference, ofStep(step, "output")],
      ]),
    ];
  }

  /** Masks by path, and collects what was masked. */
  function prepare(
    run: RunDetail,
    values = new Set<string>(),
    seen = new Set([run.id]),
  ): { readonly run: RunDetail; readonly values: ReadonlySet<string> } {
    if (anySensitive) {
      // A child that completed gives its output only, which is masked by its paths.
      const failed = (run.children ?? []).filter(({ status }) => finalStatuses.has(status) && status !== "completed");
      for (const id of [run.parent, ...failed.map((child) => child.run)]) {
        if (id === undefined || seen.has(id) || seen.size > relatives) continue;
        seen.add(id);
        const relative = runOf(id);
        if (relative !== undefined) prepare(relative, values, seen);
      }
    }
    const process = project.processes.get(run.process);
    const sensitive = process?.sensitive;
    const hide = (value: Json | undefined, mask: Mask): Json | undefined => {
      if (value === undefined) return undefined;
      const hidden = mask(value);
      collect(value, hidden, values);
      return hidden;
    };
    const look = (reference: ValueReference | undefined, mask: Mask): void => {
      if (reference === undefined || mask === unchanged) return;
      const value = load(run.id, reference.hash);
      if (value !== undefined) collect(value, mask(value), values);
    };
    for (const [reference, mask] of placesOf(run)) look(reference, mask);
    const fields = maskOf(run.process, sensitive, "log");
    const steps = run.steps.map((step) => ({
      ...step,
      ...(step.input === undefined ? {} : { input: hide(step.input, ofStep(step, "input")) as Json }),
      ...(step.editedInput === undefined ? {} : { editedInput: hide(step.editedInput, ofStep(step, "input")) as Json }),
      ...(step.output === undefined
        ? {}
        : { output: hide(step.output, step.kind === "log" ? fields : ofStep(step, "output")) as Json }),
    }));
    // The input of a process that an event starts is that event.
    const { system = "", name = "" } = process?.on ?? {};
    const asEvent = hide(run.input, maskOf(system, project.systems.get(system)?.settings.sensitive, name)) as Json;
    const input = hide(asEvent, maskOf(run.process, sensitive, "input")) as Json;
    const output = hide(run.output, maskOf(run.process, sensitive, "output"));
    const parked = run.parked && { ...run.parked, ...sidesOf(run.parked, hide) };
    const state = hide(run.state, maskOf(run.process, sensitive, "state"));
    const more = {
      ...(state === undefined ? {} : { state }),
      ...(output === undefined ? {} : { output }),
      ...(parked === undefined ? {} : { parked }),
    };
    return { run: { ...run, steps, input, ...more }, values };
  }

  return {
    run(given) {
      const { run, values } = prepare(given);
      return values.size === 0 ? run : (scrub(run as unknown as Json, values) as unknown as RunDetail);
    },
    value(given, hash) {
      const places = placesOf(given).filter(([reference]) => reference?.hash === hash);
      const value = places.length === 0 ? undefined : load(given.id, hash);
      if (value === undefined) return undefined;
      const { values } = prepare(given);
      const shown = places.reduce((before, [, mask]) => mask(before), value);
      return values.size === 0 ? shown : scrub(shown, values);
    },
    summary(given, whole) {
      const detail = anySensitive ? whole() : undefined;
      if (detail === undefined) return given;
      const { values } = prepare(detail);
      return values.size === 0 ? given : (scrub(given as unknown as Json, values) as unknown as RunSummary);
    },
    task(task, run) {
      if (run === undefined) return task;
      const { values } = prepare(run);
      return values.size === 0 ? task : { ...task, input: scrub(task.input, values) };
    },
    told(value, whole) {
      const detail = anySensitive ? whole() : undefined;
      if (detail === undefined) return value;
      const { values } = prepare(detail);
      return values.size === 0 ? value : (scrub(value as Json, values) as typeof value);
    },
  };
}

function sensitiveOf(one: SystemDefinition | AnyProcess): readonly string[] | undefined {
  return "settings" in one ? one.settings.sensitive : one.sensitive;
}

/** Every text and number of `before` that was masked in `after`, unless it is too short to be looked for. */
function collect(before: Json, after: Json, values: Set<string>): void {
  eachHidden(before, after, (value) => {
    const text = String(value);
    if (text.length >= shortest) values.add(text);
  });
}

function scrub(value: Json, values: ReadonlySet<string>): Json {
  if (typeof value === "string") {
    let text = value;
    for (const hidden of values) if (text.includes(hidden)) text = text.replaceAll(hidden, masked);
    return text;
  }
  if (typeof value === "number") return values.has(String(value)) ? masked : value;
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((inner: Json) => scrub(inner, values));
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, scrub(inner, values)]));
}
