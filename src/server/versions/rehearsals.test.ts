import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import type { RunningServer } from "../server.ts";
import { type Answer, admin, place, processText, send, setUp, until } from "./test-versions.ts";

/** Starts a rehearsal and waits for its end. */
async function rehearsal(server: RunningServer, body: object = {}): Promise<Answer["body"]> {
  const started = await admin(server, "/rehearsals", body);
  assert.equal(started.status, 202, JSON.stringify(started.body));
  return until(async () => {
    const { body: now } = await admin(server, `/rehearsals/${started.body.id}`);
    return now.state === "running" ? undefined : now;
  });
}

async function waiting(server: RunningServer, keys: readonly string[]): Promise<void> {
  for (const order of keys) assert.equal((await place(server, { order })).status, 202);
  await until(async () => {
    const { tasks } = (await admin(server, "/tasks")).body;
    return tasks.length === keys.length ? tasks : undefined;
  });
}

const runOf = async (server: RunningServer, key: string): Promise<Answer["body"]> => {
  const [{ id }] = (await admin(server, `/runs?key=${key}`)).body.runs;
  return (await admin(server, `/runs/${id}`)).body;
};
const ended = (server: RunningServer, key: string) =>
  until(async () => {
    const run = await runOf(server, key);
    return run.status === "completed" ? run : undefined;
  });

/** A local step that leaves a trace when it is performed. */
const traced = (name: string) => `await flow.step("${name}", { effect: "idempotent" }, async () => {
    const { appendFileSync } = await import("node:fs");
    appendFileSync(new URL(["..", "..", "..", "..", "trace"].join("/"), import.meta.url), input.order + " ${name}\\n"); return 1; });`;

test("the code in the folder is rehearsed on every open run: who continues, and where the others part, with the line; then those are moved", async (t) => {
  const { project, start } = setUp(t, { "processes/order.ts": processText("one", { first: traced("reserve") }) });
  const server = await start();
  await waiting(server, ["o-1", "o-2", "o-3"]);
  const trace = () => readFileSync(join(project.folder, "trace"), "utf8");
  const before = trace();
  project.write({
    "processes/order.ts": processText("two", {
      first: `${traced("reserve")}
        if (input.order === "o-2") ${traced("pack")}`,
    }),
  });
  const found = await rehearsal(server);
  assert.deepEqual([found.state, found.continues, found.diverges, found.stops], ["done", 2, 1, 0]);
  const [point] = found.points;
  assert.deepEqual([point.process, point.kind, point.at, point.runs], ["order", "diverges", "approve", 1]);
  assert.match(point.message, /asks for task approve next, and the code asks for step pack/);
  assert.match(point.place, /^processes\/order\.ts:\d+$/);
  assert.deepEqual([point.example.key, point.example.recorded.id, point.example.asked.id], ["o-2", "approve", "pack"]);
  const { runs } = (await admin(server, `/rehearsals/${found.id}/runs`)).body;
  assert.deepEqual(
    runs.map(({ key, verdict, comes }: Record<string, string>) => [key, verdict, comes]),
    [
      ["o-1", "continues", "steps"],
      ["o-2", "diverges", undefined],
      ["o-3", "continues", "steps"],
    ],
  );
  assert.deepEqual(runs[0].next, [{ step: "task approve", fresh: false }]);
  // Nothing was performed.
  assert.equal(trace(), before);

  const move = (body: object) => admin(server, "/runs/move", { reason: "mended", ...body });
  assert.equal((await move({ to: found.version })).body.code, "version-unknown");
  const { body: deployed } = await admin(server, "/versions", { promote: true, reason: "r" });
  assert.equal(deployed.version, found.version);
  const { body: moved } = await move({ to: deployed.version });
  assert.deepEqual(moved.moved.map(({ key }: { key: string }) => key).sort(), ["o-1", "o-3"]);
  assert.deepEqual(
    moved.refused.map(({ key, code }: { key: string; code: string }) => [key, code]),
    [["o-2", "run-diverges"]],
  );
  const { tasks } = (await admin(server, "/tasks")).body;
  for (const { id } of tasks) await admin(server, `/tasks/${id}/answer`, { answer: true });
  const marks = await Promise.all(["o-1", "o-2", "o-3"].map((key) => ended(server, key)));
  assert.deepEqual(
    marks.map(({ output, version }) => [output.mark, version === deployed.version]),
    [
      ["two", true],
      ["one", false],
      ["two", true],
    ],
  );
  assert.match(JSON.stringify(marks[0].steps), /local: mended \(from code version/);
  // Steps that were done are not done again.
  assert.equal(trace(), before);
});

test("fix and go on: a run whose code threw goes on with the mended version, and is not repeated", async (t) => {
  const bug = `${traced("reserve")} if (input.order === "o-1") throw new TypeError("no rate");`;
  const { project, start } = setUp(t, { "processes/order.ts": processText("one", { first: bug }) });
  const server = await start();
  await place(server, { order: "o-1" });
  const parked = await until(async () => {
    const run = await runOf(server, "o-1");
    return run.status === "parked" ? run : undefined;
  });
  assert.equal(parked.parked.code, "process-threw");
  assert.match(parked.parked.at, /^processes\/order\.ts:\d+$/);
  project.write({ "processes/order.ts": processText("two", { first: traced("reserve") }) });
  const { version: to } = (await admin(server, "/versions", { promote: true, reason: "r" })).body;
  const run = parked.id as string;
  const untried = (await admin(server, "/runs/move", { to, run, reason: "m" })).body;
  assert.equal(untried.refused[0].code, "run-not-rehearsed");
  assert.equal((await rehearsal(server, { version: to, run })).continues, 1);
  assert.deepEqual((await admin(server, "/runs/move", { to, run, reason: "m" })).body.moved, [
    { run, key: "o-1", goesOn: true },
  ]);
  const [task] = await until(async () => {
    const { tasks } = (await admin(server, "/tasks")).body;
    return tasks.length === 1 ? tasks : undefined;
  });
  await admin(server, `/tasks/${task.id}/answer`, { answer: true });
  assert.equal((await ended(server, "o-1")).output.mark, "two");
  assert.equal(readFileSync(join(project.folder, "trace"), "utf8"), "o-1 reserve\n");
});

test("code that ends its thread stops that run in the rehearsal, and the others are rehearsed all the same", async (t) => {
  const { project, start } = setUp(t);
  const server = await start();
  await waiting(server, ["o-1", "o-2", "o-3"]);
  project.write({ "processes/order.ts": processText("two", { first: `if (input.order === "o-2") process.exit(7);` }) });
  const found = await rehearsal(server);
  assert.deepEqual([found.state, found.continues, found.stops], ["done", 2, 1]);
  assert.equal(found.points[0].at, "process-quarantined");
  assert.equal((await place(server, { order: "o-4" })).status, 202);
});

test("what is sensitive in a run is masked in what a rehearsal shows of it", async (t) => {
  const more = `sensitive: ["input.order"],`;
  const { project, start } = setUp(t, {
    "processes/order.ts": processText("one", { task: "{ card: input.order }", more }),
  });
  const server = await start();
  // Digits alone also stand in times and in ids.
  await waiting(server, ["card-NCC1701"]);
  const found = await rehearsal(server);
  assert.equal(found.continues, 1);
  project.write({
    "processes/order.ts": processText("two", {
      task: "{ card: input.order }",
      first: `if (input.order !== "") throw new Error("card " + input.order + " is refused");`,
      more,
    }),
  });
  const stopped = await rehearsal(server);
  const { runs } = (await admin(server, `/rehearsals/${stopped.id}/runs`)).body;
  project.write({
    "processes/order.ts": processText("three", { task: "{ card: input.order, again: input.order + 1 }", more }),
  });
  const diverged = await rehearsal(server);
  assert.deepEqual([stopped.stops + stopped.diverges, diverged.diverges], [1, 1]);
  assert.match(JSON.stringify(diverged.points[0].example.asked), /"card":"•••"/);
  assert.doesNotMatch(JSON.stringify([stopped, runs, diverged]), /NCC1701/);
});

test("an operator rehearses what is deployed; code that nobody deployed is rehearsed by an admin alone", async (t) => {
  const { start } = setUp(t);
  const server = await start();
  const { body } = await admin(server, "/tokens", { name: "op", role: "operator" });
  const headers = { authorization: `Bearer ${body.token}` };
  assert.equal((await send(`${server.adminUrl}/rehearsals`, headers, {})).status, 403);
  const known = await send(`${server.adminUrl}/rehearsals`, headers, { version: server.version });
  assert.equal(known.status, 202);
  const other = await send(`${server.adminUrl}/rehearsals`, headers, { version: "0".repeat(32) });
  assert.equal(other.body.code, "version-unknown");
});

test("1,000 runs in flight, two deployments and a rollback under load, and a stop: every one ends on the code on which it began", {
  timeout: 240_000,
}, async (t) => {
  const { project, start } = setUp(t);
  const one = await start();
  const versions = [one.version];
  const total = 1000;
  let accepted = 0;
  let next = 0;
  let quota = 250;
  const client = async (): Promise<void> => {
    while (next < total) {
      if (next >= quota) {
        await new Promise((resolve) => setTimeout(resolve, 1));
        continue;
      }
      const answer = await place(one, { order: `o-${next++}` });
      assert.equal(answer.status, 202, JSON.stringify(answer.body));
      accepted += 1;
    }
  };
  /** While it is done 125 orders come in, and after it another 125. */
  const underLoad = async (act: () => Promise<unknown>): Promise<void> => {
    await until(async () => (accepted >= quota ? true : undefined));
    quota += 125;
    await act();
    quota += 125;
  };
  const deploy = async (mark: string): Promise<void> => {
    project.write({ "processes/order.ts": processText(mark) });
    versions.push((await admin(one, "/versions", { promote: true, reason: "r" })).body.version);
  };
  const acts = async (): Promise<void> => {
    await underLoad(() => deploy("two"));
    await underLoad(() => deploy("three"));
    await underLoad(async () =>
      assert.equal((await admin(one, "/rollback", { reason: "r" })).body.version, versions[1]),
    );
  };
  await Promise.all([acts(), ...Array.from({ length: 8 }, client)]);
  assert.equal(new Set(versions).size, 3);
  await one.stop();

  const two = await start();
  const marks: Readonly<Record<string, string>> = Object.fromEntries(
    versions.map((version, index) => [version, ["one", "two", "three"][index] as string]),
  );
  for (let answered = 0; answered < total; ) {
    const { tasks } = (await admin(two, "/tasks")).body;
    for (const { id } of tasks) {
      const { status } = await admin(two, `/tasks/${id}/answer`, { answer: true });
      if (status === 200) answered += 1;
    }
  }
  const counted = new Map<string, number>();
  for (let before: string | undefined; ; ) {
    const query = before === undefined ? "" : `&before=${before}`;
    const { runs, next: more } = (await admin(two, `/runs?limit=500${query}`)).body;
    for (const { id, version } of runs) {
      const run = await until(async () => {
        const { body } = await admin(two, `/runs/${id}`);
        return body.status === "completed" ? body : undefined;
      });
      assert.equal(run.output.mark, marks[version]);
      counted.set(version, (counted.get(version) ?? 0) + 1);
    }
    if (more === null) break;
    before = more;
  }
  assert.equal(
    [...counted.values()].reduce((sum, count) => sum + count, 0),
    total,
  );
  assert.equal(counted.size, 3);
  assert.ok(existsSync(join(project.folder, ".mortise/versions", versions[1] as string)));
});
