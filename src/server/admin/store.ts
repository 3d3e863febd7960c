/** The address of the admin API about the store. */
import type { StoreView } from "../storage/size.ts";
import type { AdminRoute } from "./route.ts";
import { ref } from "./schemas.ts";

export function storeRoutes(size: () => Promise<StoreView>): readonly AdminRoute[] {
  return [
    {
      method: "GET",
      path: "/store/size",
      name: "getStoreSize",
      summary: "What takes space in the store. Reads each page once, for 20 seconds at most; nothing waits for it",
      role: "viewer",
      answer: ref("StoreSize"),
      handle: size,
    },
  ];
}
