/** The Swagger UI that a project has installed: from the package of its makers, or from one that carries the same files. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { SwaggerUiFiles } from "../../publish/docs/swagger-ui.ts";

/** Where its files are, in each package that has them. */
const places = [
  ["@fastify/swagger-ui", "static"],
  ["swagger-ui-dist", "."],
] as const;

/** `undefined`: the project has none. */
export function swaggerUiOf(project: string): SwaggerUiFiles | undefined {
  const require = createRequire(join(project, "package.json"));
  for (const [name, folder] of places) {
    const at = found(() => dirname(require.resolve(`${name}/package.json`)));
    if (at === undefined) continue;
    const read = (file: string): Uint8Array => readFileSync(join(at, folder, file));
    return { script: read("swagger-ui-bundle.js"), style: read("swagger-ui.css") };
  }
  return undefined;
}

function found(resolve: () => string): string | undefined {
  try {
    return resolve();
  } catch {
    return undefined;
  }
}
