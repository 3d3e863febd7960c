/**
 * `not`, `if`, `contains`, `dependentSchemas`, `unevaluated...`: what is compared as a whole. One that the giver has too is kept
 * by it; of any other, values are tried.
 */
import { listed, type SchemaRule } from "../rule.ts";
import { flatValues } from "../values.ts";

export const conditionRule: SchemaRule = {
  id: "condition",
  check(giver, taker, walk) {
    const added = taker.conditions.filter(
      ({ keyword, json }) => !giver.conditions.some((own) => own.keyword === keyword && walk.same(own.json, json)),
    );
    const telling = added.filter(({ keyword }) => applies(keyword, giver.kinds));
    if (telling.length === 0) return undefined;
    return {
      what: `values that break ${listed([...new Set(telling.map(({ keyword }) => `"${keyword}"`))])}`,
      candidates: () => {
        const values = flatValues(giver, walk.giver, 0);
        const objects = values.filter((value) => typeof value === "object" && value !== null && !Array.isArray(value));
        const more = objects
          .slice(0, 2)
          .flatMap((value) => ["text", 1, null].map((extra) => ({ ...(value as object), more1: extra })));
        // Members that only the condition names, of every kind.
        const names = [...new Set(telling.flatMap(({ json }) => namesIn(json, 0)))].slice(0, 12);
        const named = objects
          .slice(0, 3)
          .flatMap((value) =>
            names.flatMap((name) => ["text", 1, null].map((extra) => ({ ...(value as object), [name]: extra }))),
          );
        return [...values, ...named, ...more];
      },
    };
  },
};

function namesIn(schema: unknown, depth: number): string[] {
  if (typeof schema !== "object" || schema === null || depth > 6) return [];
  return Object.entries(schema).flatMap(([keyword, value]) => [
    ...(keyword === "properties" || keyword === "dependentSchemas" ? Object.keys(value as object) : []),
    ...(keyword === "required" && Array.isArray(value) ? (value as string[]) : []),
    ...namesIn(value, depth + 1),
  ]);
}

function applies(keyword: string, kinds: ReadonlySet<string>): boolean {
  switch (keyword) {
    case "contains":
    case "unevaluatedItems":
      return kinds.has("array");
    case "dependentSchemas":
    case "unevaluatedProperties":
      return kinds.has("object");
    case "contentEncoding":
    case "contentMediaType":
      return kinds.has("string");
    default:
      return kinds.size > 0;
  }
}
