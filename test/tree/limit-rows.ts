/** What a caller, a system or a message may take where nothing is configured, from the code's own constants. The page docs/reference/limits.md is written from it. */
import { systemDefaults } from "../../src/connectors/system.ts";
import { webhookTolerance } from "../../src/connectors/webhook.ts";
import { documentLimits } from "../../src/contract/read/document.ts";
import { mostRedirects } from "../../src/contract/read/source.ts";
import { wsdlLimits } from "../../src/contract/read/wsdl-load.ts";
import { jsonDefaults } from "../../src/formats/json.ts";
import { xmlDefaults } from "../../src/formats/xml.ts";
import { longestLine } from "../../src/observe/long-line.ts";
import { milliseconds } from "../../src/operation.ts";
import { outboundDefaults } from "../../src/outbound/client.ts";
import { maxInterim, maxRatio, ratioFloorBytes } from "../../src/outbound/exchange.ts";
import { policyOf } from "../../src/process/embedded/attempts/policy.ts";
import { stored } from "../../src/process/embedded/attempts/probing.ts";
import { largestInline } from "../../src/process/embedded/history/named.ts";
import { mostIssuerBytes } from "../../src/publish/access/issuer.ts";
import { unknownKidMs } from "../../src/publish/access/key-set.ts";
import { usualClockSkew } from "../../src/publish/access/oauth.ts";
import { longestIdempotencyKey } from "../../src/publish/idempotency.ts";
import { mostPairs } from "../../src/publish/input.ts";
import { lingering } from "../../src/publish/linger.ts";
import { listenerDefaults } from "../../src/publish/listener.ts";
import { longestPath } from "../../src/publish/routes.ts";
import { configOptions } from "../../src/server/project/config.ts";

export interface LimitRow {
  readonly what: string;
  readonly value: string;
  /** Where it is set: an option of the configuration, or of a system or an operation; `none`: it is fixed. */
  readonly set: string;
  /** What happens beyond it. */
  readonly beyond: string;
  /** Name of the test that tries it at the limit, one below and one above; of times, with shorter ones. */
  readonly test: string;
  /** Why it is what it is, where one would expect another number. */
  readonly note?: string;
}

const { limits } = configOptions;
const count = (n: number) => n.toLocaleString("en-US");
const bytes = (n: number) => (n % 1_048_576 === 0 ? `${n / 1_048_576} MiB` : `${n / 1024} KiB`);
const time = (ms: number) => (ms % 3_600_000 === 0 ? `${ms / 3_600_000} h` : `${ms / 1000} s`);
const duration = (text: string) => time(milliseconds(text as "1s"));

const tests = {
  caller: "OW-4 limits: what a caller may send is taken at the limit and refused one above it",
  formats: "OW-4 limits: JSON and XML, wherever they are read",
  answers: "OW-10 limits: what a system may answer is taken at the limit and refused one above it",
  issuers: "limits: an issuer's answers, the pause between fetches of its keys, and clocks",
  contracts: "limits: how deep a contract may be, whatever it is written in",
  slow: "attack 15: slow headers, a slow body and an idle connection end by their deadlines; others are served meanwhile",
  rest: "what is read away for the sake of an answer has an end: by amount, and by time",
  connections: "connections in all are limited",
  connecting: "a connection that does not come about is given up before the deadline",
  attempt: "the total deadline cuts a silent system and a slow drip",
  retention: "IK-7 limits: a key is remembered for as long as the configuration says, and not a millisecond longer",
  attempts: "limits: a step that fails is tried so often, and no more, before its run parks",
  values: "limits: a value of a run is taken at the limit of its bytes and of its levels, and refused by name above it",
  inline: "limits: a value stands in its history up to a size, and beside it above",
  history: "limits: a run parks when its history has as many bytes as it may have",
  line: "attack 37: a line has 16 KiB at most, in bytes as they are written; what comes first and the message stay",
  failure: "limits: so much is kept of a failure's text",
} as const;

export const limitRows: readonly LimitRow[] = [
  {
    what: "path, names and values of headers, together",
    value: bytes(listenerDefaults.headerBytes),
    set: "none",
    beyond: "431 `headers-too-large`",
    test: tests.caller,
  },
  {
    what: "headers of a request",
    value: count(listenerDefaults.headers),
    set: "none",
    beyond: "431 `headers-too-large`",
    test: tests.caller,
  },
  {
    what: "characters of a path",
    value: count(longestPath),
    set: "none",
    beyond: "400 `path-refused`",
    test: tests.caller,
  },
  {
    what: "parameters of a query",
    value: count(mostPairs),
    set: "none",
    beyond: "400 `input-invalid`",
    test: tests.caller,
  },
  {
    what: "request body",
    value: bytes(limits.bodyBytes.default),
    set: "`limits.bodyBytes`, `maxBodyBytes` of an API or an operation",
    beyond: "413 `body-too-large`",
    test: tests.caller,
  },
  {
    what: "levels of JSON",
    value: count(jsonDefaults.maxDepth),
    set: "none",
    beyond: "413 `json-limit`",
    test: tests.caller,
  },
  {
    what: "members of an object",
    value: count(jsonDefaults.maxKeys),
    set: "none",
    beyond: "413 `json-limit`",
    test: tests.caller,
  },
  {
    what: "values of a JSON text",
    value: count(jsonDefaults.maxItems),
    set: "none",
    beyond: "413 `json-limit`",
    test: tests.caller,
  },
  {
    what: "levels of XML",
    value: count(xmlDefaults.depth),
    set: "none",
    beyond: "`xml-limit`",
    note: `WSDL and XML Schema, which are large, may have ${count(wsdlLimits.depth)}`,
    test: tests.formats,
  },
  {
    what: "attributes of an element",
    value: count(xmlDefaults.attributes),
    set: "none",
    beyond: "`xml-limit`",
    note: `WSDL and XML Schema ${count(wsdlLimits.attributes)}`,
    test: tests.formats,
  },
  {
    what: "elements of an XML text",
    value: count(xmlDefaults.elements),
    set: "none",
    beyond: "`xml-limit`",
    note: `WSDL and XML Schema ${count(wsdlLimits.elements)}`,
    test: tests.formats,
  },
  {
    what: "levels of a contract in JSON or YAML",
    value: count(documentLimits.maxDepth),
    set: "none",
    beyond: "`contract-unreadable`",
    test: tests.contracts,
  },
  {
    what: "time for the head of a request",
    value: duration(limits.headersTimeout.default),
    set: "`limits.headersTimeout`",
    beyond: "408 `request-timeout`",
    test: tests.slow,
  },
  {
    what: "time for a whole request, and for reading its answer",
    value: duration(limits.requestTimeout.default),
    set: "`limits.requestTimeout`",
    beyond: "408 `request-timeout`; the connection ends",
    test: tests.slow,
  },
  {
    what: "an idle connection",
    value: duration(limits.keepAlive.default),
    set: "`limits.keepAlive`",
    beyond: "the connection ends",
    test: tests.slow,
  },
  {
    what: "the rest of a body that is refused, read away for the sake of the answer",
    value: `${bytes(lingering.bytes)}, 1 s of silence`,
    set: "fixed, and `limits.requestTimeout`",
    beyond: "the connection is cut",
    test: tests.rest,
  },
  {
    what: "connections of one address",
    value: count(limits.connectionsPerAddress.default),
    set: "`limits.connectionsPerAddress`",
    beyond: "the next is closed",
    note: "an IPv6 network of /64 is one address",
    test: tests.caller,
  },
  {
    what: "connections in all",
    value: count(limits.connections.default),
    set: "`limits.connections`",
    beyond: "the next is closed",
    test: tests.connections,
  },
  {
    what: "connecting to a system",
    value: time(outboundDefaults.connectMs),
    set: "none",
    beyond: "`outbound-connect`",
    test: tests.connecting,
  },
  {
    what: "one attempt, from its beginning to the last byte of its answer",
    value: duration(systemDefaults.timeout),
    set: "`timeout` of a system or an operation",
    beyond: "`outbound-timeout`",
    note: "one deadline for all of it: a first byte in time and a drip after it gain nothing",
    test: tests.attempt,
  },
  {
    what: "a system's answer, unpacked",
    value: bytes(outboundDefaults.bytes),
    set: "`maxResponseBytes` of a system",
    beyond: "`outbound-too-large`",
    test: tests.answers,
  },
  {
    what: "unpacked bytes for each packed one",
    value: count(maxRatio),
    set: "none",
    beyond: "`outbound-too-large`",
    note: `gzip alone, once; answers under ${bytes(ratioFloorBytes)} are no bomb`,
    test: tests.answers,
  },
  {
    what: "interim answers before an answer",
    value: count(maxInterim),
    set: "none",
    beyond: "`outbound-answer`",
    test: tests.answers,
  },
  {
    what: "redirects of a call; of a contract's file",
    value: `0; ${mostRedirects}`,
    set: "none",
    beyond: "the redirect is the answer; `outbound-redirect`",
    test: tests.answers,
  },
  {
    what: "an issuer's metadata and keys",
    value: bytes(mostIssuerBytes),
    set: "none",
    beyond: "503 `issuer-unavailable`",
    note: "some issuers publish certificate chains with their keys",
    test: tests.issuers,
  },
  {
    what: "between two fetches for unknown keys",
    value: time(unknownKidMs),
    set: "none",
    beyond: "401",
    test: tests.issuers,
  },
  {
    what: "clocks of issuers",
    value: duration(usualClockSkew),
    set: "`clockSkew` of `oauth()`",
    beyond: "401 `token-invalid`",
    test: tests.issuers,
  },
  {
    what: "clocks of senders of webhooks",
    value: `${webhookTolerance} s`,
    set: "none",
    beyond: "401 `webhook-refused`",
    test: tests.issuers,
  },
  {
    what: "characters of an idempotency key",
    value: count(longestIdempotencyKey),
    set: "none",
    beyond: "400 `idempotency-key-malformed`",
    test: tests.caller,
  },
  {
    what: "an idempotency key is remembered",
    value: duration(configOptions.idempotency.retention.default),
    set: "`idempotency.retention`, or that of an operation",
    beyond: "it is a new key",
    test: tests.retention,
  },
  {
    what: "attempts of a step before its run parks",
    value: count(policyOf().none.attempts),
    set: "`retry` of a step, a process or a system",
    beyond: "the run parks",
    note: "with jitter, within the system's retry budget",
    test: tests.attempts,
  },
  {
    what: "a value of a run",
    value: bytes(limits.valueBytes.default),
    set: "`limits.valueBytes`",
    beyond: "`value-too-large`",
    note: "as large as a system's answer may be, so that what was answered can be kept",
    test: tests.values,
  },
  {
    what: "a value that stands in the history itself",
    value: bytes(largestInline),
    set: "none",
    beyond: "it is stored beside it, and named by its hash",
    test: tests.inline,
  },
  {
    what: "levels of such a value",
    value: count(limits.valueDepth.default),
    set: "`limits.valueDepth`",
    beyond: "`value-too-deep`",
    note: "code makes values too, not only messages",
    test: tests.values,
  },
  {
    what: "the whole history of a run",
    value: bytes(limits.historyBytes.default),
    set: "`limits.historyBytes`",
    beyond: "the run parks as `history-full`",
    note: "bytes, not steps: a step may be ten bytes or eight megabytes",
    test: tests.history,
  },
  {
    what: "a line of the log",
    value: bytes(longestLine),
    set: "none",
    beyond: "fields become `[cut]`",
    test: tests.line,
  },
  {
    what: "what is kept of an error's text",
    value: bytes(stored(new Error("x".repeat(1_048_576))).message.length),
    set: "none",
    beyond: "it is cut",
    test: tests.failure,
  },
];
