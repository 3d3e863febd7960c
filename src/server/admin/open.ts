/** The admin API of a server, put together from the server's parts. */
import { channel } from "node:diagnostics_channel";
import { readFileSync } from "node:fs";
import { compileSchema } from "../../contract/validate.ts";
import type { AdminFact } from "../../observe/facts.ts";
import type { Metrics } from "../../observe/metrics.ts";
import type { Engine } from "../../process/engine.ts";
import type { BeganBetween, Traces } from "../../process/trace.ts";
import type { HttpHandler } from "../../publish/http.ts";
import type { OpenedStore } from "../../store/open.ts";
import type { Front } from "../front.ts";
import type { Reloads } from "../reload/reload.ts";
import type { Masking } from "../secrets/masking.ts";
import { sizeOf } from "../storage/size.ts";
import { checkInput, checkResult, checkStart } from "../systems/answers.ts";
import { shownAddress } from "../systems/shown-address.ts";
import type { Fared } from "../versions/rehearsals.ts";
import { createAdmin } from "./admin.ts";
import { apiRoutes } from "./apis.ts";
import { openAudit } from "./audit.ts";
import { type CatalogueResources, catalogueRoutes } from "./catalogue.ts";
import { consumerRoutes } from "./consumers.ts";
import { contractRoutes } from "./contracts.ts";
import { formCompiler } from "./form-compiler.ts";
import { type MoveResources, moveRoutes } from "./moves.ts";
import { reloadRoutes } from "./reload.ts";
import { runRoutes, stateRoutes } from "./resources.ts";
import { scheduleRoutes } from "./schedules.ts";
import { type SecretResources, secretRoutes } from "./secrets.ts";
import { startRoutes } from "./starts.ts";
import { storeRoutes } from "./store.ts";
import { subscriptionCheck } from "./subscriptions.ts";
import type { Tokens } from "./tokens.ts";
import { traceRoutes } from "./trace.ts";
import { type VersionResources, versionRoutes } from "./versions.ts";

export interface AdminParts {
  readonly front: Pick<Front, "live" | "inUse" | "surface" | "scheduler" | "watch">;
  readonly store: Pick<OpenedStore, "submit" | "read" | "file">;
  readonly engine: Engine & Traces;
  readonly began: BeganBetween;
  readonly tokens: Tokens;
  readonly metrics: Pick<Metrics, "page">;
  readonly health: CatalogueResources["health"];
  readonly reloads: Pick<Reloads, "reload">;
  readonly secrets: SecretResources;
  readonly versions: VersionResources["versions"];
  readonly deployments: VersionResources["deployments"] & { readonly pinFolder: MoveResources["pinFolder"] };
  readonly moves: Omit<MoveResources, "maskFared" | "pinFolder">;
  /** Reasons why requests are not taken; `[]`: ready. */
  readonly notReady: () => readonly string[];
}

const facts = channel("mortise:server:admin");

export function openAdmin(parts: AdminParts): HttpHandler {
  const { front, store, engine, tokens } = parts;
  const { live, inUse } = front;
  const { keys: keyring } = live.publisher;
  const subscription = subscriptionCheck({
    apis: () => live.project().apis,
    keyring,
    consumers: live.publisher.consumers,
    usage: live.publisher.lifecycle.usage,
    clock: Date.now,
  });
  const compile = formCompiler();
  return createAdmin({
    routes: [
      ...runRoutes({
        engine,
        compile,
        deliver: live.deliver,
        maskRun: (run) => live.masking().run(run),
        maskValue: (run, hash) => live.masking().value(run, hash),
        maskSummary: (run, whole) => live.masking().summary(run, whole),
        maskTask: (task, run) => live.masking().task(task, run),
        checkInput: (run, input) => checkInput(live.project(), run, input),
        checkStart: (run, input) => checkStart(live.project(), run, input),
        checkResult: (run, result) => checkResult(live.project(), run, result),
      }),
      ...apiRoutes({
        project: live.project,
        lifecycle: live.publisher.lifecycle,
        openapi: live.publisher.openapi,
        inUse,
        clock: Date.now,
      }),
      ...consumerRoutes({ consumers: live.publisher.consumers, keyring, subscription }),
      ...scheduleRoutes(front.scheduler),
      ...contractRoutes(front.watch),
      ...startRoutes({ project: live.project, engine, validator: ({ input }) => compileSchema(input) }),
      ...stateRoutes({
        notReady: parts.notReady,
        metrics: parts.metrics.page,
      }),
      ...catalogueRoutes({
        project: live.project,
        engine,
        address: (name) => shownAddress(front.surface().settings.get(name)?.connection ?? ""),
        health: parts.health,
        keyring,
        subscription,
        tokens,
        audit: openAudit(store.read),
      }),
      ...secretRoutes(parts.secrets),
      ...reloadRoutes(parts.reloads),
      ...storeRoutes(sizeOf(store.file)),
      ...traceRoutes({
        engine,
        records: live.publisher.records,
        began: parts.began,
        project: live.project,
        masking: live.masking,
      }),
      ...moveRoutes({
        ...parts.moves,
        pinFolder: parts.deployments.pinFolder,
        maskFared: (fared) => maskFared(fared, live.masking(), engine),
      }),
      ...versionRoutes({ versions: parts.versions, deployments: parts.deployments }),
    ],
    tokens,
    store,
    compile,
    version: ownVersion(),
    onRequest: (fact) => facts.publish(fact satisfies AdminFact),
  });
}

/** What the code of a run threw may repeat what is sensitive in it, and so may its key. */
function maskFared(fared: Fared, masking: Masking, engine: Pick<Engine, "run">): Fared {
  const { run: id, process, key, from: version, message: reason } = fared;
  const summary = { id, process, key, version, status: "parked" as const, origin: "", createdAt: 0, updatedAt: 0 };
  const shown = masking.summary(reason === undefined ? summary : { ...summary, reason }, () => engine.run(id));
  return { ...fared, key: shown.key, ...(shown.reason === undefined ? {} : { message: shown.reason }) };
}

function ownVersion(): string {
  const file = new URL("../../../package.json", import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}
