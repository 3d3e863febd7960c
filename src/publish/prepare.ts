/** Makes of an operation's definition, once, what answers its requests: its schemas compiled, its input planned, its act. */
import { schemaOf } from "../contract/contract.ts";
import type { ContractModel, OperationModel } from "../contract/model.ts";
import { passingBody } from "../contract/passing.ts";
import { failure } from "../errors.ts";
import { type Json, longestKey, type Schema, type Validate } from "../operation.ts";
import { callAct } from "./act-call.ts";
import { runAct } from "./act-run.ts";
import { startAct } from "./act-start.ts";
import { type Answers, plainAnswers } from "./answers/answers.ts";
import type { ApiDefinition } from "./define.ts";
import type { Act, Prepared, Workshop } from "./exchange.ts";
import { fieldsOf } from "./fields.ts";
import { contractAnswers, offerOf } from "./implement/answers.ts";
import { errorProblem, errorShape } from "./implement/errors.ts";
import { requestReader } from "./implement/read-request.ts";
import type { Spoken } from "./implement/spoken.ts";
import { type InputPlan, planInput, readInput } from "./input.ts";
import { failureStatuses } from "./openapi.ts";
import { shownFaults } from "./openapi-faults.ts";
import type { ApiOperation, CallsOperation } from "./operations.ts";
import { listAct, runsAct } from "./pages/act-pages.ts";
import { listInput, listOutput, runsInput } from "./pages/page-schemas.ts";
import { followAct } from "./streams/act-follow.ts";
import { type PassPlan, passAct, passPlan } from "./streams/act-pass.ts";
import { watchAct } from "./streams/act-watch.ts";

type Contracts = ReadonlyMap<string, ContractModel>;

/** Throws `api-definition`. `maxBodyBytes`: where neither the operation nor the API says. Default 1 MiB. */
export function prepare(
  api: ApiDefinition,
  name: string,
  operation: ApiOperation,
  shop: Workshop,
  {
    contracts,
    maxBodyBytes = 1_048_576,
  }: { readonly contracts: Contracts; readonly maxBodyBytes?: number | undefined },
): Prepared {
  const passes = operation.kind === "calls" ? passPlan(api, name, operation, modelOf(operation, contracts)) : undefined;
  const accepted = acceptedOf(api, name, operation, contracts);
  const validate = closed(shop.compile(accepted), accepted);
  const most = operation.maxBodyBytes ?? api.maxBodyBytes ?? maxBodyBytes;
  const { spoken } = operation;
  // Of a body that passes nothing is read: what is left of the input stands in path and query.
  const asked = passes?.upload === undefined ? operation.method : "GET";
  const plan = spoken === undefined ? planInput(asked, operation.parameters, accepted, api.name) : planOf(spoken);
  const reader =
    spoken === undefined ? undefined : requestReader(spoken, api.base, validate, passes?.upload !== undefined);
  const answers = spoken === undefined ? plainAnswers : contractAnswers(spoken);
  const prepared: Prepared = {
    api,
    name,
    operation,
    label: `${api.name} ${api.version} ${name}`,
    plan,
    accepted,
    answered: answeredOf(api, name, operation, contracts),
    faults: shownFaults(operation, contracts),
    validate,
    maxBodyBytes: most,
    act: actOf(api, name, operation, shop, contracts, answers, passes),
    charges: chargesItself(operation, passes),
    read: (request, params) =>
      reader === undefined ? readInput(plan, validate, request, params, most) : reader(request, most),
    events: eventsOf(api, name, operation, shop, contracts),
    passes,
    offers: spoken === undefined || passes?.download !== undefined ? offersOf(operation, passes) : offerOf(spoken),
    ...(spoken === undefined ? {} : { shape: errorShape(spoken) }),
  };
  const reason = spoken === undefined ? undefined : errorProblem(spoken, failureStatuses(prepared, api));
  if (reason !== undefined) throw failure("api-definition", { api: api.name, reason: `${name}: ${reason}` });
  return prepared;
}

/** Where a contract takes what in: its reader knows, this says whether there is a body at all. */
function planOf({ operation }: Spoken): InputPlan {
  return { path: [], query: [], body: operation.binding.body !== undefined };
}

function actOf(
  api: ApiDefinition,
  name: string,
  operation: ApiOperation,
  shop: Workshop,
  contracts: Contracts,
  answers: Answers,
  passes: PassPlan | undefined,
): Act {
  if (operation.kind === "starts") return startAct(api, name, operation, shop, answers);
  if (operation.kind === "run") return runAct(operation, shop, answers);
  if (operation.kind === "runs") return runsAct(api, name, operation, shop);
  if (operation.kind === "follows" || operation.everyMs !== undefined) return neverCalled;
  const input =
    (passes?.upload === undefined ? undefined : passingInput(operation, contracts)) ??
    inputOf(api, name, operation.operation, contracts);
  const output = outputOf(operation, contracts);
  const { pages } = operation;
  if (pages !== undefined) return listAct(api, name, { ...operation, pages }, { input, output }, shop);
  return passes === undefined
    ? callAct(api, name, operation, input, output, shop, answers)
    : passAct(operation, passes, input, output, shop, answers);
}

/** A start, and a call whose answer may be on record: they know whether there is anything to be done. */
function chargesItself(operation: ApiOperation, passes: PassPlan | undefined): boolean {
  if (operation.kind === "starts") return true;
  const { kind } = operation;
  return kind === "calls" && passes === undefined && operation.pages === undefined && operation.everyMs === undefined;
}

const neverCalled: Act = () => Promise.reject(new TypeError("it answers with events"));

function eventsOf(
  api: ApiDefinition,
  name: string,
  operation: ApiOperation,
  shop: Workshop,
  contracts: Contracts,
): Prepared["events"] {
  if (operation.kind === "follows") return followAct(operation, shop);
  if (operation.kind !== "calls" || operation.everyMs === undefined) return undefined;
  const strange = operation.on?.find(({ system, name: event }) => contracts.get(system)?.events[event] === undefined);
  if (strange !== undefined) {
    const reason = `${name} is asked again on ${strange.system}.${strange.name}, an event that no contract has`;
    throw failure("api-definition", { api: api.name, reason });
  }
  const input = inputOf(api, name, operation.operation, contracts);
  return watchAct(operation, operation.everyMs, input, outputOf(operation, contracts), shop);
}

function offersOf(operation: ApiOperation, passes: PassPlan | undefined): Prepared["offers"] {
  if (passes?.download !== undefined) return passes.download.types;
  const isEvents = operation.kind === "follows" || (operation.kind === "calls" && operation.everyMs !== undefined);
  return isEvents ? "text/event-stream" : "application/json";
}

function modelOf({ operation }: CallsOperation, contracts: Contracts): OperationModel | undefined {
  return contracts.get(operation.system)?.operations[operation.name];
}

function acceptedOf(api: ApiDefinition, name: string, operation: ApiOperation, contracts: Contracts): Schema {
  if (operation.spoken !== undefined) {
    const { model, operation: of } = operation.spoken;
    const uploads = operation.kind === "calls" && operation.upload !== undefined;
    return schemaOf(model, (uploads ? passingBody(of)?.schema : undefined) ?? of.input);
  }
  if (operation.kind === "run" || operation.kind === "follows") return runInput;
  if (operation.kind === "runs") return runsInput(operation.pages);
  if (operation.accepts !== undefined) return operation.accepts.body as Schema;
  if (operation.kind === "starts") return operation.process.input as Schema;
  const passing = operation.upload === undefined ? undefined : passingInput(operation, contracts);
  if (passing !== undefined) return passing;
  const input = inputOf(api, name, operation.operation, contracts);
  return operation.pages === undefined ? input : listInput(input, operation.pages, api.name, name);
}

/** What a system takes beside a body that goes through. */
function passingInput(operation: CallsOperation, contracts: Contracts): Schema | undefined {
  const model = modelOf(operation, contracts);
  const passing = model && passingBody(model);
  const contract = contracts.get(operation.operation.system);
  return passing === undefined || contract === undefined ? undefined : schemaOf(contract, passing.schema);
}

function inputOf(
  api: ApiDefinition,
  name: string,
  operation: { readonly system: string; readonly name: string },
  contracts: Contracts,
): Schema {
  const model = contracts.get(operation.system);
  const found = model?.operations[operation.name];
  if (model === undefined || found === undefined) {
    const reason = `${name} calls ${operation.system}.${operation.name}, which no contract has`;
    throw failure("api-definition", { api: api.name, reason });
  }
  return schemaOf(model, found.input);
}

/** Also refuses what the schema does not name (OW-3). */
function closed(validate: Validate, schema: Schema): Validate {
  const { unknown } = fieldsOf(schema);
  return (value) => {
    const problems = validate(value);
    return problems.length > 0 ? problems : unknown(value as Json);
  };
}

function answeredOf(api: ApiDefinition, name: string, operation: ApiOperation, contracts: Contracts): Schema {
  const output = (operation.responds?.body as Schema | undefined) ?? outputOf(operation, contracts);
  const pages = operation.kind === "calls" ? operation.pages : undefined;
  return pages === undefined ? output : listOutput(output, pages, api.name, name);
}

function outputOf(operation: ApiOperation, contracts: Contracts): Schema {
  if (operation.kind !== "calls") return operation.process.output as Schema;
  const { system, name } = operation.operation;
  const model = contracts.get(system) as ContractModel;
  return schemaOf(model, model.operations[name]?.output ?? true);
}

/** Of a run's path: `{key}` alone. */
const runInput: Schema = Object.freeze({
  kind: "schema",
  json: {
    type: "object",
    properties: {
      key: { type: "string", minLength: 1, maxLength: longestKey, description: "Business key of the run." },
    },
    required: ["key"],
    additionalProperties: false,
  },
});
