/** DTLS clients that nobody here wrote, each with its own TLS library, against one host. */
import { assert } from "chai";
import { registerX509Device } from "../harness/agent.ts";
import { chosenSuite } from "../harness/dtls-wire.ts";
import { openNatProxy } from "../harness/nat-proxy.ts";
import { trustAuthority, useServerCertificate } from "../harness/x509.ts";
import { certificateFile, privateKeyFile } from "../simulator/dtls/certificates.ts";
import type { DtlsOutcome } from "./dtls/dtls-peer.ts";
import { gnutls } from "./dtls/gnutls.ts";
import { libcoapGnutls, libcoapOpenssl } from "./dtls/libcoap-peer.ts";
import { openssl, opensslRegister } from "./dtls/openssl.ts";
import { dtlsPeerSuite, secureHost } from "./dtls/peer-suite.ts";

const REFUSED_WITHIN_MS = 3000;

describe("interop/DTLS", () => {
  const suite = secureHost();
  for (const peer of [openssl, gnutls, libcoapOpenssl, libcoapGnutls]) dtlsPeerSuite(suite, peer);

  describe("interop/OpenSSL s_client, certificates on both sides", () => {
    const endpoint = "x509-device-1";

    before(async () => {
      await useServerCertificate(suite.api, "server");
      await trustAuthority(suite.api, "ca");
      await registerX509Device(suite.api, endpoint);
    });

    /** It knows the server by the authority above it and by its name. */
    const register = async (port: number, name: string, cipher: string, ...more: string[]): Promise<DtlsOutcome> => {
      const own = ["-cert", certificateFile(name), "-key", privateKeyFile(name)];
      const trust = ["-CAfile", certificateFile("ca"), "-verify_return_error", "-verify_hostname", "localhost"];
      const outcome = await opensslRegister({ port, endpoint }, [...own, ...trust, "-cipher", cipher, ...more]);
      suite.onFailure(() => outcome.output);
      return outcome;
    };

    for (const [cipher, number] of [
      ["ECDHE-ECDSA-AES128-CCM8@SECLEVEL=0", 0xc0ae],
      ["ECDHE-ECDSA-AES128-GCM-SHA256", 0xc02b],
    ] as const) {
      it(`registers with ${cipher}`, async () => {
        await using proxy = await openNatProxy({ serverPort: suite.host.coapsPort });
        const { code } = await register(proxy.port, "device-1", cipher);
        assert.equal(code, "2.01");
        assert.equal(chosenSuite(proxy.passed), number);
      });
    }

    it("registers from datagrams of 256 bytes, its hellos and its certificate cut", async () => {
      const { code } = await register(suite.host.coapsPort, "device-1", "ECDHE-ECDSA-AES128-GCM-SHA256", "-mtu", "256");
      assert.equal(code, "2.01");
    });

    for (const name of ["device-stranger", "device-expired", "device-2"]) {
      it(`is refused quickly with the certificate of ${name}`, async () => {
        const { code, tookMs } = await register(suite.host.coapsPort, name, "ECDHE-ECDSA-AES128-GCM-SHA256");
        assert.notEqual(code, "2.01");
        assert.isBelow(tookMs, REFUSED_WITHIN_MS);
      });
    }
  });
});
