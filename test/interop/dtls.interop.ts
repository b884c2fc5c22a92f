/** DTLS clients that nobody here wrote, each with its own TLS library, against one host. */
import { CBC_ON, cbcSuite } from "./dtls/cbc-suite.ts";
import { certificatePeerSuite, withCertificates } from "./dtls/certificate-suite.ts";
import { gnutls, gnutlsCertificates } from "./dtls/gnutls.ts";
import {
  libcoapGnutls,
  libcoapGnutlsCertificates,
  libcoapOpenssl,
  libcoapOpensslCertificates,
} from "./dtls/libcoap-peer.ts";
import { openssl, opensslCertificates } from "./dtls/openssl.ts";
import { dtlsPeerSuite, secureHost } from "./dtls/peer-suite.ts";

const KEYS = [openssl, gnutls, libcoapOpenssl, libcoapGnutls];
const CERTIFICATES = [opensslCertificates, gnutlsCertificates, libcoapOpensslCertificates, libcoapGnutlsCertificates];

describe("interop/DTLS", () => {
  const suite = secureHost();
  withCertificates(suite);
  for (const peer of KEYS) dtlsPeerSuite(suite, peer);
  for (const peer of CERTIFICATES) certificatePeerSuite(suite, peer);
});

describe("interop/DTLS, suites with CBC for old devices", () => {
  const suite = secureHost(CBC_ON);
  withCertificates(suite);
  cbcSuite(suite, { keys: KEYS, certificates: CERTIFICATES });
});
