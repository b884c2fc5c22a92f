import { assert } from "chai";
import { silentLog } from "../src/base/log.ts";
import { loadConfig } from "../src/config/load.ts";
import { bindSockets, SECURED_MAX_PEERS } from "../src/server-ports.ts";
import type { Peer, Transport } from "../src/transport/transport.ts";

describe("server-ports", () => {
  it("strangers at the secured port leave nothing: few peers are remembered there", async () => {
    await using opened = new AsyncDisposableStack();
    const loaded = loadConfig({ argv: [], env: {}, readText: () => "" });
    if (loaded.kind !== "config") throw new Error(loaded.kind);
    const { plain, secured } = await bindSockets(
      { host: "127.0.0.1", port: 0, securedPort: 0 },
      loaded.config,
      silentLog,
      opened,
    );
    const isRemembered = (transport: Transport): boolean => {
      const peerAt = (at: number): Peer | undefined => transport.peerAt("192.0.2.1", at);
      const first = peerAt(1);
      for (let at = 2; at <= 1 + SECURED_MAX_PEERS; at++) peerAt(at);
      return peerAt(1) === first;
    };
    assert.deepEqual([isRemembered(plain), isRemembered(secured)], [true, false]);
  });
});
