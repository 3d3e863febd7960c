/**
 * The inventory's other half (OW-9): what known consumers ask for under an API's base path and what is not declared there, or is there no
 * more. Nothing of it is reachable; it shows whose client is wrong, and who still calls a version that has ended.
 *
 * Only who proves to be a consumer raises an item, so that a scanner can't fill the list. Paths are kept without values, and their number is bounded: what is beyond it is counted in one line.
 */
import type { Authenticator } from "../access/authenticator.ts";
import type { ApiDefinition } from "../define.ts";
import type { HttpRequest } from "../http.ts";
import type { ApiCaller } from "../operations.ts";
import { majorOf, type Retirements } from "./retirements.ts";
import type { StrayRow } from "./store-part.ts";
import type { UsageOptions } from "./usage.ts";

/** A version that is served, or was. */
export interface Inventoried {
  readonly api: ApiDefinition;
  readonly authenticator: Pick<Authenticator, "authenticate" | "signed">;
}

export interface Strays {
  /** A request that was refused with this code; only some codes are of interest. Never rejects. */
  note(request: HttpRequest, code: string | undefined, inventory: readonly Inventoried[]): Promise<void>;
  flush(): Promise<void>;
  sweep(): Promise<void>;
  /** The last seen ones first, a thousand at most. */
  list(): readonly StrayRow[];
}

const mostHeld = 1000;
const keptMs = 180 * 86_400_000;
const codes: ReadonlySet<string | undefined> = new Set([
  "route-unknown",
  "method-not-allowed",
  "api-sunset",
  "api-brownout",
]);
/** Of what is beyond the bounds. */
const others = "...";

export function openStrays({ store, clock }: UsageOptions, retirements: Pick<Retirements, "of">): Strays {
  const select = store.read.prepare(
    `SELECT api, version, consumer, kind, method, path, hits, first_at AS firstAt, last_at AS lastAt FROM lifecycle_strays
     ORDER BY last_at DESC LIMIT 1000`,
  );
  let held = new Map<string, StrayRow>();

  function add(row: StrayRow): void {
    const id = [row.api, row.version, row.kind, row.method, row.path, row.consumer].join("\n");
    const known = held.get(id);
    if (known !== undefined) held.set(id, { ...known, hits: known.hits + row.hits, lastAt: row.lastAt });
    else if (held.size < mostHeld || row.path === others) held.set(id, row);
    else add({ ...row, consumer: "", method: "", path: others });
  }

  return {
    async note(request, code, inventory) {
      if (!codes.has(code)) return;
      const found = inventoried(request.path, inventory);
      // A signature is over the body, and nothing is read for a refusal.
      if (found === undefined || found.api.access.length === 0 || found.authenticator.signed) return;
      let caller: ApiCaller;
      try {
        ({ caller } = await found.authenticator.authenticate(request));
      } catch {
        return;
      }
      const { name, version, base, lifecycle } = found.api;
      const retired = lifecycle.state === "retired" || retirements.of(name, majorOf(version)) !== undefined;
      const kind =
        code === "api-brownout" ? "brownout" : code === "api-sunset" ? "sunset" : retired ? "retired" : "undeclared";
      const method = /^[A-Z]{1,20}$/.test(request.method) ? request.method : others;
      const now = clock();
      const path = `${base}${plain(request.path.slice(base.length), found.api)}`;
      add({ api: name, version, consumer: caller.id, kind, method, path, hits: 1, firstAt: now, lastAt: now });
    },
    async flush() {
      if (held.size === 0) return;
      const rows = [...held.values()];
      held = new Map();
      try {
        await store.submit([{ name: "lifecycle.strays", parameters: { rows } }]);
      } catch (error) {
        for (const row of rows) add(row);
        throw error;
      }
    },
    async sweep() {
      await store.submit([{ name: "lifecycle.sweep-strays", parameters: { before: clock() - keptMs } }]);
    },
    list: () => select.all() as unknown as StrayRow[],
  };
}

/** The one under whose base the path is; of several, the one with the longest. */
export function inventoried<T extends Inventoried>(path: string, inventory: readonly T[]): T | undefined {
  let found: T | undefined;
  for (const one of inventory) {
    const { base } = one.api;
    const above = path.startsWith(base) && (path.length === base.length || path[base.length] === "/");
    if (above && (found === undefined || base.length > found.api.base.length)) found = one;
  }
  return found;
}

/**
 * Without values, which may be sensitive: of what follows the base, the first segment stands if it is a plain word, and the others if the API
 * itself has such a segment; at most eight.
 */
function plain(path: string, { operations }: ApiDefinition): string {
  const own = new Set(Object.values(operations).flatMap((operation) => operation.path.split("/")));
  const [, ...segments] = path.split("/");
  const shown = segments.map((part, at) => (own.has(part) || (at === 0 && word.test(part)) ? part : "{}"));
  return ["", ...shown.slice(0, 8), ...(shown.length > 8 ? [others] : [])].join("/");
}
const word = /^[A-Za-z_.-]{1,40}$/;
