/** API keys as a way of proving who calls. The keys themselves are in keyring.ts. */
import { failure } from "../../errors.ts";
import type { HttpRequest } from "../http.ts";
import type { Credential, Verdict, Way, WayTools } from "./way.ts";

/** What `apiKey()` gives. */
export interface ApiKeyAccess {
  readonly kind: "api-key";
}

/** API keys made with `mortise keys create`; sent as `Authorization: Bearer` or `X-API-Key`. */
export function apiKey(): ApiKeyAccess {
  return Object.freeze({ kind: "api-key" });
}

export function openApiKey({ keys }: WayTools): Way {
  return {
    challenge: { scheme: "Bearer", parameters: {} },
    places: ["bearer", "x-api-key"],
    owns: (credential) => ("token" in credential && credential.token.startsWith("mtz_") ? 2 : 0),
    check(credential: Credential, { memory }: HttpRequest): Verdict {
      const record = "token" in credential ? keys.authenticate(credential.token, memory) : undefined;
      return record === undefined
        ? { ok: false, error: failure("api-key-invalid", {}), guess: true }
        : { ok: true, caller: { id: record.consumer, scopes: record.scopes, via: "api-key", key: record.id } };
    },
    schemes: {
      bearer: { type: "http", scheme: "bearer", description: "The API key as a bearer token." },
      apiKey: { type: "apiKey", in: "header", name: "X-API-Key", description: "The API key in a header of its own." },
    },
  };
}
