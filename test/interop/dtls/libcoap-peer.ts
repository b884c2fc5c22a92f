/** libcoap's clients over OpenSSL and GnuTLS: a whole CoAP client over each of the two. */
import { certificateFile, privateKeyFile } from "../../simulator/dtls/certificates.ts";
import { type LibcoapSecurity, libcoapRequest } from "../libcoap.ts";
import type { CertificatePeer } from "./certificate-suite.ts";
import type { DtlsOutcome, DtlsPeer } from "./dtls-peer.ts";

type Library = LibcoapSecurity["library"];

const LINK_FORMAT = 40;

async function register(port: number, endpoint: string, security: LibcoapSecurity): Promise<DtlsOutcome> {
  const { code, output } = await libcoapRequest(port, {
    method: "post",
    uri: `/rd?ep=${endpoint}&lt=300&lwm2m=1.0&b=U`,
    payload: "</1/0>,</3/0>",
    contentFormat: LINK_FORMAT,
    security,
  });
  return { code, output };
}

const libcoapPeer = (library: Library): DtlsPeer => ({
  name: `coap-client-${library}`,
  retransmits: true,
  // It takes what its library prefers.
  suites: {},
  register: ({ port, endpoint, identity, key }) => register(port, endpoint, { library, identity, key }),
});

export const libcoapOpenssl = libcoapPeer("openssl");
export const libcoapGnutls = libcoapPeer("gnutls");

const libcoapCertificatePeer = (library: Library): CertificatePeer => ({
  name: `coap-client-${library}`,
  cutsDatagrams: false,
  suites: {},
  register({ port, endpoint, certificate: name }) {
    const [certificate, privateKey] = [certificateFile(name), privateKeyFile(name)];
    return register(port, endpoint, { library, certificate, privateKey, authority: certificateFile("ca") });
  },
});

export const libcoapOpensslCertificates = libcoapCertificatePeer("openssl");
export const libcoapGnutlsCertificates = libcoapCertificatePeer("gnutls");
