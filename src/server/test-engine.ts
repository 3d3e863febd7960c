/** For tests of this room: an engine that keeps what it was asked, in memory. The real one is tested in src/process/. */
import { failure } from "../errors.ts";
import type { Engine, RunDetail, TaskView } from "../process/engine.ts";

export interface TestEngine extends Engine {
  readonly asked: readonly (readonly [string, unknown])[];
}

export function testEngine(runs: readonly RunDetail[] = [], tasks: readonly TaskView[] = []): TestEngine {
  const asked: [string, unknown][] = [];
  const deliveries = new Set<string>();
  const started = new Map<string, string>();
  return {
    asked,
    start: async (command) => {
      asked.push(["start", command]);
      const key = `${command.process} ${command.key}`;
      const there = started.get(key);
      if (there !== undefined) {
        if (there !== JSON.stringify(command.input)) {
          throw failure("run-key-conflict", { process: command.process, key: command.key, run: "r" });
        }
        return { kind: "exists", run: `run-${command.key}`, status: "running" };
      }
      started.set(key, JSON.stringify(command.input));
      return { kind: "started", run: `run-${command.key}` };
    },
    signal: async (command) => {
      asked.push(["signal", command]);
      if (deliveries.has(command.delivery)) return "duplicate";
      deliveries.add(command.delivery);
      return "kept";
    },
    answer: async (...given) => void asked.push(["answer", given]),
    operate: async (run, operation, actor) => {
      asked.push(["operate", { run, operation, actor }]);
      const found = runs.find(({ id }) => id === run);
      if (found?.status === "completed") throw failure("run-ended", { run, status: found.status });
      return { run };
    },
    value: () => undefined,
    settled: async () => runs[0] as RunDetail,
    run: (id) => runs.find((run) => run.id === id),
    runByKey: (process, key) => runs.find((run) => run.process === process && run.key === key),
    mark: (process, key) => runs.find((run) => run.process === process && run.key === key)?.status,
    runs: ({ status, limit = 50 }) =>
      runs.filter((run) => status === undefined || run.status === status).slice(0, limit),
    tasks: ({ status, run, id }) =>
      tasks.filter(
        (task) =>
          (status === undefined || task.status === status) &&
          (run === undefined || task.run === run) &&
          (id === undefined || task.id === id),
      ),
    causes: () => [],
    preview: (_, { kind }) => ({ act: kind, possible: true, happens: "", mayDouble: [], undoes: [], stays: [] }),
    bulkPreview: () => unused(),
    bulk: () => unused(),
    bulkJobs: () => [],
    bulkJob: () => unused(),
    bulkStop: () => unused(),
    counts: () => runs.map(({ process, version, status }) => ({ process, version, status, runs: 1 })),
    stop: async () => {},
  };
}

/** A run for `testEngine`. */
export function testRun(id: string, status: RunDetail["status"]): RunDetail {
  const facts = {
    process: "booking",
    key: `key-${id}`,
    version: "v1",
    origin: "api:orders",
    createdAt: 1,
    updatedAt: 2,
  };
  return { id, status, ...facts, input: { card: "4111" }, steps: [] };
}

function unused(): never {
  throw new Error("no test asks for it");
}
