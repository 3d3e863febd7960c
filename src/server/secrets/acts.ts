/**
 * Secrets while the server runs: setting and removing those of the store, and taking what changed in the secrets folder. A new value is in force
 * for the next call and the next request; what is under way ends with the old one. A value that can't be used changes nothing.
 */
import { asMortiseError, failure, plainName } from "../../errors.ts";
import type { Log } from "../../observe/log.ts";
import type { Redactor } from "../../observe/redact.ts";
import type { Command } from "../../store/store.ts";
import type { Surface } from "../apis/surface.ts";
import type { Front } from "../front.ts";
import type { InTurn } from "../turns.ts";
import { checkValue, type FoundSecret, isPlain, plainWarning } from "./secrets.ts";
import type { StoredSecrets } from "./stored.ts";

/** A secret as people see it: never its value. */
export interface SecretView {
  readonly name: string;
  /** Where its value comes from now: the first of file, store and environment that has it. Absent: nothing uses it. */
  readonly in?: FoundSecret["in"];
  /** What refers to it. */
  readonly usedBy: readonly string[];
  /** Of the one in the store; epoch milliseconds. */
  readonly setAt?: number;
  readonly setBy?: string;
  /** What is wrong with the value that was set, although it is in force. */
  readonly warning?: string;
}

/** A secret that is set, or is not (`undefined`), whatever the store holds. */
export interface Instead {
  readonly name: string;
  readonly value: string | undefined;
}

export interface Who {
  readonly by: string;
  /** The entry of the audit that stands in the same commit. */
  readonly audit: () => Command;
}

export interface SecretActs {
  list(): readonly SecretView[];
  /** In force when it resolves. Rejects with `secrets-unencrypted`, `secret-invalid`, and with what keeps the value from being used. */
  set(name: string, value: string, who: Who): Promise<SecretView>;
  /** Rejects with `secret-unknown` and `secret-needed`. */
  remove(name: string, who: Who): Promise<SecretView>;
  /** Takes what changed in the secrets folder. Resolves with the names of what did. */
  refresh(): Promise<readonly string[]>;
  close(): void;
}

export interface SecretActsOptions {
  readonly stored: StoredSecrets;
  readonly front: Pick<Front, "surface" | "live" | "prepare">;
  readonly version: () => string;
  /** The present project, resolved again. Throws what is missing. */
  readonly resolve: (instead?: Instead) => Surface;
  readonly inTurn: InTurn;
  readonly redactor: Pick<Redactor, "register">;
  readonly log: Pick<Log, "info" | "warn" | "error">;
  /** Milliseconds between two looks at the secrets folder. Default 5000. */
  readonly everyMs?: number;
}

export function openSecretActs(options: SecretActsOptions): SecretActs {
  const { stored, front, inTurn, redactor, log, resolve } = options;
  let told = "";
  let looking = false;

  /** Puts it in force, once `commit` is done. Resolves with the names of what changed. */
  async function take(next: Surface, commit: () => Promise<void> = async () => {}): Promise<readonly string[]> {
    const names = changedSecrets(front.surface(), next);
    if (names.length === 0) {
      await commit();
      return [];
    }
    const known = new Set(front.surface().plain);
    const ready = await front.prepare({ surface: next, version: options.version(), sources: front.live.sources() });
    await commit();
    ready.switchTo();
    await ready.follow();
    log.info({ names }, "secrets changed, and are in force");
    for (const value of next.plain) if (!known.has(value)) log.warn({ value }, plainWarning);
    return names;
  }

  const refresh = (): Promise<readonly string[]> => inTurn(async () => take(resolve()));

  const look = async (): Promise<void> => {
    if (looking) return;
    looking = true;
    try {
      await refresh();
      told = "";
    } catch (error) {
      const { message } = asMortiseError(error);
      // Told once, not every few seconds.
      if (message !== told) log.error({ error }, "the secrets as they are now can't be used; the ones before stay");
      told = message;
    } finally {
      looking = false;
    }
  };
  const timer = setInterval(() => void look(), options.everyMs ?? 5_000).unref();

  function view(name: string): SecretView {
    const used = front.surface().secrets.get(name);
    const kept = stored.list().find((one) => one.name === name);
    return {
      name,
      ...(used === undefined ? {} : { in: used.in }),
      usedBy: [...new Set(used?.places ?? [])],
      ...(kept === undefined ? {} : { setAt: kept.setAt, setBy: kept.setBy }),
    };
  }

  const used = (name: string): FoundSecret | undefined => front.surface().secrets.get(name);

  return {
    list() {
      const names = new Set([...front.surface().secrets.keys(), ...stored.list().map(({ name }) => name)]);
      return [...names].sort().map(view);
    },
    set(name, value, { by, audit }) {
      // Before anything else: what goes wrong from here on is told, and must not tell it.
      redactor.register(value);
      checkValue(name, value);
      stored.checkEncrypted();
      return inTurn(async () => {
        const write = () => stored.set(name, value, by, [audit()]);
        // What nothing uses changes nothing that is in force.
        await unusable(() => (used(name) ? take(resolve({ name, value }), write) : write()));
        return isPlain(value) ? { ...view(name), warning: plainWarning } : view(name);
      });
    },
    remove(name, { audit }) {
      return inTurn(async () => {
        if (!stored.list().some((one) => one.name === name)) throw failure("secret-unknown", { name: plainName(name) });
        const found = used(name);
        if (found === undefined) {
          await stored.remove(name, [audit()]);
          return view(name);
        }
        let next: Surface;
        try {
          next = resolve({ name, value: undefined });
        } catch (error) {
          if (found.in !== "store") throw error;
          throw failure("secret-needed", { name, places: [...new Set(found.places)].join(", ") });
        }
        await take(next, () => stored.remove(name, [audit()]));
        return view(name);
      });
    },
    refresh,
    close: () => clearInterval(timer),
  };
}

/** What the value is refused for is said to whoever sets it; it never repeats the value. */
async function unusable(act: () => Promise<unknown>): Promise<void> {
  try {
    await act();
  } catch (error) {
    const known = asMortiseError(error);
    if (known.code === "secrets-missing")
      throw failure("secret-invalid", {
        reason: `other values are missing now, which it would be used with: ${(known.details as readonly string[]).join(", ")}. Put them back first, as files or in the environment`,
      });
    if (known.code !== "server-failed") throw known;
    throw failure("secret-invalid", {
      reason: known.message.replace(/^The server could not start: /, "").replace(/\.$/, ""),
    });
  }
}

/** Names of the secrets whose values differ; of those that both use. */
export function changedSecrets(before: Surface, next: Surface): readonly string[] {
  return [...next.secrets].flatMap(([name, { value, in: where }]) => {
    const known = before.secrets.get(name);
    return known !== undefined && known.value === value && known.in === where ? [] : [name];
  });
}

/** Names that stand in the store and in a file: the file counts. */
export function shadowed({ secrets }: Surface, stored: Pick<StoredSecrets, "value">): readonly string[] {
  return [...secrets].flatMap(([name, { in: where }]) =>
    where === "file" && stored.value(name) !== undefined ? [name] : [],
  );
}
