/**
 * How many files this process may have open, connections among them. The listener of the APIs takes half of them at most: with all of them gone no worker
 * could load its code, no system be called, and nothing be read.
 */
import { readFileSync } from "node:fs";

const share = 0.5;
const leastConnections = 10;

/** The limit of the operating system (`ulimit -n`); `undefined` where it can't be asked for, or there is none. */
export function openFilesAllowed(read = () => readFileSync("/proc/self/limits", "utf8")): number | undefined {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(read())?.[1];
    return soft === undefined ? undefined : Number(soft);
  } catch {
    return undefined;
  }
}

/** Connections that the APIs may take of those that are wished for. */
export function connectionsAllowed(wished: number, files: number | undefined): number {
  return files === undefined ? wished : Math.min(wished, Math.max(leastConnections, Math.floor(files * share)));
}
