import assert from "node:assert/strict";
import { test } from "node:test";
import { refusedAddress } from "./addresses.ts";

test("without internal, every special-purpose address is refused", () => {
  for (const address of [
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "::ffff:8.8.8.8",
    "fe80::1",
    "fd12::1",
    "fc00::1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "ff02::1",
    "100:0:0:1::1",
    "3fff::1",
    "5f00::1",
    "not an address",
  ])
    assert.notEqual(refusedAddress(address, false, false), undefined, address);
});

test("without internal, public addresses are called", () => {
  for (const address of ["8.8.8.8", "172.32.0.1", "100.63.0.1", "2606:4700::1111", "2a00:1450::1"])
    assert.equal(refusedAddress(address, false, false), undefined, address);
});

test("with internal, only a metadata address that a name leads to is refused", () => {
  for (const address of ["127.0.0.1", "10.0.0.1", "::1", "fd12::1", "169.254.1.1", "8.8.8.8"])
    assert.equal(refusedAddress(address, true, false), undefined, address);
  for (const address of ["169.254.169.254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "fd00:ec2::254"]) {
    assert.notEqual(refusedAddress(address, true, false), undefined, address);
    assert.equal(refusedAddress(address, true, true), undefined, address);
    assert.notEqual(refusedAddress(address, false, true), undefined, address);
  }
});
