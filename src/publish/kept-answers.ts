/** Answers that are reused for a moment, within bounds: callers choose what is asked, so neither their number nor their size may be theirs to choose. */

export interface KeptAnswers<T> {
  /** What is kept and not too old. */
  get(id: string): T | undefined;
  /** `size`: about how many characters it holds. One that is large beside the whole is not kept; for one that is, the oldest make room. */
  keep(id: string, answer: T, size: number): void;
}

export interface KeptBounds {
  /** Answers. Default 10,000. */
  readonly most?: number;
  /** Characters of all of them, with their ids. Default 32 Mi. */
  readonly mostSize?: number;
}

/** `clock`: in milliseconds. */
export function keptAnswers<T>(
  forMs: number,
  clock: () => number,
  { most = 10_000, mostSize = 33_554_432 }: KeptBounds = {},
): KeptAnswers<T> {
  /** In the order in which they came, which is that in which they grow old. */
  const kept = new Map<string, { readonly answer: T; readonly until: number; readonly size: number }>();
  let whole = 0;

  function forget(id: string): void {
    const one = kept.get(id);
    if (one === undefined) return;
    kept.delete(id);
    whole -= one.size;
  }

  return {
    get(id) {
      const one = kept.get(id);
      return one !== undefined && one.until > clock() ? one.answer : undefined;
    },
    keep(id, answer, held) {
      forget(id);
      const now = clock();
      const size = held + id.length;
      if (forMs <= 0 || size > mostSize / 8) return;
      for (const [oldest, { until }] of kept) {
        if (until > now && kept.size < most && whole + size <= mostSize) break;
        forget(oldest);
      }
      kept.set(id, { answer, until: now + forMs, size });
      whole += size;
    },
  };
}
