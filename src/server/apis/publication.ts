/** What a start would refuse about the APIs of a project, found without starting: nothing is opened, called or written. */
import { asMortiseError } from "../../errors.ts";
import type { ApiDefinition } from "../../publish/define.ts";
import { lifecycleProblems } from "../../publish/lifecycle/policy.ts";
import type { OpenApiDocument } from "../../publish/openapi.ts";
import { createPublisher, type PublisherOptions } from "../../publish/publisher.ts";
import { minimumNoticeOf } from "../project/config.ts";
import type { Project } from "../project/project.ts";
import { docsSources } from "./docs-sources.ts";
import { historyFolder, readHistory } from "./published/history.ts";
import { isLocking, type Lock, noticeOf, readLocks, refusalOf } from "./published/locked.ts";

export interface PublicationProblem {
  /** Relative to the project. */
  readonly file: string;
  readonly message: string;
  /** Of a published contract that the code does not keep. */
  readonly lock?: Lock;
}

export interface Publication {
  /** Of each API that can't be published beside the ones before it, or breaks what is published: why. */
  readonly problems: readonly PublicationProblem[];
  /** What is served and not written down: versions that are not published yet, changes that break nobody. */
  readonly notices: readonly PublicationProblem[];
  /** Files of the history that can't be read. They decide nothing: callers are not told of them, and that is all. */
  readonly damaged: readonly PublicationProblem[];
  /** How the published contracts and the code stand to each other. */
  readonly locks: readonly Lock[];
}

export async function publicationOf(project: Project): Promise<Publication> {
  const contracts = new Map([...project.systems].map(([name, { contract }]) => [name, contract]));
  const { swaggerUi = () => undefined } = docsSources(project.folder);
  const docs = { swaggerUi };
  const good: ApiDefinition[] = [];
  const place = (api: ApiDefinition) => project.places.get(`API ${api.name} ${api.version}`) ?? "apis/";
  const problems: PublicationProblem[] = lifecycleProblems(project.apis, minimumNoticeOf(project.config)).map(
    ({ api, message }) => ({ file: place(api), message }),
  );
  const documents = new Map<string, OpenApiDocument>();
  for (const api of project.apis) {
    try {
      const publisher = createPublisher({ apis: [...good, api], store: noStore, backend: noBackend, contracts, docs });
      await publisher.close();
      const document = publisher.openapi(api.name, api.version);
      if (document !== undefined) documents.set(`${api.name} ${api.version}`, document);
      good.push(api);
    } catch (error) {
      problems.push({ file: place(api), message: asMortiseError(error).message });
    }
  }
  let locks: readonly Lock[] = [];
  const damaged: PublicationProblem[] = [];
  try {
    locks = await readLocks(project, documents);
    readHistory(project.folder, undefined, ({ message }) => damaged.push({ file: historyFolder, message }));
  } catch (error) {
    problems.push({ file: "apis/published", message: asMortiseError(error).message });
  }
  const notices: PublicationProblem[] = [];
  for (const lock of locks) {
    const notice = isLocking(project) ? noticeOf(lock) : undefined;
    if (notice !== undefined) notices.push({ file: lock.file, message: notice, lock });
    const message = refusalOf(lock);
    if (message !== undefined)
      problems.push({ file: lock.api === undefined ? lock.file : place(lock.api), message, lock });
  }
  return { problems, notices, damaged, locks };
}

/** Statements are prepared, and none is run: no request ever comes. */
const noStore = {
  submit: () => Promise.reject(new TypeError("a check writes nothing")),
  read: { prepare: () => ({ all: () => [] }) },
} as unknown as PublisherOptions["store"];
const noBackend = Object.freeze({}) as PublisherOptions["backend"];
