/** The built-in types that `xsi:type` may name, as scalars. */
import { builtinType } from "../contract/read/xsd-builtin.ts";
import { type Scalar, scalarOf } from "./soap-scalars.ts";

/** XML Schema, and SOAP encoding, which has types of the same names (SOAP 1.1, section 5.2). */
export const typeNamespaces: ReadonlySet<string> = new Set([
  "http://www.w3.org/2001/XMLSchema",
  "http://schemas.xmlsoap.org/soap/encoding/",
  "http://www.w3.org/2003/05/soap-encoding",
]);

/** The scalar of `xsd:local`; `undefined` if there is no such simple type. */
export function builtinScalar(local: string): Scalar | undefined {
  const schema = builtinType(local === "base64" ? "base64Binary" : local);
  return schema === undefined || schema.xml?.any === true ? undefined : scalarOf(schema, () => undefined);
}
