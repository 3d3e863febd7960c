/** Addresses as limits know them. */

/** One bucket per IPv4 address and per IPv6 /64 network; an IPv4-mapped IPv6 address counts as IPv4, however it is written. */
export function addressBucket(address: string): string {
  if (!address.includes(":")) return address;
  const groups = groupsOf(address.split("%")[0] as string);
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff)
    return [groups[6], groups[7]].map((group = 0) => `${group >> 8}.${group & 255}`).join(".");
  return `${groups
    .slice(0, 4)
    .map((group) => group.toString(16))
    .join(":")}::/64`;
}

/** The eight groups of an IPv6 address; its end may be written as an IPv4 address (RFC 4291, section 2.2). */
function groupsOf(address: string): readonly number[] {
  const text = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...parts) => {
    const [a = 0, b = 0, c = 0, d = 0] = parts.map(Number);
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  });
  const [head = "", tail] = text.split("::");
  const numbers = (part = "") => (part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16)));
  const front = numbers(head);
  const back = numbers(tail);
  return tail === undefined
    ? front
    : [...front, ...Array(Math.max(0, 8 - front.length - back.length)).fill(0), ...back];
}
