/** Test seam: a load of real requests while a server is reloaded. Half go over connections that are kept, half over new ones. */
import type { Agent as Connections } from "node:http";
import { Agent, get } from "../../http.ts";

export interface Load {
  /** The definition of this number is served: nothing older may be answered to what is asked from here on. */
  reached(count: number): void;
  stop(): Promise<{
    readonly answers: number;
    readonly failed: readonly string[];
    /** Answers that are of no one definition, or of one that was no longer served when they were asked for. */
    readonly mixed: readonly string[];
  }>;
}

/** Asks for the OpenAPI document at `path`, whose operations are named `m7` by the number of their definition, at `/m7/{key}`. */
export function keepAliveLoad(url: string, path: string, workers = 4): Load {
  const kept = new Agent({ keepAlive: true, maxSockets: workers });
  const failed: string[] = [];
  const mixed: string[] = [];
  let answers = 0;
  let served = 0;
  let stopped = false;

  const ask = (agent: Connections | false) =>
    new Promise<{ readonly status: number; readonly text: string }>((resolve, reject) => {
      get(`${url}${path}`, { agent }, (answer) => {
        let text = "";
        answer.setEncoding("utf8").on("data", (part: string) => {
          text += part;
        });
        answer.on("end", () => resolve({ status: answer.statusCode ?? 0, text }));
        answer.on("error", reject);
      }).on("error", reject);
    });

  async function work(agent: Connections | false): Promise<void> {
    while (!stopped) {
      const from = served;
      try {
        const { status, text } = await ask(agent);
        answers += 1;
        if (status !== 200) {
          failed.push(`${status} ${text.slice(0, 200)}`);
          continue;
        }
        const found = new Set(
          [...text.matchAll(/"operationId":"m(\d+)"|"\/m(\d+)\/\{key\}"/g)].map(([, a, b]) => Number(a ?? b)),
        );
        const [number] = found;
        if (found.size !== 1 || number === undefined || number < from || number > served + 1)
          mixed.push(`${[...found].join(" and ")} of ${from} to ${served}`);
      } catch (error) {
        failed.push(String(error));
      }
    }
  }
  const all = Array.from({ length: workers }, (_, at) => work(at % 2 === 0 ? kept : false));
  return {
    reached(count) {
      served = count;
    },
    async stop() {
      stopped = true;
      await Promise.all(all);
      kept.destroy();
      return { answers, failed, mixed };
    },
  };
}
