/**
 * Every error that Mortise raises on purpose: a stable code, a sentence with the remedy, what to do next (class),
 * whether the effect may have happened (outcome) and the HTTP status at the edge.
 *
 * Codes never change their meaning. A test compares this table with docs/reference/errors/ in both directions.
 * All codes stand in one place, however long it gets, so that none is taken twice. This file imports nothing.
 */

/**
 * What to do about a failure. `retry`: the same again, after a pause. `wait`: the other side said when; waiting burns no
 * attempt. `give-up`: the same again fails the same way. `ask`: only a person can know.
 */
export type FailureClass = "retry" | "wait" | "give-up" | "ask";

/** Whether a failed call took effect. `none`: surely not. `unknown`: it may have. */
export type Outcome = "none" | "unknown";

interface ErrorEntry {
  /** HTTP status where this error reaches an HTTP caller. */
  readonly status: number;
  readonly class: FailureClass;
  /** The sentence; `{name}` is replaced by a parameter. Ends with the remedy. */
  readonly text: string;
}

const table = {
  // --- anywhere -----------------------------------------------------------------------------------------------------
  internal: {
    status: 500,
    class: "ask",
    text: "Something went wrong inside Mortise: {reason}. Please report it with the log around this time.",
  },
  // --- formats ------------------------------------------------------------------------------------------------------
  "csv-unreadable": {
    status: 400,
    class: "give-up",
    text: "The CSV text can't be read: at line {line}, {reason}. Correct the file at its source and deliver it again.",
  },
  "xml-malformed": {
    status: 400,
    class: "give-up",
    text: "The XML can't be read: at {place}, {reason}. Have the sender mend it.",
  },
  "xml-limit": {
    status: 400,
    class: "give-up",
    text: "The XML is refused: at {place}, {reason}. Ask the sender for a smaller document, or raise the limit.",
  },
  "xml-character": {
    status: 422,
    class: "give-up",
    text: "The character {character} can't be written in XML. Take it out of the value, or send the value as base64.",
  },
  "json-invalid": {
    status: 400,
    class: "give-up",
    text: "The JSON text can't be read: at {place}, {reason}. Send JSON in UTF-8 as RFC 8259 describes it.",
  },
  "json-limit": {
    status: 413,
    class: "give-up",
    text: "The JSON text is refused: {what} exceeds the limit of {limit}. Send less at a time, or raise the limit.",
  },
  // --- contract -----------------------------------------------------------------------------------------------------
  "contract-pin-unreadable": {
    status: 500,
    class: "give-up",
    text: "The pinned contract {file} can't be read: {reason}. Restore it from git, or write it again with: mortise types",
  },
  "contract-pin-changed": {
    status: 500,
    class: "give-up",
    text: "The pinned contract {file} is not the one that its contract.ts was written for. Restore both from git, or write them again with: mortise types",
  },
  "contract-unreadable": {
    status: 400,
    class: "give-up",
    text: "The contract {file} can't be read: at {place}, {reason}.",
  },
  "contract-source": {
    status: 400,
    class: "give-up",
    text: "The contract {source} can't be found: {reason}. Name a file, a URL, a system of the project, or a file at a git revision such as HEAD~1:systems/erp/erp.wsdl.",
  },
  "contract-language": {
    status: 400,
    class: "give-up",
    text: "The contract of {system} is {before}, and {source} is {now}: that is another system to the code. Add it under a name of its own with mortise add, or replace this one with mortise add {system} {source} --replace",
  },
  "override-invalid": {
    status: 400,
    class: "give-up",
    text: "The overrides in {file} can't be used: at {place}, {reason}. Each has a rule, a verdict, a reason, an owner and the day on which it ends.",
  },
  // --- outbound -----------------------------------------------------------------------------------------------------
  "outbound-request": {
    status: 500,
    class: "give-up",
    text: "The request to {host} can't be sent: {reason}. Correct the address, the headers or the mapping; nothing was sent.",
  },
  "outbound-address": {
    status: 502,
    class: "give-up",
    text: "{host}{place} is not called: {reason}. If the system belongs to your own network, set internal: true in its settings; for a contract on a command line, add --internal.",
  },
  "outbound-connect": {
    status: 502,
    class: "retry",
    text: "No connection to {host}: {reason}. Nothing was sent; check that the system runs and that its address is right.",
  },
  "outbound-tls": {
    status: 502,
    class: "retry",
    text: "No secure connection to {host}: {reason}. Nothing was sent; renew its certificate, or add your authority with NODE_EXTRA_CA_CERTS.",
  },
  "outbound-timeout": {
    status: 504,
    class: "retry",
    text: "{host} did not answer in time. Look at the system, or raise the timeout in its settings.",
  },
  "outbound-reset": {
    status: 502,
    class: "retry",
    text: "The connection to {host} broke before a whole answer came: {reason}. Look whether the system restarted.",
  },
  "outbound-answer": {
    status: 502,
    class: "retry",
    text: "What {host} answers is not proper HTTP: {reason}. Look at the system, or at a proxy in between.",
  },
  "outbound-too-large": {
    status: 502,
    class: "ask",
    text: "The answer of {host} is larger than {limit} bytes, or grows too much when unpacked. Ask for less, or raise maxResponseBytes in the system's settings.",
  },
  "outbound-encoding": {
    status: 502,
    class: "ask",
    text: "{host} packs its answer as {encoding}, which was not asked for. Switch that off in the system, or in a proxy in between.",
  },
  "outbound-redirect": {
    status: 502,
    class: "give-up",
    text: "{host} redirects, and the redirect is not followed: {reason}. Use the final address.",
  },
  "outbound-aborted": {
    status: 503,
    class: "retry",
    text: "The request to {host} was called off. Repeat it if it is still wanted.",
  },
  "outbound-busy": {
    status: 503,
    class: "retry",
    text: "All {limit} places for calls to {system} were taken for as long as the call could wait. Raise concurrency in its settings if the system can bear it.",
  },
  "outbound-closed": {
    status: 503,
    class: "retry",
    text: "Mortise is stopping: the request to {host} was not sent. It is repeated after the restart.",
  },
  // --- connectors ---------------------------------------------------------------------------------------------------
  "system-unbound": {
    status: 500,
    class: "give-up",
    text: "{system} can't be called: {reason}. Add the system to the project, or refresh its contract with: mortise types",
  },
  "system-away": {
    status: 503,
    class: "wait",
    text: "{system} is away: it failed too often in a row, and nothing is sent but a call now and then that looks for it. Since when, and why: health.circuit at GET /systems of the admin API",
  },
  "webhook-secret": {
    status: 500,
    class: "give-up",
    text: 'The webhook secret of {system} can\'t be used: {reason}. Set webhookSecret to whsec_ and base64 of 24 to 64 random bytes, made by: node -p \'"whsec_" + crypto.randomBytes(32).toString("base64")\'',
  },
  "webhook-refused": {
    status: 401,
    class: "give-up",
    text: "The delivery is not signed as it should be. Sign the raw body with the current secret, and send it within five minutes.",
  },
  "sql-unavailable": {
    status: 503,
    class: "retry",
    text: "The database of {system} can't be used now: {reason}. Nothing was changed; check that it is there and lets us in, and who holds it locked.",
  },
  "sql-refused": {
    status: 502,
    class: "give-up",
    text: "The database of {system} refused {operation}: {reason}. Everything was rolled back; compare the contract with the database.",
  },
  "sql-commit": {
    status: 502,
    class: "retry",
    text: "The database of {system} failed while {operation} was being committed: {reason}. Whether it took effect is not known; look at the database and its log.",
  },
  "sql-timeout": {
    status: 504,
    class: "retry",
    text: "{operation} was not done in time at the database of {system}; it was cancelled there and rolled back. Look who holds locks, or raise the timeout in the system's settings.",
  },
  "driver-missing": {
    status: 500,
    class: "give-up",
    text: "{system} speaks to {database}, which needs the package {package}. Install it in the project: npm install {package}",
  },
  "sql-too-large": {
    status: 502,
    class: "ask",
    text: "{operation} returns more than {limit} bytes. Ask for less with a limit, or raise maxResponseBytes in the system's settings.",
  },
  "files-settings": {
    status: 500,
    class: "give-up",
    text: "The folder of {system} can't be watched: {reason}. Correct its connection, its permissions or its description.",
  },
  "contract-input": {
    status: 422,
    class: "give-up",
    text: "The input of {operation} does not fit its contract: {problems}. Nothing was sent; mend the mapping.",
  },
  "contract-output": {
    status: 502,
    class: "ask",
    text: "The answer of {operation} does not fit its contract: {problems}. The system may have drifted: compare its contract.",
  },
  "soap-fault": {
    status: 502,
    class: "retry",
    text: "{operation} was answered with the SOAP fault {fault}, which its contract does not declare. Look at the system's own log for the reason.",
  },
  "soap-status": {
    status: 502,
    class: "retry",
    text: "{operation} was answered with HTTP {status} and no SOAP envelope. Check the address of the system, its credentials, and any proxy in between.",
  },
  "connection-invalid": {
    status: 500,
    class: "give-up",
    text: "The connection of {system} can't work: {reason}. Mend it in the system's index.ts, or the variable it is read from.",
  },
  "rest-unavailable": {
    status: 502,
    class: "retry",
    text: "{operation} was answered with status {status}{said}: the other side failed. It is tried again; if it stays so, look at that system.",
  },
  "rest-wait": {
    status: 503,
    class: "wait",
    text: "{operation} was answered with status {status}{said}: the other side asks for a pause. It is called again afterwards; lower the concurrency if this is frequent.",
  },
  "rest-refused": {
    status: 502,
    class: "give-up",
    text: "{operation} was refused with status {status}{said}, and its contract declares no such fault. Check credentials and address, and whether the contract is up to date.",
  },
  "oauth-token": {
    status: 502,
    class: "retry",
    text: "The system {system} needs an access token, and none was given: {reason}. Check the tokenUrl, client and secret of its credentials.",
  },
  // --- store --------------------------------------------------------------------------------------------------------
  "store-full": {
    status: 503,
    class: "wait",
    text: "The disk of the store has no space left, or less than is kept in reserve. Nothing was done; make space, and it goes on by itself.",
  },
  "store-failed": {
    status: 503,
    class: "retry",
    text: "The store stopped after a write error ({reason}); nothing more is accepted. Mend the disk and restart: everything acknowledged is there.",
  },
  "store-changed": {
    status: 500,
    class: "give-up",
    text: "The store was made by an unreleased build of Mortise: its migration {number} of part {part} reads differently. Start that build, or begin with a new store (Harbour Supply: npm start -- --fresh).",
  },
  "store-newer": {
    status: 500,
    class: "give-up",
    text: "The store was written by a newer Mortise (part {part} is at {found}, this one knows {known}). Start the newer version, or restore the backup made before the upgrade.",
  },
  "store-open": {
    status: 500,
    class: "give-up",
    text: "The store {file} can't be opened: {reason}. Check that the folder is writable, has space, and belongs to this installation; restore a damaged file from a backup.",
  },
  // --- process ------------------------------------------------------------------------------------------------------
  "run-key-conflict": {
    status: 409,
    class: "give-up",
    text: "There is already a run of {process} with the key {key}, and its input differs. Use another key, or look at run {run}.",
  },
  "start-time": {
    status: 422,
    class: "give-up",
    text: "A run of {process} can't be started for later: {reason}. Give a time as epoch milliseconds or ISO 8601, at most ten years ahead.",
  },
  "start-limit-key": {
    status: 500,
    class: "give-up",
    text: "The limits of {process} name no key for this input: {reason}. Nothing was started. Mend limits.per.key of the process.",
  },
  "start-queue-full": {
    status: 429,
    class: "wait",
    text: "{limit} runs of {process} wait for their turn already, and its queue takes no more. Nothing was started. Send it again later, or raise limits.queue of the process.",
  },
  "start-overload": {
    status: 503,
    class: "wait",
    text: "More starts are on their way to the disk than it can take at the moment. Nothing was started; send it again in a few seconds.",
  },
  "start-open-runs": {
    status: 503,
    class: "wait",
    text: "{limit} runs are open, as many as limits.openRuns of the configuration allows. Nothing was started; look at what is parked or waits, or raise the limit.",
  },
  "run-key-invalid": {
    status: 422,
    class: "give-up",
    text: "The business key of {process} is empty or longer than {limit} characters. Mend the process's key function or its input.",
  },
  "run-unknown": {
    status: 404,
    class: "give-up",
    text: "There is no run {run}. List the runs with: mortise runs list",
  },
  "trace-unknown": {
    status: 404,
    class: "give-up",
    text: "Nothing is on record of {key}: no idempotency key, business key, run or effect key{narrowed}. A record of an Idempotency-Key is kept until it expires; ask by the business key or the run after that.",
  },
  "run-ended": {
    status: 409,
    class: "give-up",
    text: "Run {run} has ended as {status}, which is final. Start a new run instead.",
  },
  "question-stale": {
    status: 409,
    class: "give-up",
    text: "Run {run} no longer asks question {question}: somebody has answered it, or it has gone on. Look at the run again before you decide.",
  },
  "run-restarted": {
    status: 409,
    class: "give-up",
    text: "Run {run} was restarted already, as run {as}. Act on that one.",
  },
  "runs-changed": {
    status: 409,
    class: "give-up",
    text: "The filter finds {found} runs by now, and {expected} were expected. Nothing was done. Look at the preview again.",
  },
  "bulk-unknown": {
    status: 404,
    class: "give-up",
    text: "There is no act on many runs with the id {job}. List them with GET /runs/acts or mortise runs jobs.",
  },
  "run-step-unknown": {
    status: 409,
    class: "give-up",
    text: "Run {run} has no step {step} to go back to. Its steps are: {known}.",
  },
  "run-operation": {
    status: 409,
    class: "give-up",
    text: "Run {run} is {status}: {operation} is not possible now. Possible: {possible}.",
  },
  "act-unfit": {
    status: 409,
    class: "give-up",
    text: "What is given ({act}) does not fit the call that the run asks about: {problems}. Give this run one of its own.",
  },
  "probe-fault": {
    status: 502,
    class: "retry",
    text: "The probe {probe} answered with the fault {fault}, which does not say whether {step} happened. Mend what the probe needs (rights, input), or, where that fault means that nothing is there, name it under effects, in notFound of {probe}.",
  },
  "probe-unfit": {
    status: 502,
    class: "ask",
    text: "What the probe {probe} found can't be the result of {step}: {problems}. Turn it into such a result with the probe's found, which gives undefined where nothing is there.",
  },
  "step-timeout": {
    status: 504,
    class: "retry",
    text: "The step took longer than its {ms} ms. Give it a longer timeout, or make it stop at its signal.",
  },
  "value-not-json": {
    status: 500,
    class: "give-up",
    text: "The value of {what} can't stand in a history: {reason}. Pass plain JSON values.",
  },
  "value-too-large": {
    status: 413,
    class: "give-up",
    text: "The value of {what} has {size} bytes of JSON; a history takes {limit}. Store it elsewhere and pass a reference, or raise limits.valueBytes.",
  },
  "value-unknown": {
    status: 404,
    class: "give-up",
    text: "The run {run} names no value {hash}. The hashes stand in the run, as inputReference and outputReference.",
  },
  "value-unreadable": {
    status: 500,
    class: "ask",
    text: "What the store holds at {place} can't be read: {reason}. Restore the database from a backup, or give back the key that it was encrypted with.",
  },
  "value-too-deep": {
    status: 400,
    class: "give-up",
    text: "The value of {what} has lists and objects inside each other on more than {limit} levels. Make it flatter, or raise limits.valueDepth.",
  },
  "state-invalid": {
    status: 500,
    class: "give-up",
    text: "The state that {process} shows does not fit its state schema: {problems}. Correct flow.state(...) or the schema.",
  },
  "instant-invalid": {
    status: 500,
    class: "give-up",
    text: "{value} names no moment. Pass a Date, epoch milliseconds, or ISO 8601 text with its zone, such as 2026-12-24T18:00:00Z.",
  },
  "task-unknown": {
    status: 404,
    class: "give-up",
    text: "There is no task {task}. List the open ones with: mortise runs tasks",
  },
  "task-closed": {
    status: 409,
    class: "give-up",
    text: "Task {task} is {status}; an answer is no longer possible.",
  },
  "process-unknown": {
    status: 404,
    class: "give-up",
    text: "There is no process {process}. Name one that a file in processes/ exports and that is deployed.",
  },
  "schedule-unknown": {
    status: 404,
    class: "give-up",
    text: "There is no schedule {schedule}. See them with: mortise schedules list",
  },
  "schedule-state": {
    status: 409,
    class: "give-up",
    text: "The schedule {schedule} is {state}. Look at it with: mortise schedules show {schedule}",
  },
  "schedule-input": {
    status: 422,
    class: "give-up",
    text: "The schedule {schedule} can't start a run for {at}: {reason}. Mend its input function, then: mortise schedules run-now {schedule}",
  },
  // --- publish ------------------------------------------------------------------------------------------------------
  "api-definition": {
    status: 500,
    class: "give-up",
    text: "The API {api} can't be published: {reason}.",
  },
  "api-sunset": {
    status: 410,
    class: "give-up",
    text: "This version of the API ended on {at}. Use its successor, {successor}.",
  },
  "api-brownout": {
    status: 503,
    class: "wait",
    text: "This deprecated version of the API rests until {until}, as announced, before it ends. Move to its successor, {successor}.",
  },
  "api-blocked": {
    status: 503,
    class: "wait",
    text: "This version of the API is blocked by its operators at the moment. Nothing was done; wait as long as Retry-After says.",
  },
  "api-preview": {
    status: 403,
    class: "give-up",
    text: "This version of the API is a preview for named consumers, and you are none of them. Ask the API's owner to be named.",
  },
  "api-not-blocked": {
    status: 409,
    class: "give-up",
    text: "{api} {version} is not blocked. See how its versions stand with: mortise apis list",
  },
  "api-ending": {
    status: 409,
    class: "give-up",
    text: "{api} {version} ends on {at}, so nobody new begins with it. Nothing was given; give what its successor takes, which is at {successor}.",
  },
  "api-in-use": {
    status: 409,
    class: "give-up",
    text: "{api} {version} is in use and does not retire: {by}. Wait until it is not, or decide it by naming all of them: mortise apis retire {api} {version} --reason <why>{overrides}",
  },
  "api-retired": {
    status: 409,
    class: "give-up",
    text: "Version {major} of {api} is retired already. See how its versions stand with: mortise apis list",
  },
  "api-not-retired": {
    status: 409,
    class: "give-up",
    text: "Version {major} of {api} is not retired. See how its versions stand with: mortise apis list",
  },
  "api-unpublishable": {
    status: 500,
    class: "give-up",
    text: "Nothing was published: {problems}. Mend that first; mortise check shows it with its place.",
  },
  "api-version-unknown": {
    status: 404,
    class: "give-up",
    text: "There is no version {version} of an API {api}. List them with: mortise apis list",
  },
  "request-malformed": {
    status: 400,
    class: "give-up",
    text: "The request is not sound HTTP: {reason}. Mend the client, or what stands between it and this server.",
  },
  "request-timeout": {
    status: 408,
    class: "retry",
    text: "The request did not arrive whole within {seconds} s. Send it again, without pauses.",
  },
  "headers-too-large": {
    status: 431,
    class: "give-up",
    text: "The request line and headers are more than {limit}. Send fewer or shorter ones.",
  },
  "tls-required": {
    status: 403,
    class: "give-up",
    text: "This port takes TLS alone, and the request came in clear. Call it by https. A credential that was in it could be read on its way: have it replaced.",
  },
  "body-too-large": {
    status: 413,
    class: "give-up",
    text: "The body is larger than {limit} bytes. Send less at a time.",
  },
  "path-refused": {
    status: 400,
    class: "give-up",
    text: "The path is refused: {reason}. Send it in plain form, each value percent-encoded once.",
  },
  "route-unknown": {
    status: 404,
    class: "give-up",
    text: "There is nothing under this path. {where}.",
  },
  "method-not-allowed": {
    status: 405,
    class: "give-up",
    text: "This path does not take {method}. It takes: {allowed}.",
  },
  "media-type-unsupported": {
    status: 415,
    class: "give-up",
    text: "The body must be sent as {expected}, uncompressed. Set Content-Type, and no Content-Encoding.",
  },
  "not-acceptable": {
    status: 406,
    class: "give-up",
    text: "The answer is {offered}, and the Accept header excludes it. Accept that, or send no Accept header.",
  },
  "input-invalid": {
    status: 400,
    class: "give-up",
    text: "The request does not fit the API's description; `errors` says where. Nothing was done; mend it and send it again.",
  },
  "cursor-invalid": {
    status: 400,
    class: "give-up",
    text: "The cursor is none of this list: it was changed, or it belongs to another caller, to other parameters or to another server. Ask for the first page again.",
  },
  "credential-missing": {
    status: 401,
    class: "give-up",
    text: "Nothing says who calls. Send one credential of a kind that this API takes: its description lists them, and so does the WWW-Authenticate header.",
  },
  "credential-several": {
    status: 400,
    class: "give-up",
    text: "The request carries more than one credential. Send one, in one place only; never in the query.",
  },
  "credential-invalid": {
    status: 401,
    class: "give-up",
    text: "The credential is not one that this API takes. Its description lists those that it does.",
  },
  "token-invalid": {
    status: 401,
    class: "give-up",
    text: "The access token is refused: {reason}. {remedy}.",
  },
  "signature-refused": {
    status: 401,
    class: "give-up",
    text: "The request is not signed as it should be. Sign the bytes that you send with the current secret, and send them within the time that the API states.",
  },
  "certificate-refused": {
    status: 401,
    class: "give-up",
    text: "The client certificate is not one that this API takes. Show one whose authority and name the API's owner has on the list.",
  },
  "password-refused": {
    status: 401,
    class: "give-up",
    text: "User and password do not fit. Ask the API's owner.",
  },
  "password-busy": {
    status: 503,
    class: "wait",
    text: "Too many passwords are being checked at the moment. Nothing was done; send the request again later.",
  },
  "issuer-unavailable": {
    status: 503,
    class: "wait",
    text: "The authorization server can't be asked at the moment, so the token can't be checked. Send the request again later.",
  },
  "issuer-failed": {
    status: 503,
    class: "wait",
    text: "The authorization server {issuer} can't be used: {reason}.",
  },
  "api-key-missing": {
    status: 401,
    class: "give-up",
    text: "An API key is needed. Send it as `Authorization: Bearer <key>` or as `X-API-Key: <key>`, in one place only.",
  },
  "api-key-invalid": {
    status: 401,
    class: "give-up",
    text: "The API key is not valid: unknown, revoked or expired. Ask the API's owner for a new one.",
  },
  "api-key-unknown": {
    status: 404,
    class: "give-up",
    text: "There is no API key {key}. List them with: mortise keys list",
  },
  "api-key-definition": {
    status: 400,
    class: "give-up",
    text: "The API key can't be made: {reason}.",
  },
  "role-missing": {
    status: 403,
    class: "give-up",
    text: "The caller has none of the roles {roles}. Ask the API's owner for one, or whoever gives out the caller's tokens.",
  },
  "not-allowed": {
    status: 403,
    class: "give-up",
    text: "The caller may use this operation, but not for this. Nothing was done. Ask the API's owner what its rule says.",
  },
  "scope-missing": {
    status: 403,
    class: "give-up",
    text: "The caller lacks the scope {scope}. Ask the API's owner for a credential that has it.",
  },
  "consumer-definition": {
    status: 400,
    class: "give-up",
    text: "The consumer can't be set: {reason}.",
  },
  "consumer-unknown": {
    status: 404,
    class: "give-up",
    text: "There is no consumer {consumer} that was set or disabled. See: mortise consumers list.",
  },
  "consumer-disabled": {
    status: 403,
    class: "give-up",
    text: "The consumer {consumer} is disabled. Ask the API's owner why.",
  },
  "quota-exceeded": {
    status: 429,
    class: "wait",
    text: "Too many requests: {allowed} are allowed. Wait as long as Retry-After says.",
  },
  "idempotency-key-missing": {
    status: 400,
    class: "give-up",
    text: "This operation needs an Idempotency-Key header. Make a new key for each order of business, and repeat it with each retry.",
  },
  "idempotency-key-malformed": {
    status: 400,
    class: "give-up",
    text: 'The Idempotency-Key is malformed: {reason}. Send one string in double quotes, such as "8e03978e-40d5-43dd-bc93-6894a57f9324".',
  },
  "idempotency-key-reused": {
    status: 422,
    class: "give-up",
    text: "This Idempotency-Key was used with another request. Use a new key for a new request, and the same request for a retry.",
  },
  "idempotency-in-flight": {
    status: 409,
    class: "retry",
    text: "The first request with this Idempotency-Key is still being worked on. Ask again in a moment.",
  },
  "idempotency-outcome-unknown": {
    status: 409,
    class: "ask",
    text: "The first request with this Idempotency-Key was interrupted, and whether it took effect is not known; it is not repeated. Look at the system, then use a new key.",
  },
  "range-unsatisfiable": {
    status: 416,
    class: "give-up",
    text: "The part that Range asks for is not there. Ask for another one, or for the whole.",
  },
  "streams-full": {
    status: 503,
    class: "wait",
    text: "As many streams of events are open as this server holds. Open it again after the time in Retry-After, or read the present state by a plain request.",
  },
  "streams-exceeded": {
    status: 429,
    class: "wait",
    text: "You have {limit} streams of events open, and may have no more. Close one, or open it again after the time in Retry-After.",
  },
  "streams-stopping": {
    status: 503,
    class: "wait",
    text: "The server is about to stop, and opens no streams any more. Open it again after the time in Retry-After.",
  },
  "resource-unknown": {
    status: 404,
    class: "give-up",
    text: "There is nothing under this key that you may see.",
  },
  "run-not-completed": {
    status: 422,
    class: "give-up",
    text: "The request was accepted, and ended as {status}. The reason is in `reason`; the status link shows it too.",
  },
  "fault-declared": {
    status: 422,
    class: "give-up",
    text: "The request was understood and refused: {fault}. The API's description says what that means.",
  },
  "mapping-unfit": {
    status: 500,
    class: "ask",
    text: "`accepts` made of a request what {inside} does not take: {problems}. Nothing was started or called. The request is what the API's own schema allows: mend the mapping, or let that schema ask for what is needed.",
  },
  "system-unavailable": {
    status: 503,
    class: "retry",
    text: "A system behind this API does not answer now; nothing was done. Try again later.",
  },
  "system-failed": {
    status: 502,
    class: "give-up",
    text: "A system behind this API failed, or gave an answer that can't be used. Tell the API's owner the `X-Request-Id` of this answer.",
  },
  "system-outcome-unknown": {
    status: 504,
    class: "ask",
    text: "A system behind this API did not confirm in time; whether it took effect is not known. Look before you send it again.",
  },
  // --- observe, server ----------------------------------------------------------------------------------------------
  "config-invalid": {
    status: 500,
    class: "give-up",
    text: "The configuration can't be used: {problems}. Mend mortise.config.ts or the variable; docs/reference/configuration.md names every option.",
  },
  "project-invalid": {
    status: 500,
    class: "give-up",
    text: "The project {folder} can't be loaded: {problems}. Mend the files named; `mortise check` shows all of it.",
  },
  "encryption-key": {
    status: 500,
    class: "give-up",
    text: "The encryption key can't be used: it must be {bytes} bytes in base64, or several of them with commas between, the newest first. One is made by: node -p 'crypto.randomBytes({bytes}).toString(\"base64\")'",
  },
  "encryption-key-missing": {
    status: 500,
    class: "give-up",
    text: "The store holds values that were encrypted with the key {ids}, and encryption.key does not give that key. Add it after the present one, or the store can't be read.",
  },
  "secrets-missing": {
    status: 500,
    class: "give-up",
    text: "{others}These values are missing: {missing}. To give them, {ways}.",
  },
  "secrets-unencrypted": {
    status: 409,
    class: "give-up",
    text: "The store keeps secrets only where it encrypts. Set encryption.key in mortise.config.ts and restart, or write the secret as a file (mode 600) into the secrets folder.",
  },
  "secret-invalid": {
    status: 422,
    class: "give-up",
    text: "The secret can't be kept: {reason}. Nothing was changed.",
  },
  "secret-unknown": {
    status: 404,
    class: "give-up",
    text: "The store has no secret {name}. See which there are with: mortise secrets list",
  },
  "secret-needed": {
    status: 409,
    class: "give-up",
    text: "The secret {name} is used by {places}, and it stands nowhere else. Set another value, or write it as a file first.",
  },
  "secret-damaged": {
    status: 500,
    class: "ask",
    text: "The secret {name} of the store can't be opened: {reason}. Restore the store from a backup, or give encryption.key the key that it was encrypted with.",
  },
  "secret-open": {
    status: 500,
    class: "give-up",
    text: "What is to be known to its owner alone can be read by others: {file}. Run: chmod 600 {file}",
  },
  "version-damaged": {
    status: 500,
    class: "ask",
    text: "The code version {version} can't be used: {reason}. Restore the folder {folder} from a backup; its runs wait until then.",
  },
  "version-refused": {
    status: 422,
    class: "give-up",
    text: "The code is refused: {problems}. Nothing was changed. Mend the files named, and deploy again.",
  },
  "reload-refused": {
    status: 422,
    class: "give-up",
    text: "The project as it is now is not taken: {problems}. Nothing was changed, and what was served goes on. Mend what is named, and reload again.",
  },
  "version-unfit": {
    status: 409,
    class: "give-up",
    text: "{what}: {problems}. Nothing was {done}. Mend that; {help}.",
  },
  "version-unknown": {
    status: 404,
    class: "give-up",
    text: "There is no code version {version} here: it was never registered, or it was drained and is gone. See: mortise versions list",
  },
  "version-moved": {
    status: 409,
    class: "give-up",
    text: "Another code version than the one you saw was promoted meanwhile; {version} was not. Look, and decide again: mortise versions list",
  },
  "version-differs": {
    status: 409,
    class: "give-up",
    text: "The server sees other sources ({found}) than those that were checked ({expected}). Deploy from the folder that the server runs in, {folder}, while nobody edits it.",
  },
  "run-there": {
    status: 409,
    class: "give-up",
    text: "The run {run} is on the code version {version} already. Nothing is to be moved.",
  },
  "run-not-rehearsed": {
    status: 409,
    class: "give-up",
    text: "The run {run} was not rehearsed on the code version {version}, so it is not moved there. Rehearse it first: mortise rehearse --version {version} --run {run}",
  },
  "run-diverges": {
    status: 409,
    class: "give-up",
    text: "The run {run} can't go on with the code version {version}: {reason}. It stays where it is. Mend the code so that it follows what is recorded, and deploy it.",
  },
  "run-busy": {
    status: 409,
    class: "retry",
    text: "The run {run} can't be moved at this moment: a step is under way, or it went on meanwhile. Nothing was changed. Try again in a moment.",
  },
  "rehearsal-busy": {
    status: 409,
    class: "retry",
    text: "Another rehearsal is under way. Wait until it is done, and start this one again.",
  },
  "version-first": {
    status: 409,
    class: "give-up",
    text: "There is no version to go back to: no other one was promoted before this, or it is gone. Promote one by its id: mortise versions list",
  },
  "store-in-use": {
    status: 500,
    class: "give-up",
    text: "The store {folder} is in use by process {pid}. Stop that one first, or start with another store folder.",
  },
  "runtime-too-old": {
    status: 500,
    class: "give-up",
    text: "{what} {found} can't be used: {reason}. Install {wanted} or newer.",
  },
  "server-failed": {
    status: 500,
    class: "give-up",
    text: "The server could not start: {reason}.",
  },
  "webhook-unknown": {
    status: 404,
    class: "give-up",
    text: "There is no webhook of {system}. A system takes webhooks when its contract has webhook events and its webhookSecret is set.",
  },
  "webhook-event": {
    status: 422,
    class: "give-up",
    text: "The message of {system} names none of its events. Nothing was recorded; a message of several possible events says which in its field type or event. A system that does not say it can be taken with one event: mortise types {system} --only <event>",
  },
  "event-unknown": {
    status: 404,
    class: "give-up",
    text: "There is no event {event} of a system {system}. GET /systems lists the systems and their events.",
  },
  "event-payload": {
    status: 422,
    class: "give-up",
    text: "This is no {event} of {system}: {problems}. Nothing was recorded; compare the message with the contract.",
  },
  "admin-unauthorized": {
    status: 401,
    class: "give-up",
    text: "The admin API needs a token: send Authorization: Bearer <token>. A running server writes one for this machine into admin.json in its store folder.",
  },
  "admin-forbidden": {
    status: 403,
    class: "give-up",
    text: "This needs the role {needed}, and the token {token} has the role {role}. Ask an admin for another token.",
  },
  "admin-origin": {
    status: 403,
    class: "give-up",
    text: "The request was refused: {reason}. The admin API takes requests to a loopback name, and none from web pages of other origins.",
  },
  "admin-unknown": {
    status: 404,
    class: "give-up",
    text: "There is no {what}. GET /openapi.json names every address of the admin API.",
  },
  "admin-request": {
    status: 400,
    class: "give-up",
    text: "The request does not fit: {problems}. GET /openapi.json says what is expected.",
  },
  "token-unknown": {
    status: 404,
    class: "give-up",
    text: "There is no token {token}. List them with GET /tokens.",
  },
  // --- testing ------------------------------------------------------------------------------------------------------
  "fake-missing": {
    status: 500,
    class: "give-up",
    text: "{operation} was called and has no fake. Give it one before the run gets there: world.fake({operation}, (input) => ...).",
  },
  "fake-answer": {
    status: 500,
    class: "give-up",
    text: "The fake of {operation} answers what its contract does not allow: {problems}. Mend the fake.",
  },
  "fake-port": {
    status: 500,
    class: "give-up",
    text: "The fake can't listen at {address}: {reason}. Give it another port, or 0 for any free one.",
  },
  "fake-database": {
    status: 400,
    class: "give-up",
    text: "The fake database {file} can't be made: {reason}.",
  },
  "fake-rule": {
    status: 400,
    class: "give-up",
    text: "The fake can't be told that: {reason}.",
  },
  "fake-event": {
    status: 400,
    class: "give-up",
    text: "The fake can't send the event {event}: {reason}.",
  },
  "fake-failed": {
    status: 502,
    class: "retry",
    text: "The fake of {operation} failed, as the test wants: {reason}. Move the clock for the next attempt, or change the fake.",
  },
  "test-value": {
    status: 422,
    class: "give-up",
    text: "The test hands in what does not fit: {what}: {problems}. Mend the test's data.",
  },
  "test-process-unknown": {
    status: 404,
    class: "give-up",
    text: "The process {process} is not of this world. Name it among the processes of testWorld.",
  },
  "test-no-task": {
    status: 409,
    class: "give-up",
    text: "There is no open task {task} to answer; {run}. Bring the run there first, or move the clock less.",
  },
  "test-not-ended": {
    status: 409,
    class: "give-up",
    text: "The run has not ended; {run}. Signal the event, answer the task or the question, or move the clock.",
  },
  "test-endless": {
    status: 500,
    class: "give-up",
    text: "After {turns} turns the world has not come to rest. Look for a loop in the process that waits for nothing.",
  },
  "explore-failed": {
    status: 500,
    class: "give-up",
    text: "{process} can go wrong:\n\n{story}\n\nMend the process, or the invariant if this history is right after all.",
  },
  // --- command line -------------------------------------------------------------------------------------------------
  "project-missing": {
    status: 400,
    class: "give-up",
    text: "There is no project in {folder}: no mortise.config.ts here or above. Make one with: mortise init demo",
  },
  "folder-unwritable": {
    status: 400,
    class: "give-up",
    text: "The folder {folder} can't be made or written: {reason}. Choose another one, or mend its rights.",
  },
  "folder-not-empty": {
    status: 400,
    class: "give-up",
    text: "The folder {folder} holds files already, and nothing there is overwritten. Choose another folder, or empty it.",
  },
  "name-invalid": {
    status: 400,
    class: "give-up",
    text: "{name} can't be the name of a {what}. Write lower case letters, digits and dashes, beginning with a letter.",
  },
  "confirmation-needed": {
    status: 400,
    class: "give-up",
    text: "Nothing was done: this can't be taken back, and nobody can be asked here. Look at what would happen, and say --yes.",
  },
  "option-invalid": {
    status: 400,
    class: "give-up",
    text: "The value of {option} does not fit: {reason}. Examples are in the command's --help.",
  },
  "output-unwritten": {
    status: 500,
    class: "give-up",
    text: "What the command printed could not be written: {reason}. Make room where its output goes, and look before you run it again: it may have been carried out.",
  },
  "system-exists": {
    status: 409,
    class: "give-up",
    text: "There is a system {name} already, in {folder}. To take its contract anew, add --replace; to refresh contract.ts, run: mortise types {name}",
  },
  "api-contract-exists": {
    status: 409,
    class: "give-up",
    text: "There is a contract {name} already, in {folder}. To take it anew, add --replace; to refresh contract.ts, run: mortise types {folder}",
  },
  "system-missing": {
    status: 404,
    class: "give-up",
    text: "There is no system {name} in this project; there are: {systems}. Add it with: mortise add {name} <contract>",
  },
  "server-unreachable": {
    status: 503,
    class: "retry",
    text: "No server of this project was reached at {address}: {reason}. Start it with: mortise start",
  },
  "server-token": {
    status: 401,
    class: "give-up",
    text: "The admin API at {address} needs a token, and none was found in {file}. Run this as the user who started the server, or set MORTISE_ADMIN_TOKEN.",
  },
} as const satisfies Record<string, ErrorEntry>;

/** A stable code, such as `contract-unreadable`. */
export type ErrorCode = keyof typeof table;

type ParameterNames<T extends string> = T extends `${string}{${infer N}}${infer Rest}`
  ? N | ParameterNames<Rest>
  : never;
type ParametersOf<C extends ErrorCode> = {
  readonly [N in ParameterNames<(typeof table)[C]["text"]>]: string | number;
};

/** What an error may carry besides its sentence. Nothing here may hold a secret or a sensitive field (P8). */
export interface ErrorExtras {
  readonly cause?: unknown;
  /** Default `none`. */
  readonly outcome?: Outcome;
  /** Overrides the class of the table, where the same code can mean either. */
  readonly class?: FailureClass;
  /** Milliseconds after which the other side wants to be asked again. */
  readonly retryAfterMs?: number;
  /** Machine-readable facts, shown to the caller (for example validation problems with JSON Pointers). */
  readonly details?: unknown;
}

/** An error with a code. `class` and `outcome` tell the engine what to do next. */
export class MortiseError extends Error {
  override readonly name = "MortiseError";
  readonly code: ErrorCode;
  readonly class: FailureClass;
  readonly outcome: Outcome;
  readonly retryAfterMs: number | undefined;
  readonly details: unknown;

  constructor(code: ErrorCode, message: string, extras: ErrorExtras = {}) {
    super(message, extras.cause === undefined ? undefined : { cause: extras.cause });
    this.code = code;
    this.class = extras.class ?? table[code].class;
    this.outcome = extras.outcome ?? "none";
    this.retryAfterMs = extras.retryAfterMs;
    this.details = extras.details;
  }

  /** HTTP status at the edge. */
  get status(): number {
    return table[this.code].status;
  }
}

/** Makes the error of `code`; its sentence is filled from `parameters` as plain text. */
export function failure<C extends ErrorCode>(
  code: C,
  parameters: ParametersOf<C>,
  extras: ErrorExtras = {},
): MortiseError {
  const given = parameters as Readonly<Record<string, string | number>>;
  // What is filled in may be a sentence: it brings its own full stop.
  const message = table[code].text.replace(/\{(\w+)\}(\.?)/g, (_, name: string, stop: string) => {
    const value = String(given[name]);
    return stop !== "" && /[.!?]$/.test(value) ? value : value + stop;
  });
  return new MortiseError(code, message, extras);
}

/** The whole table, for the docs test and the error reference. */
export const errorTable: Readonly<Record<ErrorCode, ErrorEntry>> = table;

/** A name from outside, fit for a sentence: as it is where it is short and plain, else words in its place. */
export function plainName(name: string, instead = "of that form"): string {
  return /^[\w.:-]{1,80}$/.test(name) ? name : instead;
}

/** What was thrown, in words: code may throw anything, also what throws when it is looked at. */
export function thrownText(error: unknown): string {
  try {
    return error instanceof Error ? String(error.message) : String(error);
  } catch {
    return "something that can't be put in words";
  }
}

/** Any thrown value as a `MortiseError`; an unknown one becomes `internal`, with unknown outcome. */
export function asMortiseError(error: unknown): MortiseError {
  if (error instanceof MortiseError) return error;
  const reason = thrownText(error);
  return failure("internal", { reason }, { cause: error, outcome: "unknown" });
}
