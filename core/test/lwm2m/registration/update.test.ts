import { assert } from "chai";
import { endpointOf, newRegistration } from "../../../src/lwm2m/registration/register.ts";
import type { Registration } from "../../../src/lwm2m/registration/registration.ts";
import { applyUpdate, maySpeakFor, NO_CHANGES } from "../../../src/lwm2m/registration/update.ts";
import type { Peer, PeerIdentity } from "../../../src/transport/transport.ts";

const peer = (port: number, address = "192.0.2.1", identity?: PeerIdentity): Peer => ({
  key: `udp:${address}:${port}`,
  address,
  port,
  ...(identity && { identity }),
});

const links = (...objects: number[]) => ({
  rootPath: "/",
  contentFormats: [] as number[],
  objectLinks: objects.map(id => ({ path: [id, 0], attributes: {} })),
});

const registered = (over: Partial<Registration> = {}): Registration => ({
  ...newRegistration({
    id: "abc",
    endpoint: "dev",
    query: {},
    links: { ...links(1, 3), contentFormats: [11542] },
    device: { tenant: "t1", deviceId: "7", settings: {} },
    peer: peer(5000),
    nowMs: 1000,
  }),
  ...over,
});

describe("lwm2m/registration/register", () => {
  it("LwM2M Core 1.1.1 table 6.2.1-1: what is absent has its default", () => {
    const { version, lifetimeSeconds, binding, queueMode, awakeTimeMs, rootPath } = registered();
    assert.deepEqual(
      { version, lifetimeSeconds, binding, queueMode, awakeTimeMs, rootPath },
      {
        version: "1.0",
        lifetimeSeconds: 86_400,
        binding: "U",
        queueMode: false,
        awakeTimeMs: undefined,
        rootPath: "/",
      },
    );
  });

  it("LwM2M Core 1.1.1 §6.2.1: without ep the proven identity is the endpoint", () => {
    assert.equal(endpointOf({ endpoint: "a" }, peer(1)), "a");
    assert.equal(endpointOf({}, peer(1, "192.0.2.1", { kind: "psk", identity: "id-1" })), "id-1");
    const x509 = { kind: "x509", commonName: "cn-1", subjectAltNames: [] } as const;
    assert.equal(endpointOf({}, peer(1, "192.0.2.1", x509)), "cn-1");
    assert.throws(() => endpointOf({}, peer(1, "192.0.2.1", { ...x509, subjectAltNames: ["b"] })), /ep .*missing/);
    assert.throws(() => endpointOf({}, peer(1)), /ep .*missing/);
  });
});

describe("lwm2m/registration/update", () => {
  it("R9: an Update that says what is known already changes nothing", () => {
    const before = registered({ lifetimeSeconds: 60 });
    for (const [query, sent] of [
      [{}, undefined],
      [{ lifetimeSeconds: 60 }, undefined],
      [{ lifetimeSeconds: 60, binding: "U" }, links(1, 3)],
    ] as const) {
      const { registration, changes } = applyUpdate(before, query, sent, peer(5000), 2000);
      assert.strictEqual(registration, before);
      assert.strictEqual(changes, NO_CHANGES);
    }
  });

  it("R9: an Update with only what changed keeps the rest", () => {
    const before = registered();
    const { registration, changes } = applyUpdate(before, { lifetimeSeconds: 20 }, undefined, peer(5000), 2000);
    assert.deepEqual(registration, { ...before, lifetimeSeconds: 20, updatedAtMs: 2000 });
    assert.deepEqual(changes, { parameters: true, objectLinks: false, address: false });
  });

  it("LwM2M Core 1.1.1 §6.2.2: a new list of objects replaces the old one, the formats stay when it names none", () => {
    const { registration, changes } = applyUpdate(registered(), {}, links(3, 3303), peer(5000), 2000);
    assert.deepEqual(registration.objectLinks, links(3, 3303).objectLinks);
    assert.deepEqual(registration.contentFormats, [11542]);
    assert.deepEqual(changes, { parameters: false, objectLinks: true, address: false });
  });

  it("20-7: every parameter of an Update is taken over", () => {
    const query = { lifetimeSeconds: 5, binding: "UQ", queueMode: true, awakeTimeMs: 700 };
    const { registration } = applyUpdate(registered(), query, { ...links(1, 3), contentFormats: [112] }, peer(6), 9);
    const { lifetimeSeconds, binding, queueMode, awakeTimeMs, contentFormats, updatedAtMs } = registration;
    assert.deepEqual({ lifetimeSeconds, binding, queueMode, awakeTimeMs }, query);
    assert.deepEqual(contentFormats, [112]);
    assert.equal(registration.peer.port, 6);
    assert.equal(updatedAtMs, 9);
  });

  it("R8: the address decides where nothing was proven", () => {
    assert.isTrue(maySpeakFor(peer(1), peer(1), "never"));
    assert.isTrue(maySpeakFor(peer(1), peer(2), "same-ip"));
    assert.isFalse(maySpeakFor(peer(1), peer(2), "never"));
    assert.isFalse(maySpeakFor(peer(1), peer(1, "192.0.2.9"), "same-ip"));
  });

  it("R8: over DTLS the identity decides", () => {
    const a: PeerIdentity = { kind: "psk", identity: "a" };
    const b: PeerIdentity = { kind: "psk", identity: "b" };
    assert.isTrue(maySpeakFor(peer(1, "192.0.2.1", a), peer(9, "198.51.100.1", a), "never"));
    assert.isFalse(maySpeakFor(peer(1, "192.0.2.1", a), peer(2, "192.0.2.1", b), "same-ip"));
    assert.isFalse(maySpeakFor(peer(1, "192.0.2.1", a), peer(2), "same-ip"));
  });
});
