/** Test seam of the operators' acts: rigs that are ended after each test, and calls that end when the test says. */
import assert from "node:assert/strict";
import { afterEach } from "node:test";
import type { Json } from "../../operation.ts";
import { type AnyProcess, defineProcess } from "../define.ts";
import type { Actor, OperatorAct } from "../engine.ts";
import { anything, type Behaviour, type Rig, remove, rig } from "./engine-harness.ts";

export const anna: Actor = { by: "anna", reason: "the ERP is being moved" };

const rigs: Rig[] = [];
const folders = new Set<string>();

/** To be called once in a test file. */
export function endRigs(): void {
  afterEach(async () => {
    for (const one of rigs.splice(0)) await one.stop();
    for (const folder of folders) remove(folder);
    folders.clear();
  });
}

export type RigOptions = Parameters<typeof rig>[0];

export async function open(options: RigOptions): Promise<Rig> {
  const one = await rig(options);
  rigs.push(one);
  folders.add(one.folder);
  return one;
}

/** Ends the rig, and starts another one on its store. */
export async function restarted(one: Rig, options: RigOptions): Promise<Rig> {
  rigs.splice(rigs.indexOf(one), 1);
  await one.stop();
  return open({ ...options, folder: one.folder });
}

export function processOf(run: AnyProcess["run"], more: Partial<AnyProcess> = {}): AnyProcess {
  return defineProcess({ name: "p", input: anything, key: () => "k", run, ...more });
}

export async function begin({ engine }: Rig, key = "k", input: Json = null, process = "p"): Promise<string> {
  const answer = await engine.start({ process, key, input, origin: "test" });
  assert.equal(answer.kind, "started");
  return (answer as { run: string }).run;
}

export const act = (
  { engine }: Rig,
  run: string,
  kind: OperatorAct["kind"] | OperatorAct,
): Promise<{ readonly run: string }> =>
  engine.operate(run, (typeof kind === "string" ? { kind } : kind) as OperatorAct, anna);

/** An operation's behaviour that waits for `open`; `begun` says that the call has come. */
export function gate(result: Json): { readonly behaviour: Behaviour; readonly begun: Promise<void>; open(): void } {
  const begun = Promise.withResolvers<void>();
  const opened = Promise.withResolvers<void>();
  return {
    begun: begun.promise,
    open: opened.resolve,
    async behaviour() {
      begun.resolve();
      await opened.promise;
      return result;
    },
  };
}
