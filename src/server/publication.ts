/** What a start would refuse about the APIs of a project, found without starting: nothing is opened, called or written. */
import { asMortiseError } from "../errors.ts";
import type { ApiDefinition } from "../publish/define.ts";
import { lifecycleProblems } from "../publish/lifecycle/policy.ts";
import { createPublisher, type PublisherOptions } from "../publish/publisher.ts";
import { minimumNoticeOf } from "./config.ts";
import type { Project } from "./project.ts";

/** Of each API that can't be published beside the ones before it: why. */
export async function publicationProblems(
  project: Project,
): Promise<readonly { readonly api: ApiDefinition; readonly message: string }[]> {
  const contracts = new Map([...project.systems].map(([name, { contract }]) => [name, contract]));
  const good: ApiDefinition[] = [];
  const problems: { readonly api: ApiDefinition; readonly message: string }[] = [
    ...lifecycleProblems(project.apis, minimumNoticeOf(project.config)),
  ];
  for (const api of project.apis) {
    try {
      const publisher = createPublisher({ apis: [...good, api], store: noStore, backend: noBackend, contracts });
      await publisher.close();
      good.push(api);
    } catch (error) {
      problems.push({ api, message: asMortiseError(error).message });
    }
  }
  return problems;
}

/** Statements are prepared, and none is run: no request ever comes. */
const noStore = {
  submit: () => Promise.reject(new TypeError("a check writes nothing")),
  read: { prepare: () => ({ all: () => [] }) },
} as unknown as PublisherOptions["store"];
const noBackend = Object.freeze({}) as PublisherOptions["backend"];
