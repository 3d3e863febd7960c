/** Drivers of database servers are packages of the user's own: nobody who does not need them has to install them. */
import { createRequire } from "node:module";
import { join } from "node:path";
import { failure } from "../../errors.ts";

/** Loads a package from the project, else from beside Mortise. Throws `driver-missing`. */
export function loadDriver<T>(name: "pg" | "mysql2", system: string, project: string): T {
  for (const from of [join(project, "package.json"), import.meta.url]) {
    try {
      return createRequire(from)(name) as T;
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      // Another one that is missing is a defect of the installation.
      if (code !== "MODULE_NOT_FOUND" || !message.includes(`'${name}'`)) throw error;
    }
  }
  const database = name === "pg" ? "PostgreSQL" : "MySQL or MariaDB";
  throw failure("driver-missing", { system, database, package: name });
}
