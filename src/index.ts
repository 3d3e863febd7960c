/** The names a user types. */
export {
  type Credentials,
  files,
  rest,
  type System,
  type SystemSettings,
  soap,
  sql,
} from "./connectors/system.ts";
export { type Contract, type ContractTypes, type PinnedContract, pinnedContract } from "./contract/contract.ts";
export { type OptionalSchema, t } from "./contract/shape.ts";
export { type ErrorCode, MortiseError } from "./errors.ts";
export { type Classification, defineRequirement, type Requirement } from "./observe/requirement.ts";
export {
  addDecimals,
  compareDecimals,
  type Decimal,
  type Duration,
  decimal,
  type Effect,
  type EventType,
  env,
  type FaultsOf,
  type Infer,
  type InputOf,
  type Int64,
  int64,
  type Json,
  type Operation,
  type OutputOf,
  type PayloadOf,
  type Schema,
  secret,
} from "./operation.ts";
export { defineProcess, type ProcessDefinition } from "./process/define.ts";
export { ChildFailed, DeclaredFault, type Flow, FlowTimeout, isFault, type Race } from "./process/flow.ts";
export type { Instant } from "./process/instant.ts";
export type { KeyLimits, ProcessLimits, StartRate } from "./process/limits.ts";
export { defineSchedule, type ScheduleDefinition, type Tick } from "./process/schedule.ts";
export { defineTask, type TaskDefinition } from "./process/task.ts";
export type { Access } from "./publish/access/access.ts";
export { apiKey } from "./publish/access/api-key.ts";
export { type BasicOptions, basic } from "./publish/access/basic.ts";
export { type CertificateRule, type MtlsOptions, mtls } from "./publish/access/mtls.ts";
export { type OAuthOptions, oauth } from "./publish/access/oauth.ts";
export { type HmacScheme, type SignedOptions, signed } from "./publish/access/signed.ts";
export type { CorsOptions } from "./publish/answers/cors.ts";
export { type ApiDefinition, defineApi } from "./publish/define.ts";
export { fault } from "./publish/implement/fault.ts";
export { implementApi } from "./publish/implement/implement.ts";
export { adapt } from "./publish/lifecycle/adapt.ts";
export { deprecated, draft, type Lifecycle, preview, published, retired } from "./publish/lifecycle/states.ts";
export type {
  ConcurrencyLimit,
  Cost,
  Limit,
  LimitPer,
  Plan,
  QuotaLimit,
  QuotaWindow,
  RateLimit,
} from "./publish/limits/limit.ts";
export { type ApiCaller, type ApiOperation, del, get, patch, post, put, type RunView } from "./publish/operations.ts";
export type { CircuitSettings, FailureKind, RetryBudget, RetryPolicy, RetryRules } from "./retry.ts";
export { type ConfigOptions, defineConfig } from "./server/project/config.ts";
