/**
 * The migration board of a version, as data: who uses it, which operations, what changes for exactly these in its successor, when the last
 * call was, and whether there are fewer of them.
 */
import { compareContracts } from "../../../contract/compare/compare.ts";
import { type Finding, toldPlaces } from "../../../contract/compare/finding.ts";
import type { ContractModel, OperationModel } from "../../../contract/model.ts";
import type { ApiDefinition } from "../../../publish/define.ts";
import { majorOf } from "../../../publish/lifecycle/retirements.ts";
import type { UsageTotal } from "../../../publish/lifecycle/usage.ts";
import type { OpenApiDocument } from "../../../publish/openapi.ts";
import { modelOf } from "./compare.ts";
import { consumerName, type FindInUse, type OpenRun } from "./in-use.ts";
import { refusesUnnamed, withoutLimitNoise } from "./own-changes.ts";

export type Trend = "ended" | "falling" | "steady" | "rising";

export interface UsedOperation {
  readonly operation: string;
  readonly calls: number;
  /** Epoch milliseconds. */
  readonly lastAt: number;
  /** In the last seven days, and in the seven before. */
  readonly recent: number;
  readonly before: number;
  readonly trend: Trend;
}

export interface BoardEntry extends Omit<UsedOperation, "operation"> {
  readonly consumer: string;
  readonly operations: readonly UsedOperation[];
  /** What changes for the operations that it uses, the worst first; absent: there is no successor here to compare with. */
  readonly changes?: readonly Finding[];
}

export interface MigrationBoard {
  readonly api: string;
  readonly version: string;
  readonly successor?: { readonly name: string; readonly version: string };
  /** First day that counts, in UTC. */
  readonly from: string;
  readonly consumers: readonly BoardEntry[];
  readonly openRuns: number;
  readonly runs: readonly OpenRun[];
}

export interface MigrationParts {
  readonly apis: () => readonly ApiDefinition[];
  readonly openapi: (name: string, version: string) => OpenApiDocument | undefined;
  readonly inUse: (...of: Parameters<FindInUse>) => ReturnType<FindInUse>;
}

export async function migrationBoard(parts: MigrationParts, api: ApiDefinition): Promise<MigrationBoard> {
  const { from, calls, openRuns, runs } = await parts.inUse(api.name, majorOf(api.version));
  const successor = successorOf(api, parts.apis());
  const used = new Set(calls.map(({ operation }) => operation));
  const changes = successor === undefined ? undefined : await changesBetween(parts, api, successor, used);
  const byConsumer = Map.groupBy(calls, ({ consumer }) => consumer);
  const consumers = [...byConsumer].map(([consumer, rows]): BoardEntry => {
    const operations = [...Map.groupBy(rows, ({ operation }) => operation)].map(([operation, some]) => ({
      operation,
      ...sumOf(some),
    }));
    const mine = new Set(operations.map(({ operation }) => operation));
    return {
      consumer: consumerName(consumer),
      ...sumOf(rows),
      operations,
      ...(changes === undefined ? {} : { changes: changes.flatMap((change) => changeFor(change, mine)) }),
    };
  });
  consumers.sort((a, b) => b.lastAt - a.lastAt);
  return {
    api: api.name,
    version: api.version,
    ...(successor === undefined ? {} : { successor: { name: successor.name, version: successor.version } }),
    from,
    consumers,
    openRuns,
    runs,
  };
}

function sumOf(rows: readonly UsageTotal[]): Omit<UsedOperation, "operation"> {
  const sum = (member: "calls" | "recent" | "before") => rows.reduce((total, row) => total + row[member], 0);
  const [recent, before] = [sum("recent"), sum("before")];
  return {
    calls: sum("calls"),
    lastAt: Math.max(...rows.map(({ lastAt }) => lastAt)),
    recent,
    before,
    trend: recent === 0 ? "ended" : recent < before ? "falling" : recent > before ? "rising" : "steady",
  };
}

/** The one that a deprecated version names, if it is here; of another, the newest one that is published. */
function successorOf(api: ApiDefinition, apis: readonly ApiDefinition[]): ApiDefinition | undefined {
  const { lifecycle } = api;
  if (lifecycle.state === "deprecated") return apis.find(({ base }) => base === lifecycle.successor.href);
  return apis
    .filter(
      ({ name, version, lifecycle: { state } }) =>
        name === api.name && majorOf(version) > majorOf(api.version) && state === "published",
    )
    .sort((a, b) => majorOf(b.version) - majorOf(a.version))[0];
}

async function changesBetween(
  { openapi }: MigrationParts,
  api: ApiDefinition,
  successor: ApiDefinition,
  used: ReadonlySet<string>,
): Promise<readonly Finding[]> {
  const textOf = ({ name, version }: ApiDefinition): string => JSON.stringify(openapi(name, version));
  const model = async (of: ApiDefinition): Promise<ContractModel> => modelOf(`${of.name} ${of.version}`, textOf(of));
  const [old, next] = [await model(api), await model(successor)];
  const moves: Finding[] = [];
  const operations: Record<string, OperationModel> = {};
  for (const [name, operation] of Object.entries(old.operations)) {
    if (!used.has(name)) continue;
    const { binding } = operation;
    const to = api.operations[name]?.adapts;
    if (to === undefined || binding.protocol !== "rest" || (to.method === binding.method && to.path === binding.path)) {
      operations[name] = operation;
      continue;
    }
    // It is the same operation at another address: said once, and compared as one.
    const reason = `it is ${to.method} ${to.path} now, and was ${binding.method} ${binding.path}`;
    const places = [{ member: name, place: "", path: [] }];
    moves.push({
      rule: "operation-moved",
      verdict: "breaking",
      side: "contract",
      reason,
      ...toldPlaces(places),
      places,
    });
    operations[name] = { ...operation, binding: { ...binding, method: to.method, path: to.path } };
  }
  const { findings } = compareContracts({ ...old, operations }, next, undefined, refusesUnnamed);
  const told = findings.filter(({ rule }) => rule !== "servers" && rule !== "operation-added");
  return [...moves, ...withoutLimitNoise(told, textOf(api), textOf(successor))];
}

/** The change at the places that these operations lead to; what is about no operation is about all. */
function changeFor(change: Finding, operations: ReadonlySet<string>): readonly Finding[] {
  const places = change.places.filter(({ member }) => member === "" || operations.has(member));
  const { more: _, ...rest } = change;
  return places.length === 0 ? [] : [{ ...rest, ...toldPlaces(places), places }];
}
