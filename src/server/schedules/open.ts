/** The scheduler of a server: its schedules as the server read them, the processes as they are promoted. */
import { realClock } from "../../clock.ts";
import type { Engine } from "../../process/engine.ts";
import type { Store } from "../../store/store.ts";
import type { Live } from "../live.ts";
import { openScheduleBook } from "./book.ts";
import { openScheduler, type Scheduler } from "./scheduler.ts";

export function openSchedules(
  live: Pick<Live, "project">,
  engine: Pick<Engine, "start">,
  store: Pick<Store, "submit" | "read">,
  before?: Scheduler,
): Promise<Scheduler> {
  return openScheduler({
    ...(before === undefined ? {} : { before }),
    schedules: live.project().schedules,
    process: (name) => live.project().processes.get(name),
    engine,
    book: openScheduleBook(store),
    clock: realClock,
  });
}
