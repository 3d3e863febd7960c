/** Whether the pinned contracts, and what was written from them, are what they were when they were pinned. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { asMortiseError } from "../../errors.ts";
import { pinnedContracts, readPin, readPinned, written } from "../pin.ts";
import type { Finding } from "./finding.ts";

export async function contractFindings(project: string): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const { of, name, folder, place } of pinnedContracts(project)) {
    const shown = of === "system" ? name : place;
    try {
      const changed = readPin(folder).source.files.filter(({ path, sha256 }) => hashOf(join(folder, path)) !== sha256);
      for (const { path } of changed) {
        const gone = !existsSync(join(folder, path));
        const message = gone
          ? `is gone, and the contract of ${name} needs it; restore it from git`
          : `has changed since it was pinned; take it over with: mortise types ${shown}`;
        findings.push({ level: "error", rule: "contract-changed", file: `${place}/${path}`, message });
      }
      if (changed.length > 0) continue;
      for (const [path, text] of Object.entries(written(await readPinned(folder, name), of))) {
        const file = join(folder, path);
        if (existsSync(file) && readFileSync(file, "utf8") === text) continue;
        const message = `is not what the pinned contract gives; write it again with: mortise types ${shown}`;
        findings.push({ level: "error", rule: "contract-stale", file: `${place}/${path}`, message });
      }
    } catch (error) {
      const { message } = asMortiseError(error);
      findings.push({ level: "error", rule: "contract-unreadable", file: place, message });
    }
  }
  return findings;
}

function hashOf(file: string): string | undefined {
  return existsSync(file) ? createHash("sha256").update(readFileSync(file)).digest("hex") : undefined;
}
