/**
 * The surface of a server: everything of a project that may become another one while the server runs, resolved. A reload makes a new
 * one aside, and so does a secret that changes.
 */
import { resolve } from "node:path";
import type { ResolvedSettings } from "../../connectors/system.ts";
import type { Redactor } from "../../observe/redact.ts";
import type { Reference } from "../../operation.ts";
import type { Config } from "../project/config.ts";
import type { Project } from "../project/project.ts";
import { accessReferences } from "../secrets/access-references.ts";
import { createResolver, type FoundSecret, type Resolver, resolveSystems } from "../secrets/secrets.ts";

export interface Surface {
  /** As it was read from its files. */
  readonly project: Project;
  readonly config: Config;
  /** Of each system. */
  readonly settings: ReadonlyMap<string, ResolvedSettings>;
  /** The values behind the references in `access` of the APIs. */
  readonly access: (given: Reference | string) => string;
  /** The secrets that it uses, by name. */
  readonly secrets: ReadonlyMap<string, FoundSecret>;
  /** Of them and of other hidden values: what is too short or too plain to be kept out of the log by its text. */
  readonly plain: readonly string[];
}

export interface Surfaces {
  /** What `encryption.key` gave at the start: it opens the store, so the store is not asked for it. */
  readonly keyText: string | undefined;
  /** `stored`: the secrets of the store. Throws `secrets-missing`, naming all that is missing, `secret-open` and `server-failed`. */
  resolve(project: Project, config: Config, stored: (name: string) => string | undefined): Surface;
}

/** For the project that is started. Throws as `resolve` does, if the key of the store is among what is missing. */
export function openSurfaces({
  project,
  config,
  environment,
  redactor,
}: Pick<Surface, "project" | "config"> & {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly redactor: Redactor;
}): Surfaces {
  const resolverOf = (of: Project, { secrets }: Config, stored?: (name: string) => string | undefined) =>
    createResolver({ folder: resolve(of.folder, secrets), environment, redactor, ...(stored && { stored }) });
  const { key } = config.encryption;
  const resolver = resolverOf(project, config);
  const keyText = key && resolver.hidden(key, "encryption.key");
  // Without it the store opens for nobody: then all that is missing is named at once.
  if (keyText === "") resolveSurface(project, config, resolver, redactor);
  return { keyText, resolve: (of, set, stored) => resolveSurface(of, set, resolverOf(of, set, stored), redactor) };
}

function resolveSurface(project: Project, config: Config, resolver: Resolver, redactor: Redactor): Surface {
  const settings = resolveSystems(project.systems.values(), resolver, redactor);
  const access = accessReferences(project.apis, resolver);
  resolver.finish();
  return Object.freeze({ project, config, settings, access, secrets: resolver.found(), plain: resolver.plain() });
}
