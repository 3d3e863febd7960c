/**
 * Writes a contract as TypeScript: flat, exported interfaces with the contract's own words as comments. The file is committed and
 * read by people, so its diff shows what changed in a system. The same model gives the same bytes.
 */
import type { JsonSchema } from "../../operation.ts";
import { type ContractModel, contractHash, serialise } from "../model.ts";
import { Names, typeName } from "../read/names.ts";
import { isObject, TypeText } from "./types.ts";

/** Whose contract it is: of a system that is called, or of an API that is to be implemented. */
export type ContractOf = "system" | "api";

/** The two files of a pinned contract, by name. */
export function writeContract(
  model: ContractModel,
  of: ContractOf = "system",
): {
  readonly "contract.ts": string;
  readonly "contract.json": string;
} {
  return { "contract.ts": writeTypes(model, of), "contract.json": serialise(model) };
}

function writeTypes(model: ContractModel, of: ContractOf): string {
  const contractType = `${typeName(model.name)}Contract`;
  const names = new Names(["Decimal", "Int64", contractType]);
  const schemaNames = new Map(Object.keys(model.schemas).map((name) => [name, names.take(typeName(name))]));
  const text = new TypeText(schemaNames);
  const parts: string[] = [];

  for (const [name, schema] of Object.entries(model.schemas))
    parts.push(text.declaration(schemaNames.get(name)!, schema));

  /** Objects and combinations get a name of their own; the rest is short enough to stand where it is used. */
  const named = (wanted: string, schema: JsonSchema): string => {
    if (!worthAName(schema)) return text.expression(schema, "");
    const name = names.take(wanted);
    parts.push(text.declaration(name, schema));
    return name;
  };

  const operations = Object.values(model.operations).map((operation) => {
    const stem = typeName(operation.name);
    const input = named(`${stem}Input`, operation.input);
    const output = named(`${stem}Output`, operation.output);
    const faults = Object.entries(operation.faults).map(([fault, { detail, description }]) => {
      const type = named(`${stem}${typeName(fault)}`, detail);
      return `${text.comment({ description }, "        ")}        readonly ${text.property(fault)}: ${type};\n`;
    });
    const words = { title: operation.summary, description: operation.description, deprecated: operation.deprecated };
    const faultText = faults.length === 0 ? "{}" : `{\n${faults.join("")}      }`;
    return (
      `${text.comment(words, "    ")}    readonly ${text.property(operation.name)}: {\n      readonly input: ${input};\n` +
      `      readonly output: ${output};\n      readonly faults: ${faultText};\n    };\n`
    );
  });
  const events = Object.values(model.events).map((event) => {
    const type = named(`${typeName(event.name)}Event`, event.payload);
    const words = { title: event.summary, description: event.description };
    return `${text.comment(words, "    ")}    readonly ${text.property(event.name)}: ${type};\n`;
  });
  const schemas = [...schemaNames].map(([name, type]) => `    readonly ${text.property(name)}: ${type};\n`);

  const imports = [...text.exact].sort().map((name) => `type ${name}, `);
  return [
    header(model, text, of),
    `import { ${imports.join("")}pinnedContract } from "mortise";\n\n`,
    ...parts.map((part) => `${part}\n`),
    text.comment({ description: whole(model, of) }, ""),
    `export interface ${contractType} {\n`,
    block("operations", operations),
    block("events", events),
    block("schemas", schemas),
    `}\n\nexport const contract = pinnedContract<${contractType}>(\n  import.meta.url,\n  "${contractHash(model)}",\n);\n`,
  ]
    .join("")
    .replace(/ +\n/g, "\n");
}

function block(name: string, members: readonly string[]): string {
  return members.length === 0 ? `  readonly ${name}: {};\n` : `  readonly ${name}: {\n${members.join("")}  };\n`;
}

const languages = { openapi: "OpenAPI", wsdl: "WSDL", sql: "SQL", csv: "CSV" } as const;

function whole({ name }: ContractModel, of: ContractOf): string {
  return of === "system"
    ? `Everything that ${name} offers. The server binds it to one live client.`
    : `Everything that ${name} has to offer. implementApi names what is missing.`;
}

function header(model: ContractModel, text: TypeText, of: ContractOf): string {
  const { source } = model;
  const what = [source.title, source.version].filter((word) => word !== undefined && word !== "").join(" ");
  const files = source.files.map((file) => file.path);
  const from = files.length <= 3 ? files.join(", ") : `${files[0]!} and ${files.length - 1} more files`;
  const lines = [
    `The contract of the ${of === "system" ? "system" : "API"} "${model.name}"${what === "" ? "" : `: ${what}`} (${languages[source.language]} ${source.languageVersion}, read from ${from}).`,
    `Generated; do not edit. Refresh it with: mortise types ${model.name}`,
  ];
  return text.comment({ description: lines.join("\n") }, "");
}

function worthAName(schema: JsonSchema): boolean {
  if (typeof schema === "boolean" || schema.$ref !== undefined) return false;
  if (schema.allOf !== undefined || schema.anyOf !== undefined || schema.oneOf !== undefined) return true;
  return isObject(schema) && schema.properties !== undefined && Object.keys(schema.properties as object).length > 0;
}
