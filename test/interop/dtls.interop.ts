/** DTLS clients that nobody here wrote, each with its own TLS library, against one host. */
import { gnutls } from "./dtls/gnutls.ts";
import { libcoapGnutls, libcoapOpenssl } from "./dtls/libcoap-peer.ts";
import { openssl } from "./dtls/openssl.ts";
import { dtlsPeerSuite, secureHost } from "./dtls/peer-suite.ts";

describe("interop/DTLS", () => {
  const suite = secureHost();
  for (const peer of [openssl, gnutls, libcoapOpenssl, libcoapGnutls]) dtlsPeerSuite(suite, peer);
});
