import { assert } from "chai";
import { chooseDelivery, type DeliveryQuestion, resetTarget } from "../../../src/lwm2m/firmware/delivery.ts";
import type { FirmwareFacts, PackageProtocol } from "../../../src/lwm2m/firmware/firmware-object.ts";

const ALL = ["coap", "coaps", "http", "https"] as const;
const STORED: DeliveryQuestion = {
  settings: {},
  source: { kind: "stored" },
  offered: ALL,
  distrusted: [],
  secured: false,
};
const SELF_SIGNED: DeliveryQuestion = { ...STORED, distrusted: ["https"] };
const external = (scheme: string): DeliveryQuestion => ({ ...STORED, source: { kind: "external", scheme } });
const device = (method: FirmwareFacts["method"], ...protocols: PackageProtocol[]): FirmwareFacts => ({
  ...(method && { method }),
  protocols,
});

describe("lwm2m/firmware: delivery", () => {
  describe("20-19: what is written to reset a device (agent specification 14.3)", () => {
    for (const [settings, told, target] of [
      [{}, "PUSH", "package"],
      [{}, "PULL", "nullUri"],
      [{}, "BOTH", "nullUri"],
      [{}, undefined, undefined],
      [{ method: "PUSH" }, undefined, "package"],
      [{ method: "PULL" }, "PUSH", "nullUri"],
      [{ reset: "PACKAGE" }, "PULL", "package"],
      [{ reset: "PACKAGE_URI" }, "PUSH", "emptyUri"],
    ] as const) {
      it(`${JSON.stringify(settings)}, the device says ${told}: ${target}`, () => {
        assert.equal(resetTarget(settings, told), target);
      });
    }
  });

  const choices: readonly [string, DeliveryQuestion, FirmwareFacts, string][] = [
    ["PUSH", STORED, device("PUSH"), "PUSH"],
    ["PULL by what it names", STORED, device("PULL", "http"), "PULL http"],
    ["PULL by CoAP where it names nothing", STORED, device("PULL"), "PULL coap"],
    ["BOTH means PULL", STORED, device("BOTH", "coap"), "PULL coap"],
    ["HTTPS before CoAP before HTTP", STORED, device("PULL", "http", "coap", "https"), "PULL https"],
    ["CoAP before HTTP", STORED, device("PULL", "http", "coap"), "PULL coap"],
    [
      "HTTPS without a certificate that devices trust comes last",
      SELF_SIGNED,
      device("PULL", "http", "https"),
      "PULL http",
    ],
    ["but it comes", SELF_SIGNED, device("PULL", "https"), "PULL https"],
    ["CoAPS first for a device that came by DTLS", { ...STORED, secured: true }, device("PULL", ...ALL), "PULL coaps"],
    ["CoAPS last for one that did not", STORED, device("PULL", "coaps"), "PULL coaps"],
    ["only what this host offers", { ...STORED, offered: ["coap"] }, device("PULL", "https", "coap"), "PULL coap"],
    ["BOTH with nothing in common means PUSH", { ...STORED, offered: ["coap"] }, device("BOTH", "http"), "PUSH"],
    ["the operator's method", { ...STORED, settings: { method: "PUSH" } }, device("PULL", "coap"), "PUSH"],
    ["the operator's protocol", { ...STORED, settings: { protocol: "http" } }, device("PULL", "coap"), "PULL http"],
    ["an external URL", external("https"), device("PULL", "coap", "https"), "PULL https"],
    ["one over TCP", external("coap+tcp"), device("PULL", "coap+tcp"), "PULL coap+tcp"],
  ];
  for (const [name, question, facts, expected] of choices) {
    it(name, () => {
      const found = chooseDelivery(question, facts);
      if (typeof found === "string") assert.fail(found);
      assert.equal(found.method === "PULL" ? `PULL ${found.protocol}` : found.method, expected);
    });
  }

  const refusals: readonly [string, DeliveryQuestion, FirmwareFacts, string][] = [
    ["no method", STORED, device(undefined, "coap"), "set fwUpdateDeliveryMethod"],
    ["nothing in common", { ...STORED, offered: ["coap"] }, device("PULL", "http"), "by HTTP, this host offers COAP"],
    ["a URL that it cannot fetch", external("https"), device("PULL", "coap"), "by COAP, its URL begins with https://"],
    ["the same, though it could be pushed to", external("https"), device("BOTH"), "its URL begins with https://"],
    ["an external URL for PUSH", external("https"), device("PUSH"), "its url must name a binary"],
  ];
  for (const [name, question, facts, part] of refusals) {
    it(`bad input: ${name}`, () => {
      const found = chooseDelivery(question, facts);
      assert.isString(found);
      assert.include(found as string, part);
    });
  }
});
