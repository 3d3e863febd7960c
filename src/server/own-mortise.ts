/** Makes sure that there is one Mortise in a thread. */
import { registerHooks } from "node:module";
import { moduleUrl } from "../module-url.ts";

/**
 * From here on, `mortise` means this Mortise to every module of this thread, whatever copy a project has installed: two copies in
 * one thread would not know each other's errors.
 */
export function useOwnMortise(): void {
  if (hooked) return;
  hooked = true;
  const own = moduleUrl("../index", import.meta.url).href;
  registerHooks({
    resolve: (specifier, context, next) => {
      if (specifier === "mortise") return next(own, context);
      if (specifier.startsWith("mortise/")) return next(specifier, { ...context, parentURL: own });
      return next(specifier, context);
    },
  });
}
let hooked = false;
