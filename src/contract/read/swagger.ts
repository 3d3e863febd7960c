/**
 * Swagger 2.0 (https://spec.openapis.org/oas/v2.0): operations and responses in the form of OpenAPI 3, so that one reader reads both.
 * Schemas are not touched; they keep their places in the text, and errors name those.
 */
import { bodyKind } from "../media.ts";
import type { Documents, Members, Place } from "./openapi-documents.ts";

/** Fields of a parameter or header that belong to its schema in OpenAPI 3. */
const schemaFields = [
  ...["type", "format", "items", "default", "enum", "pattern", "uniqueItems", "multipleOf", "maximum", "minimum"],
  ...["exclusiveMaximum", "exclusiveMinimum", "maxLength", "minLength", "maxItems", "minItems", "x-nullable"],
];
const styles: Readonly<Record<string, string>> = {
  ssv: "spaceDelimited",
  tsv: "tabDelimited",
  pipes: "pipeDelimited",
};

export class Swagger {
  readonly #documents: Documents;

  constructor(documents: Documents) {
    this.#documents = documents;
  }

  /** `schemes`, `host` and `basePath` as addresses. */
  servers(): string[] {
    const documents = this.#documents;
    const { root } = documents;
    const host = documents.text(root, "host");
    const base = (documents.text(root, "basePath") ?? "").replace(/^(?!\/|$)/, "/");
    if (host === undefined || host === "") return base === "" || base === "/" ? [] : [base];
    const schemes = this.#texts(documents.member(root, "schemes")).filter((scheme) => /^https?$/.test(scheme));
    // the safe one first
    const all = schemes.length === 0 ? ["https"] : [...new Set(schemes)].sort().reverse();
    return all.map((scheme) => `${scheme}://${host}${base === "/" ? "" : base}`);
  }

  /** The operation in the form of OpenAPI 3, with the parameters of its path items. */
  operation(items: readonly Place[], place: Place): Place {
    const documents = this.#documents;
    const own = documents.object(place);
    const found = new Map<string, Place>();
    for (const owner of [...items, place]) {
      for (const element of documents.elements(documents.member(owner, "parameters"))) {
        const at = documents.follow(element);
        const where = documents.text(at, "in") ?? "";
        // an operation has one body, whatever it is called
        found.set(where === "body" ? "body" : `${where} ${documents.text(at, "name") ?? ""}`, at);
      }
    }
    const all = [...found.values()];
    const of = (where: string) => all.filter((at) => documents.text(at, "in") === where);
    const [body] = of("body");
    const form = of("formData");
    const rest = all.filter((at) => !["body", "formData"].includes(documents.text(at, "in") ?? ""));
    const consumes = this.#types(place, "consumes");
    const request =
      body !== undefined ? this.#body(body, consumes) : form.length > 0 ? this.#form(form, consumes, place) : undefined;
    return this.#made(place, {
      ...own,
      parameters: rest.map((at) => this.#parameter(at)),
      ...(request === undefined ? {} : { requestBody: request }),
      responses: this.#responses(place, this.#types(place, "produces")),
    });
  }

  #parameter(place: Place): Members {
    const { collectionFormat, ...own } = this.#documents.object(place);
    const query = own.in === "query";
    const format = typeof collectionFormat === "string" ? collectionFormat : "csv";
    const style = Object.hasOwn(styles, format) ? styles[format] : query ? "form" : "simple";
    return this.#at(place, {
      ...own,
      style,
      explode: query && (own.type !== "array" || format === "multi"),
      schema: this.#schema(place),
    });
  }

  /** The fields of the schema, at the place of their owner. */
  #schema(place: Place): Members {
    const own = this.#documents.object(place);
    const fields = schemaFields.filter((field) => Object.hasOwn(own, field)).map((field) => [field, own[field]]);
    const schema = Object.fromEntries(fields) as Members;
    // of a list and its items alone: the inner collectionFormat has no counterpart
    return this.#at(place, schema.type === "file" ? { type: "string", format: "binary" } : schema);
  }

  #body(place: Place, consumes: readonly string[]): Members {
    const documents = this.#documents;
    const { required, description } = documents.object(place);
    const schema = documents.member(place, "schema");
    if (schema !== undefined && isObject(schema.value)) documents.adopt(schema.value, schema);
    const types = consumes.filter((type) => !["form", "multipart"].includes(bodyKind(type)));
    const content = (types.length === 0 ? ["application/json"] : types).map((type) => [
      type,
      schema === undefined ? {} : { schema: schema.value },
    ]);
    return this.#at(place, { required, description, content: Object.fromEntries(content) });
  }

  #form(fields: readonly Place[], consumes: readonly string[], operation: Place): Members {
    const documents = this.#documents;
    const named = fields.flatMap((at) => {
      const name = documents.text(at, "name");
      return name === undefined || name === "" ? [] : [[name, at] as const];
    });
    const files = named.some(([, at]) => documents.member(at, "type")?.value === "file");
    const multipart = files || (consumes.length > 0 && consumes.every((type) => bodyKind(type) === "multipart"));
    const properties = named.map(([name, at]) => {
      const description = documents.text(at, "description");
      return [name, this.#at(at, { ...this.#schema(at), ...(description === undefined ? {} : { description }) })];
    });
    const required = named.filter(([, at]) => documents.member(at, "required")?.value === true).map(([name]) => name);
    const encoding = named.flatMap(([name, at]) => {
      const format = documents.text(at, "collectionFormat");
      if (documents.member(at, "type")?.value !== "array" || format === "multi") return [];
      const style = format !== undefined && Object.hasOwn(styles, format) ? styles[format] : "form";
      return [[name, { style, explode: false }]];
    });
    const schema = this.#at(operation, {
      type: "object",
      properties: Object.fromEntries(properties),
      required,
      additionalProperties: false,
    });
    const type = multipart ? "multipart/form-data" : "application/x-www-form-urlencoded";
    const media = multipart ? { schema } : { schema, encoding: Object.fromEntries(encoding) };
    return this.#at(operation, { required: required.length > 0, content: { [type]: media } });
  }

  #responses(operation: Place, produces: readonly string[]): Members {
    const documents = this.#documents;
    const all = documents.members(documents.member(operation, "responses")).map(([status, at]) => {
      const place = documents.follow(at);
      const schema = documents.member(place, "schema");
      const { schema: _, examples: __, headers: ___, ...own } = documents.object(place);
      if (schema === undefined || schema.value === null) return [status, this.#at(place, own)];
      if (isObject(schema.value)) documents.adopt(schema.value, schema);
      const file = isObject(schema.value) && schema.value.type === "file";
      const fitting = file ? produces.filter((type) => bodyKind(type) === "bytes") : produces;
      const types = fitting.length > 0 ? fitting : [file ? "application/octet-stream" : "application/json"];
      const entries = types.map((type) => [type, file ? {} : { schema: schema.value }]);
      return [status, this.#at(place, { ...own, content: Object.fromEntries(entries) })];
    });
    return Object.fromEntries(all);
  }

  /** The operation's own list of media types, else the contract's. */
  #types(operation: Place, field: "consumes" | "produces"): readonly string[] {
    const { root } = this.#documents;
    const own = this.#documents.member(operation, field) ?? this.#documents.member(root, field);
    return this.#texts(own);
  }

  #texts(place: Place | undefined): string[] {
    const value = place?.value;
    const list: unknown[] = Array.isArray(value) ? value : [value];
    return list.filter((one) => typeof one === "string");
  }

  #made(place: Place, value: Members): Place {
    return { file: place.file, pointer: place.pointer, value: this.#at(place, value) };
  }

  #at<T extends object>(place: Place, value: T): T {
    return this.#documents.adopt(value, place);
  }
}

function isObject(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
