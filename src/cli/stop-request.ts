/** Ctrl-C and its like, for commands that run until they are told to stop. */

/** A terminal, the shell and npm may each pass the same Ctrl-C on; one that comes later is meant as another. */
const sameSignalMs = 1000;

export interface StopRequest {
  readonly asked: Promise<"signal" | "failed">;
  failed(): void;
  close(): void;
}

/** Resolves at the first signal; `hangUp`: whether SIGHUP is one. Default true. The second ends the process at once: everything accepted is on disk in any case (P1). */
export function stopRequest({ hangUp = true } = {}): StopRequest {
  const signals: readonly NodeJS.Signals[] = ["SIGINT", "SIGTERM", ...(hangUp ? (["SIGHUP"] as const) : [])];
  let first: number | undefined;
  let resolve: (why: "signal" | "failed") => void = () => {};
  const asked = new Promise<"signal" | "failed">((settle) => {
    resolve = settle;
  });
  const handler = (): void => {
    first ??= performance.now();
    resolve("signal");
    if (performance.now() - first > sameSignalMs) process.exit(130);
  };
  for (const signal of signals) process.on(signal, handler);
  // Whoever launched this process with a channel is gone: so is the one who would stop it.
  const left = (): void => resolve("signal");
  process.on("disconnect", left);
  return {
    asked,
    failed: () => resolve("failed"),
    close() {
      for (const signal of signals) process.off(signal, handler);
      process.off("disconnect", left);
    },
  };
}
