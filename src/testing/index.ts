/** The names of `mortise/testing`: processes on the real engine, fake systems made of contracts or by hand, a clock that is moved by hand. */
import { World, type WorldOptions } from "./world.ts";

export type { Emitted, EventTarget } from "../fakes/events.ts";
export type { ServedRequest } from "../fakes/serve.ts";
export type { FakeDatabase, FakeDatabaseOptions } from "../fakes/sql.ts";
export { type Answer, actsThenLoses, type Behaviour, type CallFacts, fails, fault, inOrder } from "./answers.ts";
export { type Explored, type ExploreOptions, explore, type Facts, type Invariant } from "./explore.ts";
export {
  type FakeContractOptions,
  type FakeSystemOptions,
  fakeDatabase,
  fakeSystem,
  type RunningFake,
} from "./fake-system.ts";
export type { Call, FakeOptions } from "./fakes.ts";
export { comes, decides, type Outside } from "./outside.ts";
export type { Ended, TestRun } from "./run.ts";
export type { WorldOptions } from "./world.ts";

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
