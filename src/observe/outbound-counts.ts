/** Counts a thread's HTTP requests to systems, so that not every single one crosses to the front. */
import type { OutboundCounts } from "./facts.ts";

const everyMs = 1000;

/** Calls `take` at most once a second with what was counted since. `subscribe` is that of `node:diagnostics_channel`. */
export function countOutbound(
  take: (counts: readonly OutboundCounts[]) => void,
  subscribe: (name: string, listener: (message: unknown) => void) => void,
): { flush(): void } {
  let counts = new Map<string, { class: string; times: number; ms: number }>();
  let timer: NodeJS.Timeout | undefined;
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    if (counts.size > 0) take([...counts.values()]);
    counts = new Map();
  };
  subscribe("mortise:outbound:request", (message) => {
    const { status, ms } = message as { readonly status?: unknown; readonly ms?: unknown };
    const name = statusClass(status);
    let count = counts.get(name);
    if (count === undefined) {
      count = { class: name, times: 0, ms: 0 };
      counts.set(name, count);
    }
    count.times += 1;
    count.ms += typeof ms === "number" ? ms : 0;
    timer ??= setTimeout(flush, everyMs).unref();
  });
  return { flush };
}

const classes = ["1xx", "2xx", "3xx", "4xx", "5xx"] as const;

/** `2xx`; `failed` where there was no answer. */
export function statusClass(status: unknown): string {
  if (typeof status !== "number" || status < 100 || status >= 600) return "failed";
  return classes[Math.floor(status / 100) - 1] as string;
}
