/** What the API listener needs from the configuration and from the APIs: limits, TLS, client certificates. */
import { readFileSync, statSync } from "node:fs";
import { isIP } from "node:net";
import { resolve } from "node:path";
import { failure } from "../../errors.ts";
import type { Log } from "../../observe/log.ts";
import { wantsCertificates } from "../../publish/access/access.ts";
import type { ListenerOptions } from "../../publish/listener.ts";
import { type TlsPair, tlsOptions } from "../../publish/tls.ts";
import type { Config } from "../project/config.ts";
import type { Project } from "../project/project.ts";

/** The limits of connections and times. */
export function apiLimits({
  limits,
}: Pick<Config, "limits">): Pick<
  ListenerOptions,
  "bodyTimeoutMs" | "headersTimeoutMs" | "keepAliveMs" | "maxConnections" | "maxConnectionsPerAddress"
> {
  return {
    bodyTimeoutMs: limits.requestTimeout,
    headersTimeoutMs: limits.headersTimeout,
    keepAliveMs: limits.keepAlive,
    maxConnections: limits.connections,
    maxConnectionsPerAddress: limits.connectionsPerAddress,
  };
}

/** What of a server's surface counts here. */
export interface TlsSurface {
  readonly project: Pick<Project, "folder" | "apis">;
  readonly config: Pick<Config, "api">;
}

/**
 * `surface`: as it is now; where the files are may change, the rest is as it was at first. Throws `server-failed` and `secret-open`.
 */
export function apiTls(
  surface: () => TlsSurface,
  log: Pick<Log, "error">,
): Pick<ListenerOptions, "tls" | "certificateProxies"> {
  const { config, project } = surface();
  const { certificate, key } = config.api;
  const certificateProxies = new Set(proxiesOf(config.api.certificateProxies));
  if (certificate === "" && key === "") return { certificateProxies };
  if (certificate === "" || key === "")
    throw failure("server-failed", { reason: "api.certificate and api.key go together: set both, or none" });
  checkTls(surface());
  return {
    certificateProxies,
    tls: {
      read: () => pairOf(surface()),
      asksClients: asksClients(project),
      onFailure: (error) => log.error({ error }, "the new TLS files can't be used; the ones before stay"),
    },
  };
}

/** Whether an API wants the certificates of its clients. */
export function asksClients({ apis }: TlsSurface["project"]): boolean {
  return apis.some(({ access }) => wantsCertificates(access));
}

/** Throws what is wrong with the files that the listener is to speak TLS with; without any there is nothing to check. */
export function checkTls(surface: TlsSurface): void {
  const { certificate, key } = surface.config.api;
  if (certificate === "" && key === "") return;
  const pair = pairOf(surface);
  try {
    tlsOptions(pair, false);
  } catch (error) {
    const reason = `the TLS files ${certificate} and ${key} can't be used as a certificate in PEM and its key (${(error as Error).message})`;
    throw failure("server-failed", { reason });
  }
}

function pairOf({ project, config: { api } }: TlsSurface): TlsPair {
  return { cert: text(project.folder, api.certificate), key: privateText(project.folder, api.key) };
}

function proxiesOf(list: string): readonly string[] {
  const addresses = list.split(",").flatMap((one) => (one.trim() === "" ? [] : [one.trim()]));
  const wrong = addresses.find((address) => isIP(address) === 0);
  if (wrong !== undefined)
    throw failure("server-failed", { reason: `api.certificateProxies has ${wrong}, which is no address` });
  return addresses;
}

function text(folder: string, path: string): string {
  try {
    return readFileSync(resolve(folder, path), "utf8");
  } catch (error) {
    throw failure("server-failed", {
      reason: `the TLS file ${path} can't be read (${(error as Error).message})`,
    });
  }
}

function privateText(folder: string, path: string): string {
  const file = resolve(folder, path);
  const stat = statSync(file, { throwIfNoEntry: false });
  // Windows has no such bits; there the folder's own access list guards it.
  if (stat !== undefined && process.platform !== "win32" && (stat.mode & 0o077) !== 0)
    throw failure("secret-open", { file });
  return text(folder, path);
}
