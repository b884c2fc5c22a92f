/** libcoap's clients over OpenSSL and GnuTLS: a whole CoAP client over each of the two. */
import { type LibcoapSecurity, libcoapRequest } from "../libcoap.ts";
import type { DtlsPeer } from "./dtls-peer.ts";

const LINK_FORMAT = 40;

const libcoapPeer = (library: LibcoapSecurity["library"]): DtlsPeer => ({
  name: `coap-client-${library}`,
  retransmits: true,
  // It takes what its library prefers.
  suites: {},
  async register({ port, endpoint, identity, key }) {
    const startedAtMs = performance.now();
    const { code, output } = await libcoapRequest(port, {
      method: "post",
      uri: `/rd?ep=${endpoint}&lt=300&lwm2m=1.0&b=U`,
      payload: "</1/0>,</3/0>",
      contentFormat: LINK_FORMAT,
      security: { library, identity, key },
    });
    return { code, tookMs: performance.now() - startedAtMs, output };
  },
});

export const libcoapOpenssl = libcoapPeer("openssl");
export const libcoapGnutls = libcoapPeer("gnutls");
