/** Sessions in a store, as the host keeps them, and many at once for those who need a past. */

import { toHex } from "@mooring/core/internal/base/bytes.ts";
import type { Clock } from "@mooring/core/internal/base/clock.ts";
import { systemClock } from "@mooring/core/internal/base/clock.ts";
import { silentLog } from "@mooring/core/internal/base/log.ts";
import { createSystemRandom, type Random } from "@mooring/core/internal/base/random.ts";
import { createSecretBox, SECRET_KEY_BYTES } from "@mooring/core/internal/base/secret-box.ts";
import { DTLS_SESSIONS } from "@mooring/core/internal/store/collections/devices.ts";
import { openSqlite } from "@mooring/core/internal/store/sqlite/open-sqlite.ts";
import type { SessionStore, StoredSession } from "@mooring/core/internal/transport/dtls/dtls.ts";
import { writeSessionSecrets } from "@mooring/core/internal/transport/dtls/session-secrets.ts";
import { createSessionStore } from "@mooring/core/internal/transport/dtls/session-store.ts";
import { loopbackAddress } from "../harness/loopback-address.ts";

/** The benchmark keeps nothing that is secret. */
const KEY = new Uint8Array(SECRET_KEY_BYTES);
const BATCH = 1000;

export interface BenchSessions extends AsyncDisposable {
  readonly sessions: SessionStore;
}

export async function openBenchSessions(directory: string, clock: Clock = systemClock): Promise<BenchSessions> {
  const store = await openSqlite({ directory, collections: [DTLS_SESSIONS], clock, host: "worker" });
  const box = createSecretBox(KEY, createSystemRandom());
  const sessions = createSessionStore({ store, box, log: silentLog, node: "bench", server: "server" });
  return { sessions, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() };
}

function pastSession(at: number, random: Random): StoredSession {
  const cid = Uint8Array.of(at >> 16, at >> 8, at);
  const resumptionId = random.bytes(32);
  const identity = { kind: "psk", identity: `past-${at}` } as const;
  const nowMs = systemClock.now();
  return {
    id: toHex(random.bytes(8)),
    address: loopbackAddress(at),
    port: 1024 + (at % 60_000),
    cid: toHex(cid),
    principal: `psk:${identity.identity}`,
    resumptionId: toHex(resumptionId),
    received: 100,
    reserved: 1024,
    createdAtMs: nowMs,
    seenAtMs: nowMs,
    secrets: writeSessionSecrets({
      suite: 0xc0a8,
      masterSecret: random.bytes(48),
      clientRandom: random.bytes(32),
      serverRandom: random.bytes(32),
      extendedMasterSecret: true,
      encryptThenMac: false,
      identity,
      resumptionId,
      clientCid: new Uint8Array(0),
      serverCid: cid,
      maxPlaintextBytes: 4096,
    }),
  };
}

/** Leaves so many sessions of devices with Connection IDs behind. */
export async function storePast(sessions: SessionStore, count: number): Promise<void> {
  const random = createSystemRandom();
  for (let at = 0; at < count; at += BATCH) {
    const batch = Array.from({ length: Math.min(BATCH, count - at) }, (_, i) => pastSession(at + i, random));
    await sessions.insert(batch);
  }
}
