/** Who counts as one source where sources are counted. Pure. */

const GROUPS = 8;
/** 64 bits: what one host or one customer has at least, and may send from at will (RFC 4291 section 2.5.4, RFC 6177). */
const NETWORK_GROUPS = 4;

const groupsOf = (text: string): string[] => (text === "" ? [] : text.split(":"));

/**
 * @param address IPv4 or IPv6 literal as the transport gives it
 * @returns an IPv4 address as it is, the network of an IPv6 address such as `2001:db8:0:1::/64`
 */
export function networkOf(address: string): string {
  if (!address.includes(":")) return address;
  const [before = "", after] = address.split("::");
  const [first, last] = [groupsOf(before), groupsOf(after ?? "")];
  const zeros = after === undefined ? 0 : Math.max(0, GROUPS - first.length - last.length);
  const groups = [...first, ...new Array<string>(zeros).fill("0"), ...last];
  return `${groups.slice(0, NETWORK_GROUPS).join(":")}::/64`;
}
