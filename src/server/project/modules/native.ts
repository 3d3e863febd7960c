/** What Node imports for modules that it does not load itself: packages, its own modules, Mortise. Node keeps it, so each is imported once. */
import { registerHooks } from "node:module";
import type { Exports } from "../files.ts";
import { useOwnMortise } from "../own-mortise.ts";

const scheme = "mortise-from:";
let hooked = false;

/** The module that `specifier` names in a file at `place` (a file URL). Throws what Node throws. */
export async function importFrom(specifier: string, place: string): Promise<Exports> {
  useOwnMortise();
  if (!hooked) {
    hooked = true;
    registerHooks({
      resolve(given, context, next) {
        if (!given.startsWith(scheme)) return next(given, context);
        const [wanted, parentURL] = JSON.parse(decodeURIComponent(given.slice(scheme.length))) as [string, string];
        return next(wanted, { ...context, parentURL });
      },
    });
  }
  // As if the file had imported it: versions, exports and conditions are looked up from there.
  return (await import(scheme + encodeURIComponent(JSON.stringify([specifier, place])))) as Exports;
}
