/** The stage of the order benchmarks: the systems, plain Node and Mortise as servers of their own, and the load. */
import { once } from "node:events";
import { join } from "node:path";
import { type Children, keyOf } from "../children.ts";
import type { LoadResult } from "../load.ts";
import type { Load } from "./load.ts";

export interface Target {
  readonly pid: number;
  readonly port: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Stage {
  readonly plain: Target;
  readonly mortise: Target;
  /** Places orders, and resolves when all have been answered. */
  load(target: Target, how: Omit<Load, "port" | "path" | "headers">): Promise<LoadResult>;
}

export async function setStage(children: Children, folder: string): Promise<Stage> {
  const upstream = await children.server(new URL("./upstream.ts", import.meta.url));
  const url = `http://127.0.0.1:${upstream.port}`;
  const plain = await children.server(new URL("./plain.ts", import.meta.url), url);
  const mortise = await children.mortise(new URL("./project", import.meta.url), join(folder, "store"), {
    UPSTREAM_URL: url,
  });
  const key = await keyOf(mortise, "orders:write");
  const load = children.fork(new URL("./load.ts", import.meta.url));
  return {
    plain: { pid: plain.child.pid as number, port: plain.port, path: "/orders", headers: {} },
    mortise: {
      pid: mortise.pid,
      port: mortise.apiPort,
      path: "/orders/v1/orders",
      headers: { authorization: `Bearer ${key}` },
    },
    async load({ port, path, headers }, how) {
      load.send({ port, path, headers, ...how } satisfies Load);
      const [answer] = (await once(load, "message")) as [{ result?: LoadResult; error?: string }];
      if (answer.result === undefined) throw new Error(answer.error);
      return answer.result;
    },
  };
}
