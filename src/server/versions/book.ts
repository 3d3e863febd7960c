/** The book of code versions: which are registered, which is promoted, which was before. */
import { failure, plainName } from "../../errors.ts";
import type { Command, Store } from "../../store/store.ts";
import type { PromoteParameters } from "./store-part.ts";

/** A registered version. */
export interface VersionEntry {
  readonly id: string;
  /** Epoch milliseconds. */
  readonly registeredAt: number;
  readonly registeredBy: string;
  readonly note: string;
  /** When it was promoted last, by whom and why. */
  readonly promoted?: Promotion;
}

export interface Promotion {
  readonly at: number;
  readonly by: string;
  readonly reason: string;
  readonly kind: PromoteParameters["kind"];
}

export interface VersionBook {
  /** That new runs start on; absent before the first start. */
  current(): (Promotion & { readonly version: string }) | undefined;
  /** The one that was promoted before the current one: what a rollback goes to. */
  previous(): string | undefined;
  get(id: string): VersionEntry | undefined;
  /** Newest first. */
  list(): readonly VersionEntry[];
  /** Registers, promotes, or both in one commit, with `alongside`. Refused with `version-unknown` or `version-moved`. */
  write(change: {
    readonly register?: { readonly id: string; readonly by: string; readonly note: string };
    readonly promote?: Omit<PromoteParameters, "expected">;
    readonly alongside?: readonly Command[];
  }): Promise<void>;
  /** They were drained, and their folders are gone. */
  removed(versions: readonly string[]): Promise<void>;
}

export function openVersionBook(store: Pick<Store, "read" | "submit">): VersionBook {
  const { read } = store;
  const current = read.prepare(
    `select version, at, promoted_by as "by", reason, kind from version_promotions order by id desc limit 1`,
  );
  const previous = read.prepare("select version from version_promotions where version <> ? order by id desc limit 1");
  const promoted = read.prepare(
    `select at, promoted_by as "by", reason, kind from version_promotions where version = ? order by id desc limit 1`,
  );
  const columns = `id, registered as "registeredAt", registered_by as "registeredBy", note`;
  const all = read.prepare(`select ${columns} from versions where removed is null order by registered desc, id`);
  const one = read.prepare(`select ${columns} from versions where id = ? and removed is null`);
  const entry = (row: Record<string, unknown>): VersionEntry => {
    const last = promoted.get(row.id as string);
    return { ...row, ...(last === undefined ? {} : { promoted: { ...last } }) } as unknown as VersionEntry;
  };
  const present = (): ReturnType<VersionBook["current"]> => {
    const row = current.get();
    return row === undefined ? undefined : ({ ...row } as unknown as ReturnType<VersionBook["current"]>);
  };
  return {
    current: present,
    previous: () => previous.get(present()?.version ?? "")?.version as string | undefined,
    get(id) {
      const row = one.get(id);
      return row === undefined ? undefined : entry(row);
    },
    list: () => all.all().map(entry),
    async write({ register, promote, alongside = [] }) {
      const commands: Command[] = [...alongside];
      if (register !== undefined) commands.push({ name: "versions.register", parameters: register });
      if (promote !== undefined) {
        const expected = present()?.version ?? null;
        commands.push({ name: "versions.promote", parameters: { ...promote, expected } satisfies PromoteParameters });
      }
      const answer = await store.submit(commands);
      if (answer.kind === "done") return;
      const version = plainName(promote?.version ?? "");
      throw answer.answer === "moved" ? failure("version-moved", { version }) : failure("version-unknown", { version });
    },
    async removed(versions) {
      if (versions.length > 0) await store.submit([{ name: "versions.removed", parameters: { versions } }]);
    },
  };
}
