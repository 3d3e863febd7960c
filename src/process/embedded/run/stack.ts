/** Where the code is that asks: looked at only when it is to be shown. */

/** The stack of whoever asks: deep enough to reach the process through helpers of its own. */
export function stackHere(): string {
  const before = Error.stackTraceLimit;
  Error.stackTraceLimit = 60;
  const { stack = "" } = new Error("here");
  Error.stackTraceLimit = before;
  return stack;
}
