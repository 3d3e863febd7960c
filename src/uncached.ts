/**
 * Makes code of texts that come and go while the process runs. V8 keeps what it compiled of a text for as long as no memory is lacking, however often
 * the heap is collected, and lets a heap with more in it grow by a multiple of that: a server grew by 18 KiB with each reload.
 */
import { setFlagsFromString } from "node:v8";

/**
 * Runs `compile` past V8's compilation cache. The flag is of the whole process: another thread that compiles just then does so without the cache, or brings it
 * back too early; either costs one text.
 */
export function uncached<T>(compile: () => T): T {
  setFlagsFromString("--no-compilation-cache");
  try {
    return compile();
  } finally {
    setFlagsFromString("--compilation-cache");
  }
}
