import { assert } from "chai";
import {
  identityKey,
  provenEndpoint,
  sameAddress,
  sameIdentity,
} from "../../../src/lwm2m/registration/peer-identity.ts";
import type { PeerIdentity } from "../../../src/transport/transport.ts";

const psk = (identity: string): PeerIdentity => ({ kind: "psk", identity });
const x509 = (commonName: string, subjectAltNames: readonly string[] = []): PeerIdentity => ({
  kind: "x509",
  commonName,
  subjectAltNames,
});
const rpk = (publicKey: Uint8Array): PeerIdentity => ({ kind: "rpk", publicKey });

describe("lwm2m/registration/peer-identity", () => {
  it("different kinds never count as the same, whatever they say", () => {
    const all = [psk("a"), psk("x509:a"), x509("a"), x509("psk:a"), rpk(Uint8Array.of(0xaa))];
    assert.equal(new Set(all.map(identityKey)).size, all.length);
  });

  it("a renewed certificate of the same names is the same identity; one of several names alone is another", () => {
    assert.isTrue(sameIdentity(x509("dev", ["urn:dev"]), x509("dev", ["urn:dev"])));
    assert.isFalse(sameIdentity(x509("Some Product", ["urn:dev"]), x509("Some Product")));
    assert.isFalse(sameIdentity(x509("Some Product", ["urn:dev"]), x509("Some Product", ["urn:other"])));
    assert.isFalse(sameIdentity(x509("dev"), x509("dev2")));
  });

  it("stands for an endpoint where it has one name only", () => {
    assert.equal(provenEndpoint(psk("a")), "a");
    assert.equal(provenEndpoint(x509("dev")), "dev");
    assert.isUndefined(provenEndpoint(x509("Some Product", ["urn:dev"])));
    assert.isUndefined(provenEndpoint(rpk(Uint8Array.of(1))));
  });

  it("raw public keys count by their bytes, in whatever array they stand", () => {
    assert.isTrue(sameIdentity(rpk(Uint8Array.of(1, 2)), rpk(Buffer.from([1, 2]))));
    assert.isFalse(sameIdentity(rpk(Uint8Array.of(1, 2)), rpk(Uint8Array.of(1, 3))));
  });

  it("an address is address and port", () => {
    const peer = { key: "dtls:1", address: "192.0.2.1", port: 1 };
    assert.isTrue(sameAddress(peer, { ...peer }));
    assert.isFalse(sameAddress(peer, { ...peer, port: 2 }));
    assert.isFalse(sameAddress(peer, { ...peer, address: "192.0.2.2" }));
  });
});
