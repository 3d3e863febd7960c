/** Health of the systems: asked when somebody looks, and kept for a while. */
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { resolve } from "node:path";
import type { Health as Sign } from "../../connectors/connector.ts";
import type { SystemDefinition } from "../../connectors/system.ts";
import type { Health } from "../admin/catalogue.ts";
import type { CircuitHealth } from "./circuits.ts";

type Checked = Omit<Health, "circuit">;

const freshMs = 15_000;
const timeoutMs = 3000;

export interface HealthOptions {
  /** As it is now. */
  readonly system: (name: string) => SystemDefinition | undefined;
  /** Folder of a `files` system, as it stands in its connection. */
  readonly folder: (system: string) => string;
  readonly project: string;
  /** Whether it counts as away. */
  readonly circuit: (system: string) => CircuitHealth | undefined;
  readonly ask: (system: string, signal: AbortSignal) => Promise<Sign>;
}

/** The health of a system: what is known, if that is not older than 15 seconds and `now` is not asked for. */
export function watchHealth(options: HealthOptions): (system: string, now: boolean) => Promise<Health> {
  const known = new Map<string, Checked & { readonly checkedAt: number }>();
  const asking = new Map<string, Promise<Checked>>();

  async function ask(name: string): Promise<Checked> {
    const sign =
      options.system(name)?.connector === "files"
        ? await folderSign(resolve(options.project, options.folder(name)))
        : await options.ask(name, AbortSignal.timeout(timeoutMs));
    const checkedAt = Date.now();
    const health = sign.healthy
      ? { state: "healthy" as const, checkedAt }
      : { state: "unhealthy" as const, reason: sign.reason, checkedAt };
    known.set(name, health);
    return health;
  }

  function check(name: string, now: boolean): Promise<Checked> {
    const last = known.get(name);
    if (!now && last !== undefined && Date.now() - last.checkedAt < freshMs) return Promise.resolve(last);
    const asked = asking.get(name) ?? ask(name).finally(() => asking.delete(name));
    asking.set(name, asked);
    return asked;
  }
  return async (name, now) => {
    const circuit = options.circuit(name);
    return { ...(await check(name, now)), ...(circuit === undefined ? {} : { circuit }) };
  };
}

async function folderSign(folder: string): Promise<Sign> {
  try {
    await access(folder, constants.R_OK | constants.W_OK);
    return { healthy: true };
  } catch (error) {
    return {
      healthy: false,
      reason: `the folder can't be used: ${(error as NodeJS.ErrnoException).code ?? "unknown"}`,
    };
  }
}
