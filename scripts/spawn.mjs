/** Runs one program in the foreground in our place: its input and output are ours, and so are signals and exit code. */
import { spawn } from "node:child_process";

/** Resolves with the exit code. A child that a signal ended ends this process by the same signal. */
export function inOurPlace(path, args, options) {
  const child = spawn(path, args, { stdio: "inherit", ...options });
  const onTerminal = process.stdin.isTTY === true || process.stdout.isTTY === true;
  const forwards = ["SIGTERM", "SIGHUP", "SIGINT"].map((signal) => {
    // A terminal gives its Ctrl-C to the child too; passing it on would count twice.
    const handler = () => (signal === "SIGINT" && onTerminal ? undefined : child.kill(signal));
    process.on(signal, handler);
    return [signal, handler];
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code, signal) => {
      for (const [name, handler] of forwards) process.off(name, handler);
      if (signal === null) resolve(code);
      else process.kill(process.pid, signal);
    });
  });
}
