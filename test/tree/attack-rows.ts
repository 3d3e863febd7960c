/** The attacks that this project is held to, by number, in our own words. Those that no test shows say why. */

export interface AttackRow {
  readonly what: string;
  readonly expected: string;
  /** Why no test bears its number. */
  readonly why?: string;
}

const of = (what: string, expected: string, why?: string): AttackRow =>
  why === undefined ? { what, expected } : { what, expected, why };

export const attackRows: Readonly<Record<number, AttackRow>> = {
  1: of("tokens without a signature: `alg` none, an empty signature", "401; nothing in them is believed"),
  2: of("a public key used as a shared secret, keys in odd forms", "401; the algorithm comes from the configuration"),
  3: of(
    "`kid` as a path or a statement; `jwk`, `jku`, `x5u` that lead elsewhere",
    "401; nothing is asked, a key id is only compared",
  ),
  4: of(
    "tokens that are expired, early, or for somebody else; other kinds of token",
    "401; 30 seconds of clock difference",
  ),
  5: of(
    "keys that rotate; thousands of unknown key ids; an issuer that is away, slow or huge",
    "keys are fetched once in a while; known keys go on working",
  ),
  6: of("guessed API keys", "found by id, compared by hash in constant time; a revoked key ends at once"),
  7: of(
    "the callback of an OpenID Connect login",
    "refused without its own state",
    "there is no login by browser; the admin API takes tokens",
  ),
  8: of(
    "wrapped XML signatures",
    "only what was verified is used",
    "XML signatures are not taken; a UsernameToken is all of WS-Security that is read",
  ),
  9: of("identifiers of another consumer's runs", "as an unknown one; nothing changes"),
  10: of("fields that the contract does not name: id, owner, role, status", "400, and nothing is done"),
  11: of(
    "a callback or an answer that is repeated, late, early, or for another run",
    "counts once, for the run that waits for its key",
  ),
  12: of(
    "request smuggling, direct and by way of a straight call",
    "one request in is at most one out; 400, and the connection ends",
  ),
  13: of(
    "two hosts, other forms of the target, disguised paths, method overrides",
    "400, or policy and routing see the same",
  ),
  14: of("bodies over the limit: declared, undeclared, lying, many at once", "413 before they are held"),
  15: of(
    "slow heads, slow bodies, slow readers, idle connections",
    "ended by their deadlines; others are served meanwhile",
  ),
  16: of("thousands of headers, long addresses, thousands of parameters", "431 or 400"),
  17: of("HTTP/2: floods, resets, upgrades", "HTTP/2 is not spoken: 400, and the connection ends"),
  18: of(
    "TLS: odd names, old versions, wrong certificates, resumed sessions",
    "the handshake or the request fails; the server stays up",
  ),
  19: of(
    "forged addresses in headers, many addresses of one network",
    "one count for each network; headers are not believed",
  ),
  20: of("compressed bombs", "requests take no encoding; answers are bounded in size and ratio"),
  21: of("JSON and YAML: depth, breadth, duplicates, numbers, broken texts", "400 before anything walks through it"),
  22: of("XML entities", "any DOCTYPE is refused"),
  23: of("files and addresses named in XML", "nothing is opened or asked"),
  24: of("references out of a contract, and rings of them", "refused and named"),
  25: of("`__proto__` and its like as names, everywhere", "plain data, or refused"),
  26: of("patterns that other engines never finish", "a linear-time engine, or refused"),
  27: of("bodies that imitate uploads; wrong and double content types", "415 or 400; no file is named by a request"),
  28: of("texts that other systems would evaluate", "come out as they went in; the server evaluates no text"),
  29: of("addresses in disguise", "refused before anything is connected"),
  30: of(
    "redirects",
    "not followed; a contract's are, three, without credentials elsewhere and to no other inner host",
  ),
  31: of("names that resolve to something else the second time", "the address that is checked is the one that is used"),
  32: of(
    "credentials for another host; line ends in headers",
    "sent to their own origin only; refused at the start, or as input",
  ),
  33: of("TLS of systems: self-signed, expired, other names", "the call fails, and says why"),
  34: of(
    "systems that send more, less or other than they said",
    "the connection ends; what comes while nothing is asked is never an answer",
  ),
  35: of(
    "SQL in values and names",
    "values are bound; statements are pinned",
    "shown by `src/connectors/sql.test.ts`: there is no way to build a statement from a value",
  ),
  36: of(
    "paths in files: climbing, links, devices",
    "refused",
    "shown by `src/connectors/files.test.ts`: names come from the folder itself, never from a message",
  ),
  37: of(
    "formulas in CSV; line ends and control characters in the log",
    "one event is one line of JSON of 16 KiB at most; no CSV is made: rows that were rejected are kept as they came",
  ),
  38: of("webhooks: unsigned, forged, old, repeated", "401; each message counts once; no secret, no start"),
  39: of(
    "the console: scripts in data, other origins, framing",
    "inert; refused",
    "there is no console yet; the admin API refuses what a page of another origin sends (`src/server/admin/admin.test.ts`)",
  ),
  40: of("secrets, wherever an error could show them", "in no log, answer, metric or error"),
};
