/** Counts a thread's HTTP requests to systems, so that not every single one crosses to the front. */
import { factOf, type OutboundCounts } from "./facts.ts";

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
    const { status, ms } = factOf(message);
    const name = statusClass(status);
    const count = counts.get(name) ?? { class: name, times: 0, ms: 0 };
    count.times += 1;
    count.ms += typeof ms === "number" ? ms : 0;
    counts.set(name, count);
    timer ??= setTimeout(flush, everyMs).unref();
  });
  return { flush };
}

/** `2xx`; `failed` where there was no answer. */
export function statusClass(status: unknown): string {
  return typeof status === "number" && status >= 100 && status < 600 ? `${Math.floor(status / 100)}xx` : "failed";
}
