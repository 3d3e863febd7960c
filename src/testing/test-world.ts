/** What a test sees of a world (world.ts). */
import { World, type WorldOptions } from "./world.ts";

/** A world in which processes run in a plain unit test. It is in memory only: there is nothing to close. */
export type TestWorld = Pick<
  World,
  | "now"
  | "fake"
  | "fakeSystem"
  | "calls"
  | "acts"
  | "signals"
  | "start"
  | "signal"
  | "answer"
  | "operate"
  | "advance"
  | "crash"
>;

/** Makes a world of these processes. Fake what they call, then start runs. */
export function testWorld(options: WorldOptions): TestWorld {
  return new World(options);
}
