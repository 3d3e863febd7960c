/** What the command line shows of what is known of a step that can't go on. */
import type { KnownOfStep } from "../run-shapes.ts";
import { type Terminal, time } from "../terminal.ts";

/** What is known of the step, for whoever has to decide. */
export function known(terminal: Terminal, { effect, key, attempts, ...facts }: KnownOfStep): void {
  const { firstFailedAt, lastFailedAt, keyUntil, probeFoundNothingAt } = facts;
  const from = firstFailedAt === undefined ? "" : `, the first failed at ${time(firstFailedAt)}`;
  const to = lastFailedAt === undefined || attempts < 2 ? "" : `, the last at ${time(lastFailedAt)}`;
  terminal.line(`  attempts           ${attempts}${from}${to}`);
  const maybe =
    effect === "read" ? "it only reads" : facts.mayHaveHappened ? "it may have happened" : "it has not happened";
  const probed = probeFoundNothingAt === undefined ? "" : `; its probe found nothing at ${time(probeFoundNothingAt)}`;
  terminal.line(`  effect             ${effect}: ${maybe}${probed}`);
  terminal.line(`  key                ${key}${keyUntil === undefined ? "" : `, honoured until ${time(keyUntil)}`}`);
}
