/**
 * Simple values and their text in XML (XML Schema 1.0 part 2, section 3, lexical representations). Decimals and long
 * integers stay text and lose no digit; dates stay as they were sent.
 */
import type { XmlNote } from "../contract/xml-note.ts";
import type { Json, JsonSchema } from "../operation.ts";

export interface Scalar {
  write(value: Json): string;
  /** `undefined` where the text is not of this type. */
  read(text: string): Json | undefined;
  /** For messages: "a whole number". */
  readonly expected: string;
}

type ObjectSchema = { readonly [keyword: string]: unknown; readonly xml?: XmlNote };

const wholeForm = /^[+-]?[0-9]+$/;
const decimalForm = /^[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)$/;
const doubleForm = /^[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/;

/** The scalar of a schema; `undefined` if the schema is none. `named` finds the schema of a `$ref`. */
export function scalarOf(given: JsonSchema, named: (ref: string) => JsonSchema | undefined): Scalar | undefined {
  if (typeof given === "boolean") return undefined;
  const schema = given as ObjectSchema;
  if (typeof schema.$ref === "string") {
    const target = named(schema.$ref);
    return target === undefined ? undefined : scalarOf(target, named);
  }
  if (schema.type === "array" && schema.xml?.list === true) {
    const item = scalarOf(schema.items as JsonSchema, named);
    return item === undefined ? undefined : list(item);
  }
  if (Array.isArray(schema.anyOf)) {
    const members = (schema.anyOf as readonly JsonSchema[]).map((member) => ({
      schema: member as ObjectSchema,
      scalar: scalarOf(member, named),
    }));
    return union(members.filter((member) => member.scalar !== undefined) as Member[]);
  }
  const plain = plainOf(schema);
  if (plain === undefined || schema.default === undefined) return plain;
  // An empty element stands for its default (XML Schema 1.0 part 1, section 3.3.4).
  const { default: fallback } = schema;
  return { ...plain, read: (text) => (text === "" ? (fallback as Json) : plain.read(text)) };
}

function plainOf(schema: ObjectSchema): Scalar | undefined {
  switch (schema.type) {
    case "boolean":
      return { write: String, read: readBoolean, expected: "true or false" };
    case "integer":
      return { write: String, read: (text) => number(collapsed(text), wholeForm), expected: "a whole number" };
    case "number":
      return { write: String, read: (text) => number(collapsed(text), doubleForm), expected: "a finite number" };
    case "string":
      break;
    default:
      return undefined;
  }
  if (schema.format === "decimal") return { write: String, read: readDecimal, expected: "a decimal number" };
  if (schema.format === "int64" || schema.format === "integer")
    return { write: String, read: readWhole, expected: "a whole number" };
  const space = schema.xml?.space;
  if (schema.contentEncoding === "base64")
    return { write: String, read: (text) => text.replace(/[ \t\r\n]+/g, ""), expected: "base64" };
  if (space === "collapse") return { write: String, read: collapsed, expected: "text" };
  if (space === "replace") return { write: String, read: (text) => text.replace(/[\t\r\n]/g, " "), expected: "text" };
  return { write: String, read: (text) => text, expected: "text" };
}

function collapsed(text: string): string {
  return text.replace(/[ \t\r\n]+/g, " ").replace(/^ | $/g, "");
}

function readBoolean(text: string): boolean | undefined {
  const word = collapsed(text);
  if (word === "true" || word === "1") return true;
  return word === "false" || word === "0" ? false : undefined;
}

function number(text: string, form: RegExp): number | undefined {
  if (!form.test(text)) return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value + 0 : undefined;
}

/** Digits stay as they are; a plus, and a point without digits on one side, are written as JSON would. */
function readDecimal(text: string): string | undefined {
  const word = collapsed(text);
  if (!decimalForm.test(word)) return undefined;
  return word
    .replace(/^\+/, "")
    .replace(/^(-?)\./, "$10.")
    .replace(/\.$/, "");
}

function readWhole(text: string): string | undefined {
  const word = collapsed(text);
  return wholeForm.test(word) ? word.replace(/^\+/, "") : undefined;
}

function list(item: Scalar): Scalar {
  return {
    write: (value) =>
      Array.isArray(value) ? value.map((each) => item.write(each as Json)).join(" ") : item.write(value),
    read: (text) => {
      const words = collapsed(text);
      const values: Json[] = [];
      for (const word of words === "" ? [] : words.split(" ")) {
        const value = item.read(word);
        if (value === undefined) return undefined;
        values.push(value);
      }
      return values;
    },
    expected: `a list of ${item.expected}`,
  };
}

interface Member {
  readonly schema: ObjectSchema;
  readonly scalar: Scalar;
}

/** The first member that takes the text has it (XML Schema 1.0 part 2, section 2.5.1.3); an enumeration takes only its values. */
function union(members: readonly Member[]): Scalar | undefined {
  if (members.length === 0) return undefined;
  const takes = ({ schema, scalar }: Member, text: string): Json | undefined => {
    const value = scalar.read(text);
    return value !== undefined && Array.isArray(schema.enum) && !schema.enum.includes(value) ? undefined : value;
  };
  return {
    write: (value) => {
      if (Array.isArray(value)) return value.map(String).join(" ");
      return String(value);
    },
    read: (text) => {
      for (const member of members) {
        const value = takes(member, text);
        if (value !== undefined) return value;
      }
      return undefined;
    },
    expected: members.map((member) => member.scalar.expected).join(" or "),
  };
}
