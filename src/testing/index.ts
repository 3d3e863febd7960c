/** The names of `mortise/testing`: processes on the real engine, fake systems made of contracts or by hand, a clock that is moved by hand. */
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
export { type TestWorld, testWorld } from "./test-world.ts";
export type { WorldOptions } from "./world.ts";
