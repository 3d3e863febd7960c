import assert from "node:assert/strict";
import { test } from "node:test";
import { camelCase } from "./names.ts";

test("names in camelCase, whatever the contract writes", () => {
  const names: readonly (readonly [written: string, name: string])[] = [
    ["list_pets", "listPets"],
    ["Get Pets", "getPets"],
    ["X-Request-Id", "xRequestId"],
    ["GetURLOfPet", "getURLOfPet"],
    ["get URL", "getURL"],
    ["PING", "ping"],
    // Several words in capitals, as events are often called.
    ["ACH_NOTIFICATION_OF_CHANGE", "achNotificationOfChange"],
    ["X-API-KEY", "xApiKey"],
    ["V2_1", "v21"],
  ];
  for (const [written, name] of names) assert.equal(camelCase(written), name, written);
});
