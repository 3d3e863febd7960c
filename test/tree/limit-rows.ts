/** What a caller, a system or a message may take where nothing is configured, from the code's own constants. The page docs/reference/limits.md is written from it. */
import { webhookTolerance } from "../../src/connectors/webhook.ts";
import { jsonDefaults } from "../../src/formats/json.ts";
import { xmlDefaults } from "../../src/formats/xml.ts";
import { longestLine } from "../../src/observe/long-line.ts";
import { milliseconds } from "../../src/operation.ts";
import { outboundDefaults } from "../../src/outbound/client.ts";
import { maxInterim, maxRatio } from "../../src/outbound/exchange.ts";
import { mostIssuerBytes } from "../../src/publish/access/issuer.ts";
import { unknownKidMs } from "../../src/publish/access/key-set.ts";
import { longestIdempotencyKey } from "../../src/publish/idempotency.ts";
import { mostPairs } from "../../src/publish/input.ts";
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
  /** Why it is what it is, where one would expect another number. */
  readonly note?: string;
}

const { limits } = configOptions;
const count = (n: number) => n.toLocaleString("en-US");
const bytes = (n: number) => (n % 1_048_576 === 0 ? `${n / 1_048_576} MiB` : `${n / 1024} KiB`);
const time = (ms: number) => (ms % 3_600_000 === 0 ? `${ms / 3_600_000} h` : `${ms / 1000} s`);
const duration = (text: string) => time(milliseconds(text as "1s"));

export const limitRows: readonly LimitRow[] = [
  {
    what: "path, names and values of headers, together",
    value: bytes(listenerDefaults.headerBytes),
    set: "none",
    beyond: "431 `headers-too-large`",
  },
  {
    what: "headers of a request",
    value: count(listenerDefaults.headers),
    set: "none",
    beyond: "431 `headers-too-large`",
  },
  { what: "characters of a path", value: count(longestPath), set: "none", beyond: "400 `path-refused`" },
  { what: "parameters of a query", value: count(mostPairs), set: "none", beyond: "400 `input-invalid`" },
  {
    what: "request body",
    value: bytes(limits.bodyBytes.default),
    set: "`limits.bodyBytes`, `maxBodyBytes` of an API or an operation",
    beyond: "413 `body-too-large`",
  },
  { what: "levels of JSON", value: count(jsonDefaults.maxDepth), set: "none", beyond: "413 `json-limit`" },
  { what: "members of an object", value: count(jsonDefaults.maxKeys), set: "none", beyond: "413 `json-limit`" },
  { what: "values of a JSON text", value: count(jsonDefaults.maxItems), set: "none", beyond: "413 `json-limit`" },
  {
    what: "levels of XML",
    value: count(xmlDefaults.depth),
    set: "none",
    beyond: "`xml-limit`",
    note: "contracts, which are large, may have 256; of JSON and YAML 200",
  },
  {
    what: "attributes of an element",
    value: count(xmlDefaults.attributes),
    set: "none",
    beyond: "`xml-limit`",
    note: "contracts 4,096",
  },
  {
    what: "elements of an XML text",
    value: count(xmlDefaults.elements),
    set: "none",
    beyond: "`xml-limit`",
    note: "contracts 2,000,000",
  },
  {
    what: "time for the head of a request",
    value: duration(limits.headersTimeout.default),
    set: "`limits.headersTimeout`",
    beyond: "408 `request-timeout`",
  },
  {
    what: "time for a whole request, and for reading its answer",
    value: duration(limits.requestTimeout.default),
    set: "`limits.requestTimeout`",
    beyond: "408 `request-timeout`; the connection ends",
  },
  {
    what: "an idle connection",
    value: duration(limits.keepAlive.default),
    set: "`limits.keepAlive`",
    beyond: "the connection ends",
  },
  {
    what: "connections of one address",
    value: count(limits.connectionsPerAddress.default),
    set: "`limits.connectionsPerAddress`",
    beyond: "the next is closed",
    note: "an IPv6 network of /64 is one address",
  },
  {
    what: "connections in all",
    value: count(limits.connections.default),
    set: "`limits.connections`",
    beyond: "the next is closed",
  },
  {
    what: "connecting to a system",
    value: time(outboundDefaults.connectMs),
    set: "none",
    beyond: "`outbound-connect`",
  },
  {
    what: "one attempt, from its beginning to the last byte of its answer",
    value: "10 s",
    set: "`timeout` of a system or an operation",
    beyond: "`outbound-timeout`",
    note: "one deadline for all of it: a first byte in time and a drip after it gain nothing",
  },
  {
    what: "a system's answer, unpacked",
    value: bytes(outboundDefaults.bytes),
    set: "`maxResponseBytes` of a system",
    beyond: "`outbound-too-large`",
  },
  {
    what: "unpacked bytes for each packed one",
    value: count(maxRatio),
    set: "none",
    beyond: "`outbound-too-large`",
    note: "gzip alone, once; answers under 64 KiB are no bomb",
  },
  { what: "interim answers before an answer", value: count(maxInterim), set: "none", beyond: "`outbound-answer`" },
  { what: "redirects of a call; of a contract's file", value: "0; 3", set: "none", beyond: "`outbound-redirect`" },
  {
    what: "an issuer's metadata and keys",
    value: bytes(mostIssuerBytes),
    set: "none",
    beyond: "503 `issuer-unavailable`",
    note: "some issuers publish certificate chains with their keys",
  },
  { what: "between two fetches for unknown keys", value: time(unknownKidMs), set: "none", beyond: "401" },
  { what: "clocks of issuers", value: "30 s", set: "`clockSkew` of `oauth()`", beyond: "401 `token-invalid`" },
  {
    what: "clocks of senders of webhooks",
    value: `${webhookTolerance} s`,
    set: "none",
    beyond: "401 `webhook-refused`",
  },
  {
    what: "characters of an idempotency key",
    value: count(longestIdempotencyKey),
    set: "none",
    beyond: "400 `idempotency-key-malformed`",
  },
  {
    what: "an idempotency key is remembered",
    value: duration(configOptions.idempotency.retention.default),
    set: "`idempotency.retention`, or that of an operation",
    beyond: "it is a new key",
  },
  {
    what: "attempts of a step before its run parks",
    value: "10",
    set: "`retry` of a step, a process or a system",
    beyond: "the run parks",
    note: "with jitter, within the system's retry budget",
  },
  {
    what: "a value of a run",
    value: bytes(limits.valueBytes.default),
    set: "`limits.valueBytes`",
    beyond: "`value-too-large`",
    note: "as large as a system's answer may be, so that what was answered can be kept",
  },
  {
    what: "levels of such a value",
    value: count(limits.valueDepth.default),
    set: "`limits.valueDepth`",
    beyond: "`value-too-deep`",
    note: "code makes values too, not only messages",
  },
  {
    what: "the whole history of a run",
    value: bytes(limits.historyBytes.default),
    set: "`limits.historyBytes`",
    beyond: "the run parks as `history-full`",
    note: "bytes, not steps: a step may be ten bytes or eight megabytes",
  },
  { what: "a line of the log", value: bytes(longestLine), set: "none", beyond: "fields become `[cut]`" },
  { what: "what is kept of an error's text", value: "4 KiB", set: "none", beyond: "it is cut" },
];
