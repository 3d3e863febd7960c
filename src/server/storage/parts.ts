/** Which rooms have tables of their own in the store. */
import { moduleUrl } from "../../module-url.ts";

/** Modules whose `storePart` the store's writer thread imports. */
export function storeParts(): readonly string[] {
  return [
    "../../process/embedded/store/store-part",
    "../../publish/store-part",
    "../../publish/lifecycle/store-part",
    "../../publish/limits/store-part",
    "../../publish/consumers/store-part",
    "../admin/store-part",
    "../versions/store-part",
    "../secrets/store-part",
    "../contracts/store-part",
    "../lives-part",
  ].map((path) => moduleUrl(path, import.meta.url).href);
}
