/** Drivers of database servers are packages of the user's own: nobody who does not need them has to install them. */
import { createRequire } from "node:module";
import { join } from "node:path";
import type { ContractModel } from "../../contract/model.ts";
import { failure, type MortiseError } from "../../errors.ts";

type Driver = "pg" | "mysql2";

/** Loads a package from the project, else from beside Mortise. Throws `driver-missing`. */
export function loadDriver<T>(name: Driver, system: string, project: string): T {
  const driver = found(name, project, (load) => load(name) as T);
  if (driver === undefined) throw driverMissing(name, system);
  return driver;
}

/** `driver-missing` where the database of a contract needs a package that is not installed. It is looked up, and not loaded. `beside`: a file of Mortise. */
export function missingDriver(
  { name, operations }: Pick<ContractModel, "name" | "operations">,
  project: string,
  beside = import.meta.url,
): MortiseError | undefined {
  const dialects = Object.values(operations).map(({ binding }) =>
    binding.protocol === "sql" ? binding.dialect : undefined,
  );
  const needed = (["postgresql", "mysql"] as const).find((dialect) => dialects.includes(dialect));
  if (needed === undefined) return undefined;
  const driver = needed === "postgresql" ? "pg" : "mysql2";
  return found(driver, project, ({ resolve }) => resolve(driver), beside) === undefined
    ? driverMissing(driver, name)
    : undefined;
}

function found<T>(
  name: Driver,
  project: string,
  look: (require: NodeJS.Require) => T,
  beside = import.meta.url,
): T | undefined {
  for (const from of [join(project, "package.json"), beside]) {
    try {
      return look(createRequire(from));
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      // Another one that is missing is a defect of the installation.
      if (code !== "MODULE_NOT_FOUND" || !message.includes(`'${name}'`)) throw error;
    }
  }
  return undefined;
}

function driverMissing(name: Driver, system: string): MortiseError {
  const database = name === "pg" ? "PostgreSQL" : "MySQL or MariaDB";
  return failure("driver-missing", { system, database, package: name });
}
