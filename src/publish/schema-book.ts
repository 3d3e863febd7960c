/**
 * The named schemas of one document, gathered from several contracts: references are rewritten to the document's own
 * place, only what is reachable comes along, and equal names of different meaning get a number.
 */
import { referencedName } from "../contract/references.ts";
import { canonicalJson } from "../formats/json.ts";
import type { JsonSchema } from "../operation.ts";
import { mapSchema } from "./schemas.ts";

type Definitions = Readonly<Record<string, JsonSchema>>;

export interface SchemaBook {
  /** The schema as it may stand in the document. `definitions`: what its `#/$defs/...` mean. */
  embed(schema: JsonSchema, definitions: Definitions): JsonSchema;
  /** Enters a schema of our own, and gives the reference to it. */
  name(name: string, schema: JsonSchema): JsonSchema;
  schemas(): Readonly<Record<string, JsonSchema>>;
}

export function createSchemaBook(): SchemaBook {
  const entries = new Map<string, JsonSchema>();
  /** What each taken name stood for, before its references were rewritten. */
  const meanings = new Map<string, string>();
  const places = new Map<Definitions, Map<string, string>>();

  function placeOf(name: string, definitions: Definitions): string {
    const known = places.get(definitions) ?? new Map<string, string>();
    places.set(definitions, known);
    const before = known.get(name);
    if (before !== undefined) return before;
    const schema = Object.hasOwn(definitions, name) ? (definitions[name] as JsonSchema) : true;
    const text = canonicalJson(schema);
    // Equal text means equal schema only where it points nowhere else.
    const closed = !text.includes('"$ref"');
    const wanted = name.replace(/[^A-Za-z0-9._-]/g, "_");
    let place = wanted;
    for (let count = 2; meanings.has(place); count++) {
      if (closed && meanings.get(place) === text) break;
      place = `${wanted}${count}`;
    }
    known.set(name, place);
    if (!meanings.has(place)) {
      meanings.set(place, text);
      entries.set(place, true); // taken before its inner references are followed: they may lead back here
      entries.set(place, embed(schema, definitions));
    }
    return place;
  }

  function embed(schema: JsonSchema, definitions: Definitions): JsonSchema {
    if (typeof schema === "boolean") return schema;
    const { $defs: _, ...own } = schema;
    return mapSchema(own, (inner) => {
      // `xml` says how our SOAP connector writes it; in OpenAPI the word means something else.
      const { xml: __, ...copy } = inner;
      if (typeof copy.$ref !== "string") return copy;
      const name = referencedName(copy.$ref);
      return name === undefined ? copy : { ...copy, $ref: `#/components/schemas/${placeOf(name, definitions)}` };
    });
  }

  return {
    embed,
    name(name, schema) {
      if (!meanings.has(name)) {
        meanings.set(name, canonicalJson(schema));
        entries.set(name, schema);
      }
      return { $ref: `#/components/schemas/${name}` };
    },
    schemas: () => Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}
