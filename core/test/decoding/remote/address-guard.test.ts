import { assert } from "chai";
import { notPublic } from "../../../src/decoding/remote/address-guard.ts";

const BLOCKED: readonly (readonly [kind: string, addresses: readonly string[]])[] = [
  ["an unspecified address", ["0.0.0.0", "0.1.2.3", "::", "::ffff:0.0.0.0"]],
  [
    "a loopback address",
    ["127.0.0.1", "127.255.255.254", "::1", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1", "::ffff:7f00:1"],
  ],
  ["a link-local address", ["169.254.169.254", "fe80::1", "febf::1", "fe80::1%eth0", "::ffff:a9fe:a9fe", "fec0::1"]],
  ["a private address", ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fd00:ec2::254", "fc00::"]],
  ["a private address", ["0:0:0:0:0:ffff:192.168.0.1", "::FFFF:10.1.1.1"]],
  ["an address of a carrier's own network", ["100.64.0.1", "100.127.255.255"]],
  ["a multicast address", ["224.0.0.1", "239.1.1.1", "ff02::1"]],
  ["an address for special use", ["192.0.2.1", "198.18.0.1", "255.255.255.255", "2001:db8::1", "100::1"]],
  ["an IPv4 address in IPv6 form", ["64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "::127.0.0.1", "2001::1"]],
  ["no address", ["localhost", "", "127.1", "0x7f000001"]],
];
const PUBLIC = ["8.8.8.8", "1.1.1.1", "100.63.255.255", "172.32.0.1", "11.0.0.1", "2606:4700::1111", "::ffff:8.8.8.8"];

describe("decoding/remote/address-guard", () => {
  for (const [kind, addresses] of BLOCKED)
    for (const address of addresses) {
      it(`${address || "nothing"}: ${kind}`, () => assert.equal(notPublic(address), kind));
    }
  for (const address of PUBLIC) it(`${address}: public`, () => assert.isUndefined(notPublic(address)));
});
