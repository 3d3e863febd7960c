/** An operator's edit that is told as a patch: the input that the parked step of a run is called with instead. */
import { failure } from "../errors.ts";
import type { Json } from "../operation.ts";
import type { BulkAct } from "./acts.ts";
import type { Engine, OperatorAct, RunDetail } from "./engine.ts";

/**
 * The act for this run. A patch is applied to what the step that it asks about was sent last; of a run that asks about none nothing can be edited, which
 * is refused where the act is looked at.
 */
export function actFor(run: RunDetail, act: BulkAct, value: Engine["value"]): OperatorAct {
  if (act.kind !== "edit" || !("patch" in act)) return act;
  const step = run.steps.find(({ n }) => n !== undefined && n === run.parked?.n);
  const reference = step?.inputReference;
  const sent =
    step?.editedInput ?? (reference === undefined ? step?.input : (value(run.id, reference.hash) as Json | undefined));
  // Without what it was sent, the patch would be all that the call gets.
  if (step !== undefined && sent === undefined)
    throw failure("value-unreadable", { place: `the input of ${step.id}`, reason: "some of its history is damaged" });
  return { kind: "edit", input: patched(sent ?? null, act.patch) };
}

/** JSON Merge Patch (RFC 7396): `null` takes a member away, a list replaces the whole list. */
function patched(target: Json, patch: Json): Json {
  if (!isObject(patch)) return patch;
  const members = new Map(isObject(target) ? Object.entries(target) : []);
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) members.delete(name);
    else members.set(name, patched(members.get(name) ?? null, value));
  }
  return Object.fromEntries(members);
}

function isObject(value: Json): value is { readonly [name: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
