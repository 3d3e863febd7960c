/** When this server, those before it on the same store, and workers that were lost began (lives-part.ts). */
import type { BeganBetween } from "../process/trace.ts";
import type { Store } from "../store/store.ts";

export interface Lives {
  /** After the first, and up to the second time; the first hundred. */
  readonly between: BeganBetween;
  /** A worker was lost, and another one begins. */
  worker(): Promise<void>;
}

const mostTold = 100;

/** Writes down that this server begins: before any run is taken up. */
export async function openLives(store: Pick<Store, "submit" | "read">): Promise<Lives> {
  const begin = async (what: "server" | "worker"): Promise<void> => {
    await store.submit([{ name: "lives.begin", parameters: { what } }]);
  };
  await begin("server");
  const between = store.read.prepare(
    `select at from server_lives where at > ? and at <= ? order by at limit ${mostTold}`,
  );
  return {
    between: (from, to) => between.all(from, to).map(({ at }) => Number(at)),
    worker: () => begin("worker"),
  };
}
