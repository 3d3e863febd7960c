/**
 * Which network addresses an outgoing connection may use. Decided on the resolved address, inside `connect`, so that a name
 * that resolves differently the second time (DNS rebinding) gains nothing.
 *
 *  - `internal: false`: only public unicast addresses (everything of RFC 6890's special-purpose registries is refused).
 *  - `internal: true`: loopback, private and link-local addresses too, because a company's systems stand there.
 *  - The metadata services of cloud machines hand out credentials to whoever asks: a *name* that resolves to one is refused
 *    even with `internal: true`. Only a URL that states the address itself, in a connection, may reach one.
 */
import { BlockList, isIP } from "node:net";

const special = new BlockList();
for (const [network, prefix] of [
  ["0.0.0.0", 8], // "this network"
  ["10.0.0.0", 8], // private
  ["100.64.0.0", 10], // shared, carrier-grade NAT
  ["127.0.0.0", 8], // loopback
  ["169.254.0.0", 16], // link-local
  ["172.16.0.0", 12], // private
  ["192.0.0.0", 24], // protocol assignments
  ["192.0.2.0", 24], // documentation
  ["192.88.99.0", 24], // 6to4 relay
  ["192.168.0.0", 16], // private
  ["198.18.0.0", 15], // benchmarking
  ["198.51.100.0", 24], // documentation
  ["203.0.113.0", 24], // documentation
  ["224.0.0.0", 4], // multicast
  ["240.0.0.0", 4], // reserved, broadcast
] as const)
  special.addSubnet(network, prefix, "ipv4");
for (const [network, prefix] of [
  ["::", 96], // unspecified, loopback, IPv4-compatible
  ["::ffff:0:0:0", 96], // IPv4-translated
  ["64:ff9b::", 96], // NAT64: wraps an IPv4 address
  ["64:ff9b:1::", 48], // NAT64, local use
  ["100::", 64], // discard
  ["100:0:0:1::", 64], // dummy prefix
  ["2001::", 23], // Teredo and protocol assignments
  ["2001:db8::", 32], // documentation
  ["2002::", 16], // 6to4: wraps an IPv4 address
  ["3fff::", 20], // documentation
  ["5f00::", 16], // segment routing
  ["fc00::", 7], // unique local
  ["fe80::", 10], // link-local
  ["fec0::", 10], // site-local
  ["ff00::", 8], // multicast
] as const)
  special.addSubnet(network, prefix, "ipv6");

const metadata = new BlockList();
for (const address of ["169.254.169.254", "169.254.170.2", "169.254.170.23", "100.100.100.200", "168.63.129.16"]) {
  metadata.addAddress(address, "ipv4");
  // In a network of IPv6 alone, a translator leads there.
  metadata.addAddress(`64:ff9b::${address}`, "ipv6");
}
for (const address of ["fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254"]) metadata.addAddress(address, "ipv6");

const mapped = new BlockList();
mapped.addSubnet("::ffff:0:0", 96, "ipv6");

/** Whether `address` (IPv4 or IPv6 text, without brackets) belongs to a cloud metadata service. */
export function isMetadataAddress(address: string): boolean {
  const family = isIP(address);
  return family !== 0 && metadata.check(address, family === 6 ? "ipv6" : "ipv4");
}

/**
 * Why `address` must not be connected to, or `undefined` if it may. `literal`: the URL stated the address itself.
 * `BlockList` sees through IPv4-mapped IPv6 addresses (`::ffff:127.0.0.1`); without `internal` they are refused whole.
 */
export function refusedAddress(address: string, internal: boolean, literal: boolean): string | undefined {
  const family = isIP(address);
  if (family === 0) return "it is not an address";
  const kind = family === 6 ? "ipv6" : "ipv4";
  if (metadata.check(address, kind) && !(internal && literal)) return "it belongs to a cloud metadata service";
  if (internal) return undefined;
  if (family === 6 && mapped.check(address, kind)) return "it is an IPv4-mapped address";
  return special.check(address, kind) ? "it is not a public address" : undefined;
}
