/** Security schemes of OpenAPI (3.2.0, "Security Scheme Object"; Swagger 2.0, "Security Scheme Object"), and who asks for them. */
import type { OAuthFlow, OperationModel, SecurityScheme } from "../model.ts";
import type { Documents, Place } from "./openapi-documents.ts";

type Wanted = NonNullable<OperationModel["security"]>;

/** Swagger 2.0's names of the flows. */
const oldFlows: Readonly<Record<string, string>> = {
  application: "clientCredentials",
  accessCode: "authorizationCode",
  password: "password",
  implicit: "implicit",
};

export class Security {
  readonly #documents: Documents;
  readonly #schemes = new Map<string, Place>();
  readonly #used = new Map<string, SecurityScheme>();
  readonly #strange = new Map<string, unknown>();
  readonly #usual: Wanted | undefined;

  constructor(documents: Documents) {
    this.#documents = documents;
    const components = documents.member(documents.root, "components");
    const at =
      (components === undefined ? undefined : documents.member(components, "securitySchemes")) ??
      documents.member(documents.root, "securityDefinitions");
    for (const [name, place] of documents.members(at)) this.#schemes.set(name, place);
    this.#usual = this.#requirements(documents.root);
  }

  /** What the operation asks for: its own, else the contract's. */
  of(operation: Place): Wanted | undefined {
    return this.#requirements(operation) ?? this.#usual;
  }

  /** The schemes that were asked for. */
  named(): { readonly [name: string]: SecurityScheme } | undefined {
    return this.#used.size === 0 ? undefined : Object.fromEntries([...this.#used].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** What was asked for and is not understood, as it is written. */
  strange(): { readonly [name: string]: unknown } | undefined {
    return this.#strange.size === 0 ? undefined : Object.fromEntries(this.#strange);
  }

  #requirements(owner: Place): Wanted | undefined {
    const documents = this.#documents;
    const at = documents.member(owner, "security");
    if (at === undefined || at.value === null) return undefined;
    const alternatives: Wanted[number][] = [];
    for (const place of documents.elements(at)) {
      const needed: [string, readonly string[]][] = [];
      let known = true;
      for (const [name, scopes] of documents.members(place)) {
        known = this.#use(name, place) && known;
        const list = Array.isArray(scopes.value) ? scopes.value.filter((scope) => typeof scope === "string") : [];
        needed.push([name, list]);
      }
      if (known) alternatives.push(Object.fromEntries(needed));
    }
    return alternatives;
  }

  #use(name: string, at: Place): boolean {
    if (this.#used.has(name)) return true;
    const place = this.#schemes.get(name);
    const scheme = place === undefined ? undefined : this.#scheme(this.#documents.follow(place));
    if (scheme === undefined) {
      if (place !== undefined) this.#strange.set(name, this.#documents.follow(place).value);
      this.#documents.note(at, `the security scheme "${name}" is not declared, or of a kind that is not known`);
      return false;
    }
    this.#used.set(name, scheme);
    return true;
  }

  #scheme(place: Place): SecurityScheme | undefined {
    const documents = this.#documents;
    const text = (field: string) => documents.text(place, field);
    const described = text("description");
    const words = described === undefined ? {} : { description: described };
    switch (text("type")) {
      case "basic":
        return { ...words, kind: "basic" };
      case "apiKey": {
        const where = text("in");
        const name = text("name");
        if (name === undefined || (where !== "header" && where !== "query" && where !== "cookie")) return undefined;
        return { ...words, kind: where, name };
      }
      case "http": {
        const scheme = text("scheme")?.toLowerCase();
        const format = text("bearerFormat");
        if (scheme === undefined) return undefined;
        if (scheme === "basic") return { ...words, kind: "basic" };
        if (scheme === "bearer") return { ...words, kind: "bearer", ...(format === undefined ? {} : { format }) };
        return { ...words, kind: "http", scheme };
      }
      case "oauth2":
        return { ...words, kind: "oauth2", flows: this.#flows(place) };
      case "openIdConnect":
        return { ...words, kind: "openIdConnect", url: text("openIdConnectUrl") ?? "" };
      case "mutualTLS":
        return { ...words, kind: "mutualTLS" };
      default:
        return undefined;
    }
  }

  #flows(place: Place): { readonly [flow: string]: OAuthFlow } {
    const documents = this.#documents;
    const old = documents.text(place, "flow");
    const flows: [string, Place][] =
      old === undefined
        ? documents.members(documents.member(place, "flows"))
        : [[Object.hasOwn(oldFlows, old) ? oldFlows[old]! : old, place]];
    return Object.fromEntries(flows.map(([name, at]) => [name, this.#flow(at)]));
  }

  #flow(place: Place): OAuthFlow {
    const documents = this.#documents;
    const fields = ["authorizationUrl", "deviceAuthorizationUrl", "tokenUrl", "refreshUrl"] as const;
    const urls = fields.map((field) => [field, documents.text(place, field)] as const);
    const scopes = documents.members(documents.member(place, "scopes")).map(([scope]) => scope);
    return { ...Object.fromEntries(urls.filter(([, url]) => url !== undefined)), scopes };
  }
}
