/**
 * A version's operation made of another version's: `adapt(v2.operations.placeOrder, { accepts, responds })`. What the old version takes
 * becomes what the new one takes, what the new one answers becomes what the old one answers; everything between is shared. A mapping
 * that does not fit is a compile error.
 */
import type { Schema } from "../../operation.ts";
import type {
  Accepts,
  ApiOperation,
  CallsOperation,
  Carries,
  FollowsOperation,
  Method,
  PathOf,
  RunOperation,
  StartsOperation,
} from "../operations.ts";
import { parametersOf } from "../operations.ts";

/** What a request to an operation holds, and what its answer is made of. */
type Taken<O> = O extends Carries<infer B, infer _R> ? B : never;
type Answered<O> = O extends Carries<infer _B, infer R> ? R : never;
/** The same kind of operation, with the old version's types. */
type Adapted<O extends ApiOperation, OldB, OldR> = Carries<OldB, OldR> &
  (O extends StartsOperation
    ? StartsOperation
    : O extends RunOperation
      ? RunOperation
      : O extends FollowsOperation
        ? FollowsOperation
        : CallsOperation);

/** What the old version says otherwise. Default, of each: as in the new one. */
export interface AdaptOptions<P extends string, B, R, OldB, OldR> {
  readonly method?: Method;
  /** The names in braces are properties of what the old version takes. */
  readonly path?: P;
  readonly scope?: string;
  readonly summary?: string;
  readonly description?: string;
  /** From what the old version takes to what the new one takes. Not of what shows a run. */
  readonly accepts?: Accepts<OldB, NoInfer<B>>;
  /** From what the new version answers to what the old one does. What shows a run answers, without `responds` of its own, the run's view. */
  readonly responds?: { readonly body: Schema<OldR>; readonly map: (answer: R) => NoInfer<OldR> };
}

/** The operation for the old version. Throws a TypeError for a path or method that does not suit the kind of operation. */
export function adapt<O extends ApiOperation, const P extends string, OldB = Taken<O>, OldR = Answered<O>>(
  operation: O,
  options: AdaptOptions<P, Taken<O>, Answered<O>, OldB, OldR> & { readonly path?: PathOf<P, OldB> },
): Adapted<O, OldB, OldR>;
export function adapt(
  operation: ApiOperation,
  options: AdaptOptions<string, unknown, unknown, unknown, unknown>,
): ApiOperation {
  const { accepts, responds, path = operation.path, ...said } = options;
  const method = said.method ?? operation.method;
  const parameters = parametersOf(path);
  const refuse = (reason: string) => new TypeError(`adapt("${path}"): ${reason}`);
  const shows = operation.kind === "run" || operation.kind === "follows";
  if (shows && accepts !== undefined) throw refuse("what shows a run accepts nothing but its key");
  if (shows && (method !== "GET" || parameters.length !== 1 || parameters[0] !== "key"))
    throw refuse("a run is shown by GET, and by its business key: name exactly one parameter, {key}");
  const pages = operation.kind === "runs" || (operation.kind === "calls" && operation.pages !== undefined);
  if (pages && (accepts !== undefined || responds !== undefined))
    throw refuse("what gives pages is adapted in its path alone");
  if (operation.kind === "runs" && (method !== "GET" || parameters.length > 0))
    throw refuse("runs are listed by GET, and by nothing but their owner: the path has no parameters");
  if (operation.kind === "starts" && method === "GET") throw refuse("a GET starts no process");
  if (operation.kind === "calls" && method === "GET" && operation.operation.effect !== "read")
    throw refuse(`a GET can't call ${operation.operation.name}, which is ${operation.operation.effect}`);
  const before = operation.responds;
  const shown =
    responds === undefined
      ? {}
      : { responds: Object.freeze(before === undefined ? responds : { ...responds, before }) };
  const adapts = Object.freeze({ method: operation.method, path: operation.path });
  // How the new version's contract is spoken is no matter of the old one's.
  const { spoken: _, ...shared } = operation;
  const adapted = { ...shared, ...said, adapts, method, path, parameters, ...shown };
  if (operation.kind === "run" || operation.kind === "runs" || operation.kind === "follows" || accepts === undefined)
    return Object.freeze(adapted) as ApiOperation;
  const next = operation.accepts;
  const taken = Object.freeze(next === undefined ? accepts : { ...accepts, next });
  return Object.freeze({ ...adapted, accepts: taken }) as ApiOperation;
}
