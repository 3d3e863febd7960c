/** Events of systems, as far as what is published listens to them: it is told that one came, and asks the system itself what that changed. */
import type { EventType } from "../../operation.ts";

type Event = Pick<EventType, "system" | "name">;

export interface Arrivals {
  /** `told` is called after each of these. Listeners end with what is served: there is no way to take one back. */
  listen(events: readonly Event[], told: () => void): void;
  tell(event: Event): void;
}

export function openArrivals(): Arrivals {
  const listeners = new Map<string, (() => void)[]>();
  const idOf = ({ system, name }: Event): string => `${system} ${name}`;
  return {
    listen(events, told) {
      for (const event of events) {
        const list = listeners.get(idOf(event)) ?? [];
        list.push(told);
        listeners.set(idOf(event), list);
      }
    },
    tell(event) {
      for (const told of listeners.get(idOf(event)) ?? []) told();
    },
  };
}
