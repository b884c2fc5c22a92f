/** What every foreign DTLS client must see of the host with certificates on both sides, through a proxy that reads along. */
import { assert } from "chai";
import { registerX509Device } from "../../harness/agent.ts";
import { chosenSuite, HANDSHAKE_TYPES, handshakesWith, plainAlerts, refusedAfterMs } from "../../harness/dtls-wire.ts";
import { type Faults, type NatProxy, openNatProxy } from "../../harness/nat-proxy.ts";
import type { HostInTest } from "../../harness/with-host.ts";
import { trustAuthority, useServerCertificate } from "../../harness/x509.ts";
import type { DtlsOutcome } from "./dtls-peer.ts";
import { REFUSED_WITHIN_MS, WITH_LOSS_WITHIN_MS } from "./peer-suite.ts";

export interface CertificateExchange {
  readonly port: number;
  /** Of the Register that is sent. */
  readonly endpoint: string;
  /** Name of its certificate and key among the fixtures. */
  readonly certificate: string;
  /** As the peer names it; default: its own choice. */
  readonly suite?: string;
  /** Largest datagram of its handshake, where the peer can be told. */
  readonly mtu?: number;
}

/** It knows the server by the authority above it, and by its name where the peer can be told one. */
export interface CertificatePeer {
  readonly name: string;
  /** Name of a suite as the peer spells it, and its number on the wire. */
  readonly suites: Readonly<Record<string, number>>;
  /** Those with CBC likewise, for a host that has them switched on. */
  readonly cbcSuites?: Readonly<Record<string, number>>;
  /** Whether it takes {@link CertificateExchange.mtu}. */
  readonly cutsDatagrams: boolean;
  register(exchange: CertificateExchange): Promise<DtlsOutcome>;
  /** Connects, leaves, comes back with the session it was given, registers. Absent where the peer cannot. */
  resume?(exchange: CertificateExchange): Promise<DtlsOutcome>;
}

/** Endpoint that the certificate `device-1` is for. */
export const CERTIFIED_ENDPOINT = "x509-device-1";

/** Before the tests of the suite: the host has its certificate, and {@link CERTIFIED_ENDPOINT} is registered. */
export function withCertificates(suite: HostInTest): void {
  before(async () => {
    await useServerCertificate(suite.api, "server");
    await trustAuthority(suite.api, "ca");
    await registerX509Device(suite.api, CERTIFIED_ENDPOINT);
  });
}

/** @param suite {@link withCertificates} */
export function certificatePeerSuite(suite: HostInTest, peer: CertificatePeer): void {
  describe(`interop/${peer.name}, certificates on both sides`, () => {
    let proxy: NatProxy;

    const through = async (faults: Faults = {}): Promise<void> => {
      proxy = await openNatProxy({ serverPort: suite.host.coapsPort, faults, seed: 7 });
    };
    const exchange = (more: Partial<CertificateExchange> = {}): CertificateExchange => ({
      port: proxy.port,
      endpoint: CERTIFIED_ENDPOINT,
      certificate: "device-1",
      ...more,
    });
    const register = async (more: Partial<CertificateExchange> = {}): Promise<DtlsOutcome> => {
      const outcome = await peer.register(exchange(more));
      suite.onFailure(() => outcome.output);
      return outcome;
    };

    beforeEach(() => through());
    afterEach(() => proxy.close());

    const suites = Object.entries(peer.suites);
    for (const [name, number] of suites.length > 0 ? suites : [[undefined, undefined] as const]) {
      it(`the right certificate registers${name === undefined ? "" : ` with ${name}`}`, async () => {
        assert.equal((await register(name === undefined ? {} : { suite: name })).code, "2.01");
        if (number !== undefined) assert.equal(chosenSuite(proxy.passed), number);
      });
    }

    if (peer.cutsDatagrams) {
      it("registers from datagrams of 256 bytes, its hellos and its certificate cut", async () => {
        assert.equal((await register({ mtu: 256 })).code, "2.01");
      });
    }

    it("certificates of an authority that nobody trusts, expired and of no device fail alike, and quickly", async () => {
      const alerts: number[][] = [];
      for (const certificate of ["device-stranger", "device-expired", "device-2"]) {
        const { code } = await register({ certificate });
        assert.isUndefined(code, certificate);
        assert.isBelow(refusedAfterMs(proxy.passed), REFUSED_WITHIN_MS, certificate);
        alerts.push(plainAlerts(proxy.passed, "toDevice"));
        await proxy.close();
        await through();
      }
      assert.isNotEmpty(alerts[0]);
      assert.deepEqual(alerts, [alerts[0], alerts[0], alerts[0]]);
    });

    if (peer.resume) {
      it("goes on with its session without its certificate (RFC 5246 section 7.3)", async () => {
        const outcome = await peer.resume!(exchange());
        suite.onFailure(() => outcome.output);
        assert.deepInclude(outcome, { code: "2.01", resumed: true });
        assert.equal(handshakesWith(HANDSHAKE_TYPES.certificate, proxy.passed), 1);
      });
    }

    it("registers once though every fourth datagram of each direction is lost", async function () {
      this.timeout(WITH_LOSS_WITHIN_MS);
      proxy.setFaults({ losesOneOf: 4 });
      assert.equal((await register()).code, "2.01");
    });
  });
}
