/**
 * A contract's schemas as one side sees them. In requests a `readOnly` member may not be sent, in answers a `writeOnly` one does not
 * come (JSON Schema 2020-12 validation, section 9.4; OpenAPI 3.1.0, section 4.8.24): it becomes `false` and is not required. A
 * discriminator becomes a member that each option must have with its own values.
 */
import type { JsonSchema } from "../../operation.ts";
import type { ContractModel } from "../model.ts";
import { referencedName } from "../references.ts";
import type { Definitions, Keywords } from "./schema/flat.ts";

export type ViewKind = "request" | "answer";

export class View {
  readonly definitions: Definitions;
  readonly #model: ContractModel;
  readonly #hidden: "readOnly" | "writeOnly";
  readonly #seen = new Map<object, JsonSchema>();

  private constructor(model: ContractModel, kind: ViewKind) {
    this.#model = model;
    this.#hidden = kind === "request" ? "readOnly" : "writeOnly";
    const seen = Object.entries(model.schemas).map(([name, schema]) => [name, this.of(schema)] as const);
    // Where nothing differs, both sides share what is made of the schemas.
    const same = seen.every(([name, schema]) => schema === model.schemas[name]);
    this.definitions = same ? model.schemas : Object.fromEntries(seen);
  }

  static #views = new WeakMap<ContractModel, Map<ViewKind, View>>();

  static of(model: ContractModel, kind: ViewKind): View {
    const views = View.#views.get(model) ?? new Map<ViewKind, View>();
    View.#views.set(model, views);
    const view = views.get(kind) ?? new View(model, kind);
    views.set(kind, view);
    return view;
  }

  /** A schema of the model, seen from this side. */
  of(schema: JsonSchema): JsonSchema {
    if (typeof schema === "boolean") return schema;
    const known = this.#seen.get(schema);
    if (known !== undefined) return known;
    const seen = this.#viewed(schema);
    this.#seen.set(schema, seen);
    return seen;
  }

  #viewed(schema: Keywords): JsonSchema {
    const out: Record<string, unknown> = {};
    for (const [keyword, value] of Object.entries(schema)) {
      if (["enum", "const", "default", "examples", "xml", "discriminator"].includes(keyword)) out[keyword] = value;
      else if (["properties", "patternProperties", "dependentSchemas"].includes(keyword))
        out[keyword] = Object.fromEntries(
          Object.entries(value as Record<string, JsonSchema>).map(([name, inner]) => [
            name,
            keyword === "properties" && this.#isHidden(inner) ? false : this.of(inner),
          ]),
        );
      else if (Array.isArray(value))
        out[keyword] = value.map((inner) => (isSchema(inner) ? this.of(inner) : (inner as unknown)));
      else out[keyword] = isSchema(value) ? this.of(value) : value;
    }
    this.#release(out);
    this.#tellApart(out);
    // The very same object where nothing differs: memory, and texts that are made once.
    return JSON.stringify(out) === JSON.stringify(schema) ? (schema as JsonSchema) : (out as JsonSchema);
  }

  /** What is hidden is not required. */
  #release(schema: Record<string, unknown>): void {
    if (!Array.isArray(schema.required)) return;
    const properties = (schema.properties ?? {}) as Readonly<Record<string, JsonSchema>>;
    const kept = (schema.required as string[]).filter(
      (name) => !(Object.hasOwn(properties, name) && properties[name] === false),
    );
    if (kept.length === 0) delete schema.required;
    else schema.required = kept;
  }

  #isHidden(schema: JsonSchema): boolean {
    let at: JsonSchema = schema;
    for (let hops = 0; hops < 20 && typeof at === "object"; hops++) {
      if (at[this.#hidden] === true) return true;
      if (typeof at.$ref !== "string") return false;
      const name = referencedName(at.$ref);
      at = name !== undefined && Object.hasOwn(this.#model.schemas, name) ? this.#model.schemas[name]! : true;
    }
    return false;
  }

  #tellApart(schema: Record<string, unknown>): void {
    const { discriminator } = schema as {
      discriminator?: { propertyName: string; mapping?: Record<string, { $ref: string }> };
    };
    if (discriminator === undefined) return;
    delete schema.discriminator;
    const { propertyName, mapping = {} } = discriminator;
    for (const keyword of ["oneOf", "anyOf"]) {
      const options = schema[keyword];
      if (!Array.isArray(options)) continue;
      schema[keyword] = (options as JsonSchema[]).map((option) => {
        if (typeof option !== "object" || typeof option.$ref !== "string") return option;
        const values = Object.entries(mapping)
          .filter(([, to]) => to.$ref === option.$ref)
          .map(([value]) => value);
        if (values.length === 0) return option;
        return { allOf: [option], required: [propertyName], properties: { [propertyName]: { enum: values.sort() } } };
      });
    }
  }
}

function isSchema(value: unknown): value is Keywords {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
