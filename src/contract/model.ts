/**
 * The neutral contract model: what a system promises, whatever language the contract was written in.
 * Readers (read/) make it, writers (write/), connectors, comparison and docs use it. All of it is frozen JSON: it is
 * stored as `contract.json` beside the pinned contract, and nothing else is read at run time. The whole model is in one place, so that a
 * reader of it sees all that it can hold.
 */
import { createHash } from "node:crypto";
import type { Effect, Json, JsonSchema } from "../operation.ts";
import type { RestDeclared } from "./declared.ts";

/** A whole contract. `schemas` are the named ones; anywhere in the model they are referenced as `{"$ref": "#/$defs/Name"}`. */
export interface ContractModel {
  readonly format: 1;
  /** The system's name in the project: `erp`. */
  readonly name: string;
  readonly source: ContractSource;
  readonly operations: { readonly [name: string]: OperationModel };
  readonly events: { readonly [name: string]: EventModel };
  readonly schemas: { readonly [name: string]: JsonSchema };
  /** Addresses that the contract itself names, first one preferred. A connection overrides them. */
  readonly servers: readonly string[];
  /** SQL contracts whose schema was read from the database itself. */
  readonly database?: DatabaseModel;
  /** How callers prove who they are, by the contract's own names. Only what some operation asks for. */
  readonly security?: { readonly [name: string]: SecurityScheme };
  /** Schemes that are asked for and that nobody understands, as they are written. */
  readonly strangeSecurity?: { readonly [name: string]: unknown };
}

export interface ContractSource {
  readonly language: "openapi" | "wsdl" | "sql" | "csv";
  /** Of the language: `3.1.0`, `1.1`. */
  readonly languageVersion: string;
  readonly title?: string;
  /** Of the contract: OpenAPI `info.version`. */
  readonly version?: string;
  /** Where it was fetched from; absent: from a file. References to that origin lead to the pinned files. */
  readonly url?: string;
  /** Every file that was read, entry first, relative to the system's folder, with its SHA-256 in hex. */
  readonly files: readonly { readonly path: string; readonly sha256: string }[];
  /** Operations of the contract that can't be called, each with the reason; absent: none. */
  readonly leftOut?: readonly { readonly operation: string; readonly reason: string }[];
  /** The operations that were asked for; absent: all. Then only the schemas that they need are in the model. */
  readonly only?: readonly string[];
  /** What breaks the language's rules and was passed over, each with its place: at most 100. */
  readonly notes?: readonly string[];
  /** Those of the notes that let pass what the contract refuses: an API that implements it would promise what nobody checks. */
  readonly unchecked?: readonly string[];
}

/** OpenAPI 3.2.0, "Security Scheme Object"; which settings answer it is said by docs/guide/openapi.md. */
export type SecurityScheme = { readonly description?: string } & (
  | { readonly kind: "header" | "query" | "cookie"; readonly name: string }
  | { readonly kind: "basic" }
  | { readonly kind: "bearer"; readonly format?: string }
  /** Another scheme of the header `Authorization`, such as `digest`. */
  | { readonly kind: "http"; readonly scheme: string }
  | { readonly kind: "oauth2"; readonly flows: { readonly [flow: string]: OAuthFlow } }
  | { readonly kind: "openIdConnect"; readonly url: string }
  | { readonly kind: "mutualTLS" }
);

/** By the flow's name: `clientCredentials`, `authorizationCode`, `deviceAuthorization`, `password`, `implicit`. */
export interface OAuthFlow {
  readonly authorizationUrl?: string;
  readonly deviceAuthorizationUrl?: string;
  readonly tokenUrl?: string;
  readonly refreshUrl?: string;
  readonly scopes: readonly string[];
}

export interface OperationModel {
  readonly name: string;
  readonly summary?: string;
  readonly description?: string;
  readonly deprecated?: boolean;
  readonly effect: Effect;
  /** Where the contract takes an effect key; absent: nowhere. */
  readonly key?: KeyPlace;
  readonly input: JsonSchema;
  readonly output: JsonSchema;
  /** Of the output, as the contract gives one; it may not fit. At most 16 KiB. */
  readonly example?: Json;
  readonly faults: { readonly [name: string]: FaultModel };
  readonly binding: Binding;
  /** Any one of these fits; each names schemes of the contract that are needed together, with their scopes. `{}`: none is needed. */
  readonly security?: readonly { readonly [scheme: string]: readonly string[] }[];
  /** Operations that take what this one gives. */
  readonly links?: { readonly [name: string]: LinkModel };
}

/** OpenAPI 3.2.0, "Link Object". */
export interface LinkModel {
  readonly description?: string;
  /** Status of the answer that has the link. */
  readonly status: string;
  /** Name of the operation in this model. */
  readonly operation: string;
  /** Property of its input, to a runtime expression such as `$response.body#/id`, or to a constant. */
  readonly input: { readonly [property: string]: unknown };
}

/** `row`: a key row in the target database, in the same transaction. */
export type KeyPlace =
  /** `required`: a call without one is refused. */
  | { readonly in: "header"; readonly name: string; readonly required?: true; readonly lifetimeMs?: number }
  | { readonly in: "row"; readonly lifetimeMs?: number };

export interface FaultModel {
  readonly description?: string;
  readonly detail: JsonSchema;
  /** Of the detail; as with an operation's. */
  readonly example?: Json;
}

export interface EventModel {
  readonly name: string;
  readonly summary?: string;
  readonly description?: string;
  readonly payload: JsonSchema;
  /** JSON Pointer into the payload, if the contract names the correlation key; else the system definition does. */
  readonly correlation?: string;
  readonly binding: EventBinding;
}

export type Binding = RestBinding | SoapBinding | HttpXmlBinding | SqlBinding;

/** How the input is spread over an HTTP request. The input is one flat object: parameters and, where possible, the body's properties. */
export interface RestBinding {
  readonly protocol: "rest";
  readonly method: string;
  /** Template relative to the server: `/orders/{id}`. */
  readonly path: string;
  /** The operation's own server, where it is not the contract's. */
  readonly server?: string;
  readonly parameters: readonly RestParameter[];
  /** `spread`: the input's properties that are no parameters are the body. `property`: the input's property `name` is the body. */
  readonly body?: {
    readonly mediaType: string;
    readonly required: boolean;
    readonly from: { readonly kind: "spread" } | { readonly kind: "property"; readonly name: string };
    /** JSON Lines, JSON sequences and server-sent events: the value is the list of the items. */
    readonly list?: boolean;
    /** Forms and multipart: how a property is written where it is not as usual (OpenAPI 3.x, "Encoding Object"). */
    readonly encoding?: { readonly [property: string]: BodyEncoding };
  };
  /**
   * Success statuses with the media type of their body (`null`: no body, output null). `2XX` is allowed. `option`: which of the
   * output's `anyOf` it is, where there are several. `list`: as in `body`.
   */
  readonly success: readonly {
    readonly status: string;
    readonly mediaType: string | null;
    readonly option?: number;
    readonly list?: boolean;
  }[];
  /** Status (`404`, `4XX`, `default`) to the name of a declared fault. 5xx, 408 and 429 are failures, never faults. */
  readonly faults: readonly { readonly status: string; readonly fault: string; readonly mediaType: string | null }[];
  /** What the contract declares and a call makes no use of. For the comparison of versions (compare/). */
  readonly declared?: RestDeclared;
}

/** One property of a form or multipart body. */
export interface BodyEncoding {
  /** Absent in multipart bodies: there each property is a part (or several), with a content type. */
  readonly style?: RestParameter["style"];
  readonly explode?: boolean;
  readonly allowReserved?: boolean;
  /** Multipart: media type of the part; where the contract names several, the first. */
  readonly contentType?: string;
  readonly otherTypes?: readonly string[];
  /** Multipart: the property is base64 text (or a list of them), and the part holds the bytes. */
  readonly bytes?: boolean;
}

export interface RestParameter {
  /** Property of the input. */
  readonly property: string;
  /** `querystring`: the value is the whole query (OpenAPI 3.2). */
  readonly in: "path" | "query" | "querystring" | "header" | "cookie";
  /** On the wire. */
  readonly name: string;
  readonly required: boolean;
  /** OpenAPI 3.x, "Style Values"; `tabDelimited` is Swagger 2.0's `tsv`. */
  readonly style:
    | "simple"
    | "form"
    | "label"
    | "matrix"
    | "spaceDelimited"
    | "pipeDelimited"
    | "tabDelimited"
    | "deepObject"
    | "cookie";
  readonly explode: boolean;
  /** The style as it is written, where it is none of this place and was passed over. */
  readonly written?: string;
  /** Query only: keep reserved characters as they are. */
  readonly allowReserved?: boolean;
  /** The value is written as JSON (a parameter with `content` instead of a schema); style and explode mean nothing then. */
  readonly json?: boolean;
  /** `querystring` only: how the properties of the value are written, as in a form body. */
  readonly encoding?: { readonly [property: string]: BodyEncoding };
}

/** A qualified XML name. */
export interface QName {
  readonly namespace: string;
  readonly local: string;
}

/**
 * SOAP over HTTP. How a schema is written as XML stands in the schemas themselves, under the keyword `xml`
 * (see xml-note.ts): element and attribute names, namespaces, order, lists, nil, text content.
 */
export interface SoapBinding {
  readonly protocol: "soap";
  readonly version: "1.1" | "1.2";
  readonly action: string;
  readonly style: "document" | "rpc";
  readonly use: "literal" | "encoded";
  /**
   * Element that wraps (document) or names (rpc) the request; the input is its content. `null`: the input is the content of
   * the body itself (several parts, a part with a type, or nothing at all).
   */
  readonly request: QName | null;
  /** Element of the answer; `null` for one-way, and where `bodyOutput` is set. */
  readonly response: QName | null;
  /** The output is the content of the answer's body itself. */
  readonly bodyOutput?: true;
  /** Wrapped document/literal: the output is the content of the only child of `response` where there is exactly one, else of `response`. */
  readonly wrapped: boolean;
  /** Detail element to fault name. */
  readonly faults: readonly { readonly element: QName; readonly fault: string }[];
  /** Elements that the contract has for the request's header; the input's property `soapHeaders` holds their values. */
  readonly headers?: readonly QName[];
  /** Where this operation's port stands, if the contract's ports have several addresses. */
  readonly address?: string;
}

export type SqlDialect = "sqlite" | "postgresql" | "mysql";

/**
 * How a value of the database stands in JSON. `bigint` and `decimal`: text, exact. `bytes`: base64. `datetime`: a local time,
 * `2026-11-23T09:30:00`; `instant`: one with its zone, `...Z`. `set`: a list, of MySQL's type SET.
 */
export type SqlAs =
  | "text"
  | "integer"
  | "bigint"
  | "real"
  | "decimal"
  | "boolean"
  | "json"
  | "bytes"
  | "datetime"
  | "instant"
  | "set";

/**
 * WSDL over plain HTTP (WSDL 1.1, sections 4 and 5). The input is flat; the parts are its properties.
 * `xml` notes in the schemas say how an answer in XML is read, as with SOAP.
 */
export interface HttpXmlBinding {
  readonly protocol: "http-xml";
  readonly method: "GET" | "POST";
  /** Relative to the port's address. Where `input` is `path`, `(part)` stands for the part's value. */
  readonly location: string;
  readonly input: "query" | "path" | "form" | "xml";
  /** Element of the request, where it is XML. */
  readonly request: QName | null;
  /** `xml`: the element `response`. `text`: a string. `bytes`: base64 in a string. `none`: null. */
  readonly output: "xml" | "text" | "bytes" | "none";
  readonly response: QName | null;
  readonly address?: string;
}

export interface SqlBinding {
  readonly protocol: "sql";
  /** `mysql` is MariaDB, too. */
  readonly dialect: SqlDialect;
  /** Run in one transaction, in order. SQLite: with named parameters (`:sku`); PostgreSQL: `$1`; MySQL: `?`. */
  readonly statements: readonly string[];
  /** PostgreSQL and MySQL: names of the parameters by their place, of each statement. */
  readonly places?: readonly (readonly string[])[];
  /** PostgreSQL and MySQL: which statement gives the output; -1: none. SQLite: the last one that returns rows. */
  readonly answering?: number;
  /** Parameters by name, in order of appearance, and how a JSON value is bound. `list`: as an array of the database. */
  readonly parameters: readonly { readonly name: string; readonly as: SqlAs | "key"; readonly list?: true }[];
  /** Columns of the output and how they are read. `list`: an array of the database. */
  readonly columns: readonly { readonly name: string; readonly as: SqlAs; readonly list?: true }[];
  /** `many`: list of rows. `one`: the row or null. `none`: null. */
  readonly rows: "many" | "one" | "none";
  /** Text at the start of the database's error message, to the name of a declared fault. */
  readonly faults: readonly { readonly message: string; readonly fault: string }[];
}

/** What a database holds, as its own catalogue says. Names outside of the default schema are written `schema.name`. */
export interface DatabaseModel {
  readonly dialect: SqlDialect;
  /** Such as `PostgreSQL 15`; without the patch level, which changes nothing here. */
  readonly server: string;
  readonly tables: { readonly [name: string]: TableModel };
  /** Enumerations and domains (PostgreSQL). */
  readonly types: { readonly [name: string]: DatabaseType };
}

export interface TableModel {
  readonly kind: "table" | "view";
  readonly comment?: string;
  readonly columns: readonly TableColumn[];
  readonly primaryKey?: readonly string[];
  readonly unique?: readonly (readonly string[])[];
  /** Foreign keys: `columns` hold a key of `table`, whose columns are `to`. */
  readonly references?: readonly {
    readonly columns: readonly string[];
    readonly table: string;
    readonly to: readonly string[];
  }[];
  /** Rules over several columns, or more than a type says, in the database's own words. */
  readonly checks?: readonly string[];
  /** False: takes no part in transactions (MySQL: MyISAM, Aria, MEMORY). */
  readonly transactional?: false;
}

export interface TableColumn {
  readonly name: string;
  /** As the database writes it: `numeric(10,2)`, `bigint(20) unsigned`, `text[]`. */
  readonly type: string;
  readonly nullable: boolean;
  /** Expression, as the database writes it. */
  readonly default?: string;
  /** `stored`, `virtual`: computed from others. `identity`: the database counts; `always`: and takes no value of ours. */
  readonly generated?: "stored" | "virtual" | "identity" | "always";
  readonly comment?: string;
}

export type DatabaseType =
  | { readonly kind: "enum"; readonly values: readonly string[]; readonly comment?: string }
  | {
      readonly kind: "domain";
      readonly type: string;
      readonly notNull: boolean;
      readonly checks: readonly string[];
      readonly comment?: string;
    };

export type EventBinding = WebhookBinding | CsvBinding;

export interface WebhookBinding {
  readonly protocol: "webhook";
  readonly mediaType: string;
  /** A callback: the operation that asks for it, and where that says it is to be sent (`{$request.body#/callbackUrl}`). */
  readonly callback?: { readonly operation: string; readonly expression: string };
}

/** A file whose name matches `files`, dropped into the system's folder; each row is one event. */
export interface CsvBinding {
  readonly protocol: "csv";
  /** File name; `*` stands for any text: `shipments-*.csv`. */
  readonly files: string;
  readonly delimiter: string;
  readonly quote: string;
  /** Whether the first row names the columns; else they are in the order of `columns`. */
  readonly header: boolean;
  readonly columns: readonly CsvColumn[];
}

export interface CsvColumn {
  /** Names that the header may have for it, first one preferred. */
  readonly titles: readonly string[];
  readonly property: string;
  readonly as: "text" | "integer" | "bigint" | "decimal" | "real" | "boolean" | "date" | "datetime";
  readonly required: boolean;
  /** Texts that mean "nothing". */
  readonly empty: readonly string[];
  /** Boolean: the texts for true and false. */
  readonly truth?: readonly [string, string];
  /** Date: such as `dd.MM.yyyy`. Default ISO 8601. */
  readonly pattern?: string;
  /** Numbers. Default `.`. */
  readonly decimalMark?: string;
  /** Numbers: removed before reading. */
  readonly groupMark?: string;
}

/** Freezes a JSON value all the way down, and returns it. */
export function frozen<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) frozen(inner);
  }
  return value;
}

/** Text of the model as it is committed: two spaces, one final newline; the same model gives the same bytes. */
export function serialise(model: ContractModel): string {
  const known = serialised.get(model);
  if (known !== undefined) return known;
  const text = `${JSON.stringify(model, null, 2)}\n`;
  // Only what can't change any more has one text.
  if (Object.isFrozen(model)) serialised.set(model, text);
  return text;
}
/** The text is asked for twice, for the file and for its hash. */
const serialised = new WeakMap<ContractModel, string>();

/** SHA-256 of the serialised model, in hex: the hash that stands in `contract.ts`. */
export function contractHash(model: ContractModel): string {
  return createHash("sha256").update(serialise(model)).digest("hex");
}
