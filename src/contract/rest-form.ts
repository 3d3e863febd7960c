/** Fields of a form, and cookies, back to values (OpenAPI 3.1.0, "Encoding Object"). */
import type { Json } from "../operation.ts";
import type { ContractModel, RestBinding } from "./model.ts";
import { decoded, type Pair, pairValue, type Seen } from "./rest-values.ts";

/** A list is repeated and an object is JSON, unless the encoding says otherwise. */
export function formValue(
  { encoding }: Pick<NonNullable<RestBinding["body"]>, "encoding">,
  pairs: readonly Pair[],
  { properties, others }: Seen,
  schemas: ContractModel["schemas"],
): Json {
  const object: Record<string, Json> = {};
  const put = (name: string, value: Json): void =>
    void Object.defineProperty(object, name, { value, enumerable: true, writable: true, configurable: true });
  const names = new Set(pairs.map(([name]) => (Object.hasOwn(properties, name) ? name : name.split("[", 1)[0]!)));
  const known = new Set(Object.keys(properties));
  for (const name of [...names, ...Object.keys(encoding ?? {})]) {
    const own = encoding !== undefined && Object.hasOwn(encoding, name) ? encoding[name] : undefined;
    const style = own?.style ?? "form";
    const field = { name, style, explode: own?.explode ?? style === "form" };
    const schema = Object.hasOwn(properties, name) ? properties[name]! : others;
    const value = pairValue(field, pairs, schema === false ? true : schema, schemas, known);
    if (value !== undefined) put(name, value);
  }
  return object;
}

/** As the pairs of a query, still encoded. */
export function cookiePairs(text: string): readonly Pair[] {
  return text.split(";").flatMap((part): Pair[] => {
    const cut = part.indexOf("=");
    return cut <= 0 ? [] : [[decoded(part.slice(0, cut).trim()), part.slice(cut + 1).trim()]];
  });
}
