/**
 * Gathers what is posted to another thread. One message for each read would wake the other side each time; one for all that a turn of the event loop
 * brings would have the two threads wait for each other in turns. So a batch leaves when it is full, and what is left at the end of the turn.
 */

/** Of a batch: reads or answers. */
const most = 16;

export interface Batches<T> {
  /** One more, of so many values: always the same number. */
  add(...values: T[]): void;
  /** Posts what is there now. */
  flush(): void;
}

export function batches<T>(post: (batch: T[]) => void): Batches<T> {
  let batch: T[] = [];
  let ones = 0;
  let waits = false;
  const flush = (): void => {
    if (ones === 0) return;
    const full = batch;
    batch = [];
    ones = 0;
    post(full);
  };
  const atEnd = (): void => {
    waits = false;
    flush();
  };
  return {
    add(...values) {
      for (const value of values) batch.push(value);
      ones += 1;
      if (ones === most) flush();
      else if (!waits) {
        waits = true;
        setImmediate(atEnd);
      }
    },
    flush,
  };
}
