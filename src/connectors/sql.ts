/**
 * The connector "sql": named statements of a SQL contract, on SQLite, PostgreSQL or MySQL (MariaDB). Values are always bound, statements
 * come only from the pinned contract. The driver of a database server is a package of its own, loaded at the first call.
 */
import type { ContractModel } from "../contract/model.ts";
import type { Client, Connector, ConnectorEnvironment } from "./connector.ts";
import { createServerClient } from "./sql/server-client.ts";
import { SqliteClient } from "./sql/sqlite.ts";
import type { ResolvedSettings } from "./system.ts";

export const sqlConnector: Connector = Object.freeze({
  protocol: "sql",
  open(contract: ContractModel, settings: ResolvedSettings, environment: ConnectorEnvironment): Client {
    const dialect = dialectOf(contract);
    return dialect === "sqlite"
      ? new SqliteClient(contract, settings, environment)
      : createServerClient(dialect, contract, settings, environment);
  },
});

function dialectOf({ database, operations }: ContractModel) {
  const binding = Object.values(operations)[0]?.binding;
  return database?.dialect ?? (binding?.protocol === "sql" ? binding.dialect : "sqlite");
}
