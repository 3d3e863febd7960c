/** Makes sure that there is one Mortise in a thread. */
import { registerHooks } from "node:module";

/**
 * From here on, `mortise` means this Mortise to every module of this thread, whatever copy a project has installed: two copies in
 * one thread would not know each other's errors. A package may import itself by name, so it is looked up from here.
 */
export function useOwnMortise(): void {
  if (hooked) return;
  hooked = true;
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === "mortise" || specifier.startsWith("mortise/")
        ? next(specifier, { ...context, parentURL: import.meta.url })
        : next(specifier, context),
  });
}
let hooked = false;
