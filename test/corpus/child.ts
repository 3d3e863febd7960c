/** One contract after the other, in a process of its own: whatever hangs, or takes all memory, takes only itself. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { connectionFile } from "../../src/cli/connection-file.ts";
import type { ContractModel } from "../../src/contract/model.ts";
import { readContract } from "../../src/contract/read/read-contract.ts";
import { openSource } from "../../src/contract/read/source.ts";
import { writeContract } from "../../src/contract/write/typescript.ts";
import { callOperations } from "./calls.ts";

export interface Task {
  readonly folder: string;
  readonly file: string;
  readonly urls?: Readonly<Record<string, string>>;
  /** Folder that the generated files go to. */
  readonly out: string;
}

export interface Done {
  readonly operations: number;
  readonly events: number;
  /** `null`: it did not get as far. */
  readonly called: number | null;
  readonly read: boolean;
  readonly generated: boolean;
  readonly bytes: number;
  readonly notes: number;
  readonly reason?: string;
}

process.on("message", (task: Task) => {
  void work(task).then((done) => process.send!(done));
});

async function work({ folder, file, urls, out }: Task): Promise<Done> {
  const nothing = { operations: 0, events: 0, called: null, read: false, generated: false, bytes: 0, notes: 0 };
  let model: ContractModel;
  try {
    const opened = await openSource(join(folder, file), { root: folder, ...(urls === undefined ? {} : { urls }) });
    model = await readContract(opened, "system");
  } catch (error) {
    return { ...nothing, reason: text(error) };
  }
  const operations = Object.keys(model.operations).length;
  const events = Object.keys(model.events).length;
  const read = { ...nothing, operations, events, read: true, notes: model.source.notes?.length ?? 0 };
  let bytes = 0;
  try {
    const files = { ...writeContract(model), "index.ts": connectionFile(model), "use.ts": useOf(model) };
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(dirname(join(out, name)), { recursive: true });
      writeFileSync(join(out, name), content);
      bytes += content.length;
    }
  } catch (error) {
    return { ...read, reason: text(error) };
  }
  const { called, reason } = await callOperations(model).catch((error: unknown) => ({
    called: 0,
    reason: text(error),
  }));
  return { ...read, generated: true, bytes, called, ...(reason === undefined ? {} : { reason }) };
}

/** A consumer that names each operation's input, output and faults, and each event, so that every type is worked out. */
function useOf(model: ContractModel): string {
  const name = (member: string) => `typeof system[${JSON.stringify(member)}]`;
  const operations = Object.keys(model.operations).map(
    (one) => `  readonly [InputOf<${name(one)}>, OutputOf<${name(one)}>, FaultsOf<${name(one)}>],\n`,
  );
  const events = Object.keys(model.events).map((one) => `  PayloadOf<${name(one)}>,\n`);
  const types = [
    ...(operations.length > 0 ? ["FaultsOf", "InputOf", "OutputOf"] : []),
    ...(events.length > 0 ? ["PayloadOf"] : []),
  ];
  const imported = types.length === 0 ? "" : `import type { ${types.join(", ")} } from "mortise";\n`;
  return `${imported}import { system } from "./index.ts";

export type All = [
${[...operations, ...events].join("")}];
export const schemas = system.schemas;
`;
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
