/**
 * Prometheus metrics, from what the rooms publish. Labels are bounded: names from contracts and definitions, statuses, classes;
 * never a business key, a consumer or a path. Beyond 500 sets of labels, a metric counts the rest under `other`.
 */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";
import type { ChannelName, Fact } from "./facts.ts";
import { histogram } from "./histogram.ts";
import { labelSets } from "./label-sets.ts";
import { statusClass } from "./outbound-counts.ts";

/** What is read when a page of metrics is made. */
export interface MetricSources {
  /** Open runs and ended ones that are still kept. */
  readonly runs: () => readonly { readonly process: string; readonly status: string; readonly runs: number }[];
  readonly openTasks: () => number;
  readonly systems: () => readonly string[];
  /** Those of them that count as away. */
  readonly away: () => readonly string[];
}

export interface Metrics {
  /** The page, and its content type. */
  page(): Promise<{ readonly type: string; readonly text: string }>;
  close(): void;
}

export function createMetrics(sources: MetricSources): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];

  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[]) => {
    const sets = labelSets(labelNames);
    new Counter({
      name,
      help,
      labelNames: [...labelNames],
      registers,
      // What was counted since the last page: to find its place there for each request cost more than the rest of counting.
      collect() {
        for (const set of sets.seen()) {
          this.inc(set.labels, set.sum);
          set.sum = 0;
        }
      },
    });
    return (fact: Fact, by = 1) => {
      sets.of(fact).sum += by;
    };
  };
  const durations = <L extends string>(name: string, help: string, labelNames: readonly L[], bounds: number[]) => {
    const observe = histogram(registry, { name, help, labelNames, bounds });
    return (fact: Fact) => {
      if (typeof fact.durationMs === "number") observe(fact, fact.durationMs / 1000);
    };
  };
  const quick = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
  const slow = [0.1, 0.5, 1, 5, 15, 60, 300, 1800, 7200, 43_200, 172_800, 604_800];

  const runs = counter("mortise_runs_settled_total", "Runs that ended or parked.", ["process", "status"]);
  const runTime = durations("mortise_run_seconds", "Time from start to end of a run.", ["process", "status"], slow);
  const attempts = counter(
    "mortise_attempts_total",
    "Attempts of steps; the outcome is ok, or class and outcome of the failure.",
    ["operation", "outcome"],
  );
  const attemptTime = counter("mortise_attempt_seconds_total", "Time of these attempts together.", [
    "operation",
    "outcome",
  ]);
  const requests = counter("mortise_api_requests_total", "Requests to published APIs.", ["api", "operation", "class"]);
  const requestTime = durations("mortise_api_request_seconds", "Time of a request.", ["api", "operation"], quick);
  const outbound = counter("mortise_outbound_requests_total", "HTTP requests to systems.", ["class"]);
  const outboundTime = counter("mortise_outbound_seconds_total", "Time of these requests together.", ["class"]);
  const files = counter("mortise_files_total", "Files that were dropped into a folder.", ["system", "outcome"]);
  const triggers = counter("mortise_triggers_total", "Events from systems.", ["system", "event", "result"]);
  const workers = counter("mortise_worker_events_total", "Starts, stops and deaths of workers.", ["event"]);
  const circuits = counter("mortise_circuit_changes_total", "Times that a system was found away, or back.", [
    "system",
    "state",
  ]);
  const admin = counter("mortise_admin_requests_total", "Requests to the admin API.", ["class"]);

  new Gauge({
    name: "mortise_runs",
    help: "Runs that are kept, by status.",
    labelNames: ["process", "status"],
    registers,
    collect() {
      this.reset();
      for (const { process, status, runs: count } of sources.runs()) this.inc({ process, status }, count);
    },
  });
  new Gauge({
    name: "mortise_tasks_open",
    help: "Tasks that wait for an answer.",
    registers,
    collect() {
      this.set(sources.openTasks());
    },
  });

  new Gauge({
    name: "mortise_circuit_open",
    help: "1 where a system counts as away, and its steps wait.",
    labelNames: ["system"],
    registers,
    collect() {
      // A system that a reload took away is not away for ever.
      this.reset();
      const away = new Set(sources.away());
      for (const system of sources.systems()) this.set({ system }, away.has(system) ? 1 : 0);
    },
  });

  const listeners: readonly (readonly [ChannelName, (fact: Fact) => void])[] = [
    [
      "mortise:process:run",
      (fact) => {
        if (fact.kind === "started") return;
        runs(fact);
        if (fact.status !== "parked") runTime(fact);
      },
    ],
    [
      "mortise:process:attempts",
      (fact) => {
        const labels = { operation: fact.what ?? "", outcome: fact.outcome ?? "" };
        attempts(labels, Number(fact.times ?? 0));
        attemptTime(labels, Number(fact.ms ?? 0) / 1000);
      },
    ],
    [
      "mortise:publish:request",
      ({ api = "", operation = "", status = 0, durationMs = 0 }) => {
        const request = { api, operation, class: statusClass(status), durationMs };
        requests(request);
        requestTime(request);
      },
    ],
    [
      "mortise:outbound:request",
      ({ status = 0, ms = 0 }) => {
        const labels = { class: statusClass(status) };
        outbound(labels);
        outboundTime(labels, Number(ms) / 1000);
      },
    ],
    [
      "mortise:server:outbound",
      (fact) => {
        outbound(fact, Number(fact.times ?? 0));
        outboundTime(fact, Number(fact.ms ?? 0) / 1000);
      },
    ],
    ["mortise:connectors:file", (fact) => files(fact)],
    ["mortise:server:trigger", (fact) => triggers(fact)],
    ["mortise:server:worker", (fact) => workers(fact)],
    [
      "mortise:server:circuit",
      (fact) => {
        if (fact.still !== true) circuits(fact);
      },
    ],
    ["mortise:server:admin", (fact) => admin({ class: statusClass(fact.status) })],
  ];
  const subscribed = listeners.map(([name, listener]) => {
    // Read as it is: a label is cut from plain values only (`labelOf`), and a copy for each request cost more than counting it.
    const take = (message: unknown) => {
      if (typeof message === "object" && message !== null) listener(message as Fact);
    };
    subscribe(name, take);
    return [name, take] as const;
  });

  return {
    page: async () => ({ type: registry.contentType, text: await registry.metrics() }),
    close() {
      for (const [name, take] of subscribed) unsubscribe(name, take);
      registry.clear();
    },
  };
}
