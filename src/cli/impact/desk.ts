/** Asks the project's compiler, in a process of its own: what findings touch, and what is wrong with files that are not written yet. */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { OverriddenComparison } from "../../contract/compare/overrides.ts";
import type { ContractModel } from "../../contract/model.ts";
import { moduleUrl } from "../../module-url.ts";
import type { Finding } from "../check/finding.ts";
import type { Impact } from "./impact.ts";

export type Question =
  | {
      readonly ask: "impact";
      readonly folder: string;
      readonly pinned: ContractModel;
      readonly comparison: OverriddenComparison;
    }
  | { readonly ask: "errors"; readonly folder: string; readonly overlay: Readonly<Record<string, string>> };

export type Answer =
  | { readonly impact: Impact }
  | { readonly errors: readonly Finding[] }
  /** The compiler could not be asked. */
  | { readonly reason: string };

export class Desk {
  #child: ChildProcess | undefined;
  readonly #patienceMs: number;

  /** `patienceMs`: how long an answer may take. Default three minutes. */
  constructor(patienceMs = 180_000) {
    this.#patienceMs = patienceMs;
  }

  /** Never rejects. One question at a time. */
  ask(question: Question): Promise<Answer> {
    const child = this.#open();
    return new Promise((resolve) => {
      const done = (found: Answer) => {
        clearTimeout(timer);
        child.removeAllListeners();
        resolve(found);
      };
      const gone = (reason: string) => {
        this.close();
        done({ reason });
      };
      const timer = setTimeout(
        () => gone(`the compiler took longer than ${this.#patienceMs / 1000} seconds`),
        this.#patienceMs,
      );
      child.once("message", (found) => done(found as Answer));
      child.once("error", (error) => gone(`the compiler could not be asked: ${error.message}`));
      child.once("exit", (code, signal) => gone(`the compiler ended with ${signal ?? code}`));
      child.send(question, (error) => {
        if (error !== null) gone(`the compiler could not be asked: ${error.message}`);
      });
    });
  }

  #open(): ChildProcess {
    if (this.#child?.connected === true) return this.#child;
    this.#child = fork(fileURLToPath(moduleUrl("./desk-main", import.meta.url)), {
      // What the compiler says for itself is nothing for the terminal.
      stdio: ["ignore", "ignore", "ignore", "ipc"],
    });
    return this.#child;
  }

  close(): void {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined) return;
    child.removeAllListeners();
    child.on("error", () => {});
    child.kill("SIGKILL");
  }
}
