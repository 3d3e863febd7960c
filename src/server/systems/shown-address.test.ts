import assert from "node:assert/strict";
import test from "node:test";
import { shownAddress } from "./shown-address.ts";

test("an address is shown without what stands in it besides", () => {
  assert.equal(
    shownAddress("https://u:canary@erp.example:8443/orders?key=canary#canary"),
    "https://erp.example:8443/orders",
  );
  assert.equal(shownAddress("postgres://app:canary@db.example/shop?sslmode=require"), "postgres://db.example/shop");
});

test("of what can't be read as an address nothing is shown that may be a password", () => {
  for (const connection of [
    "postgres://app:can/ary@db.example/shop",
    "postgres://app:#canary@db.example/shop",
    "postgres:app:canary@db.example/shop",
    "app:canary@db.example/shop",
    "Server=db.example;Uid=app;Pwd=canary",
    "postgres:///shop?password=canary",
  ])
    assert.doesNotMatch(shownAddress(connection), /can|ary/, connection);
});

test("a folder and a file are shown as they are", () => {
  for (const path of ["./drop", "/var/drop", "C:\\drop\\in", "data/shop.db", "sqlite:data/shop.db", ""])
    assert.equal(shownAddress(path), path);
});
