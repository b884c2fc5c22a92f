/**
 * Addresses that a decoder service may have: public ones. Whoever names a service chooses an address that the host connects to
 * from inside its network, so all that is not the open internet needs the operator's word (IANA IPv4 and IPv6 Special-Purpose
 * Address Registries, RFC 6890 and later entries).
 */
import { BlockList, isIP } from "node:net";

type Ranges = readonly (readonly [kind: string, ranges: readonly string[]])[];

const IPV4: Ranges = [
  ["an unspecified address", ["0.0.0.0/8"]], // RFC 1122 section 3.2.1.3
  ["a loopback address", ["127.0.0.0/8"]],
  ["a link-local address", ["169.254.0.0/16"]], // RFC 3927; metadata services of clouds
  ["a private address", ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]], // RFC 1918
  ["an address of a carrier's own network", ["100.64.0.0/10"]], // RFC 6598
  ["a multicast address", ["224.0.0.0/4"]],
  [
    "an address for special use",
    [
      "192.0.0.0/24",
      "192.0.2.0/24",
      "192.88.99.0/24",
      "198.18.0.0/15",
      "198.51.100.0/24",
      "203.0.113.0/24",
      "240.0.0.0/4",
    ],
  ],
];

const IPV6: Ranges = [
  ["an unspecified address", ["::/128"]],
  ["a loopback address", ["::1/128"]],
  ["a link-local address", ["fe80::/10", "fec0::/10"]],
  ["a private address", ["fc00::/7"]], // RFC 4193
  ["a multicast address", ["ff00::/8"]],
  // An IPv4 address in another form could be any of those above: IPv4-compatible, translated (RFC 6052, RFC 8215), Teredo, 6to4.
  [
    "an IPv4 address in IPv6 form",
    ["::/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16"],
  ],
  ["an address for special use", ["100::/64", "2001::/23", "2001:db8::/32", "3fff::/20", "5f00::/16"]],
];

const listsOf = (ranges: Ranges, family: "ipv4" | "ipv6"): readonly (readonly [string, BlockList])[] =>
  ranges.map(([kind, subnets]) => {
    const list = new BlockList();
    for (const subnet of subnets) {
      const [net, bits] = subnet.split("/") as [string, string];
      list.addSubnet(net, Number(bits), family);
    }
    return [kind, list] as const;
  });

const BLOCKED_V4 = listsOf(IPV4, "ipv4");
const BLOCKED_V6 = listsOf(IPV6, "ipv6");

/** `::ffff:a.b.c.d` in any spelling is that IPv4 address (RFC 4291 section 2.5.5.2). */
function mappedIpv4(address: string): string | undefined {
  const { hostname } = new URL(`http://[${address}]/`);
  const [, high, low] = /^\[::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})\]$/.exec(hostname) ?? [];
  if (high === undefined || low === undefined) return undefined;
  const [a, b] = [Number.parseInt(high, 16), Number.parseInt(low, 16)];
  return [a >> 8, a & 255, b >> 8, b & 255].join(".");
}

/**
 * @param address IPv4 or IPv6, without brackets; a zone (`%eth0`) is a link's own
 * @returns what it is, where it is no public address: "a loopback address"; undefined for a public one
 */
export function notPublic(address: string): string | undefined {
  if (address.includes("%")) return "a link-local address";
  const family = isIP(address);
  if (family === 0) return "no address";
  const ipv4 = family === 4 ? address : mappedIpv4(address);
  if (ipv4 !== undefined) return BLOCKED_V4.find(([, list]) => list.check(ipv4, "ipv4"))?.[0];
  return BLOCKED_V6.find(([, list]) => list.check(address, "ipv6"))?.[0];
}
