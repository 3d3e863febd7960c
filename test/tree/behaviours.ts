/** The behaviours that published APIs are held to, by id, in our own words. Those that no test shows say why. */

export interface Behaviour {
  readonly what: string;
  /** Why no test bears it. */
  readonly why?: string;
}
export interface Standard {
  readonly title: string;
  readonly entries: Readonly<Record<string, Behaviour>>;
}

const of = (what: string, why?: string): Behaviour => (why === undefined ? { what } : { what, why });

export const behaviours: readonly Standard[] = [
  {
    title: "OAuth 2 as a resource server (RFC 6750, RFC 9700, RFC 7662, RFC 9728)",
    entries: {
      "OA2-1": of("a token comes in the header only, and never twice"),
      "OA2-2": of("each refusal has its status and error code"),
      "OA2-3": of("a token without this API's audience is refused"),
      "OA2-4": of("an introspected token is not believed beyond its end"),
      "OA2-5": of("the metadata of the protected resource is served, and challenges point to it"),
      "OA2-7": of("clear HTTP is not led on to TLS, and a credential that came in clear is told and can be revoked"),
    },
  },
  {
    title: "JWT access tokens (RFC 9068)",
    entries: {
      "AT-1": of("the type of a token is checked; a relaxed check can be seen"),
      "AT-2": of("issuer, audience, times and the required claims are checked"),
      "AT-3": of("an ID token opens nothing"),
      "AT-4": of("keys are cached, fetched again for an unknown one, and kept while the issuer is away"),
    },
  },
  {
    title: "JWT best practice (RFC 8725)",
    entries: {
      "JB-1": of("algorithms are those that are listed, whatever the token says"),
      "JB-2": of("a public key never becomes a shared secret"),
      "JB-3": of("addresses in a token are not followed, and a key id is only compared"),
      "JB-4": of("encrypted and nested tokens are refused before anything is unpacked"),
      "JB-5": of("a member that is named twice refuses the token"),
      "JB-6": of("one kind of token is never taken for another"),
    },
  },
  {
    title: "Client certificates (RFC 8705, RFC 9440)",
    entries: {
      "MT-1": of("a bound token is taken with its certificate only"),
      "MT-2": of("chain, purpose and revocation are checked, against the anchors of the API"),
      "MT-3": of("a certificate in a header is believed of configured peers only"),
      "MT-4": of("certificates are exchanged without a restart"),
      "MT-5": of("outbound TLS is always verified"),
    },
  },
  {
    title: "Webhooks (standard-webhooks 1.0.0)",
    entries: {
      "SW-7": of("inner addresses are not called"),
      "SW-9": of(
        "incoming signatures are checked over the bytes, in constant time, in a window of time, and each message counts once",
      ),
    },
  },
  {
    title: "API security (OWASP API Top 10, 2023)",
    entries: {
      "OW-1": of("an operation without an access rule is not published, and rules look at the object"),
      "OW-2": of("guesses are slowed, and tell nobody who is known"),
      "OW-3": of("only the fields of the contract come in and go out"),
      "OW-4": of("size and depth are bounded everywhere"),
      "OW-5": of("what an operation needs is listed, and operators have an address of their own"),
      "OW-6": of("business limits count what the input says"),
      "OW-7": of("calls go to allowed addresses"),
      "OW-8": of("no page of a browser is let in unless it is named"),
      "OW-9": of("what is undeclared or retired is not reached, and calls of it are shown"),
      "OW-10": of("answers of systems are bounded, checked, and not followed elsewhere"),
    },
  },
  {
    title: "Problem details (RFC 9457)",
    entries: {
      "PD-1": of("every error that is made here is a problem"),
      "PD-2": of("type and status are what they have to be"),
      "PD-3": of("each cause has its type, and a documented entry"),
      "PD-4": of("an instance finds the log's line"),
      "PD-5": of("nothing of the inside is shown"),
      "PD-6": of("a client is not confused by members that it does not know or that have a wrong type"),
      "PD-7": of("input that does not fit is named by JSON Pointers"),
      "PD-8": of("a system's declared fault is passed on where the API maps it"),
    },
  },
  {
    title: "Rate limit fields (draft-ietf-httpapi-ratelimit-headers-11)",
    entries: {
      "RL-1": of("429 has Retry-After"),
      "RL-2": of("the fields are structured fields"),
      "RL-3": of("the reset is in seconds, and Retry-After is not earlier"),
      "RL-4": of("numbers are not negative"),
      "RL-5": of("the problem names the violated policies"),
      "RL-6": of("no field says whose requests are counted"),
      "RL-7": of("the revision is pinned and named as a draft"),
      "RL-8": of("as a client Retry-After counts, whatever other fields say"),
    },
  },
  {
    title: "Idempotency keys (draft-ietf-httpapi-idempotency-key-header-08)",
    entries: {
      "IK-1": of("a key is a structured string; a bare one is taken where that is wanted"),
      "IK-2": of("missing, reused, in flight and completed are told apart"),
      "IK-3": of("a key counts for its client and operation alone"),
      "IK-4": of("the reservation is on disk before the effect"),
      "IK-5": of("retention, fingerprint and length are published"),
      "IK-6": of("a repeated answer is marked"),
      "IK-7": of("a key that has expired is new"),
      "IK-8": of("calls downstream have keys that follow from it"),
    },
  },
  {
    title: "Deprecation and Sunset (RFC 9745, RFC 8594)",
    entries: {
      "DS-1": of("Deprecation is a structured date"),
      "DS-2": of("it may lie ahead or behind"),
      "DS-3": of("Sunset is an HTTP date, not before it"),
      "DS-4": of("links lead to the notice and the successor"),
      "DS-5": of("on every answer, once, and readable by pages"),
      "DS-6": of("the description says the same"),
      "DS-7": of("unchanged until the sunset, 410 from then on"),
      "DS-8": of("planned times without service before a sunset are announced, and logged for each consumer"),
      "DS-9": of("as a client, such headers open an item"),
    },
  },
];
