import { assert } from "chai";
import { createManualClock } from "../../../src/base/clock.ts";
import { silentLog } from "../../../src/base/log.ts";
import type { StoredSession } from "../../../src/transport/dtls/dtls.ts";
import type { Session } from "../../../src/transport/dtls/session.ts";
import { createSessionKeeper } from "../../../src/transport/dtls/session-keeper.ts";
import { createKeptSessions } from "./support/kept-sessions.ts";

const sessionOf = (id: string): Session => ({ key: `dtls:${id}`, address: "192.0.2.1", port: 1 }) as Session;

describe("transport/dtls/session-keeper", () => {
  it("a save that still runs when the host stops has ended before the journal may be closed", async () => {
    const clock = createManualClock();
    const kept = createKeptSessions();
    const calls: string[] = [];
    const journal = {
      ...kept.journal,
      split: () => void calls.push("split"),
      clear: () => void calls.push("clear"),
    };
    const ignore = (): void => {};
    const told = { onStored: ignore, onLost: ignore, onReserved: ignore };
    const keeper = createSessionKeeper({ store: kept.store, journal, clock, log: silentLog, ...told });
    const release = kept.hold("update");
    keeper.touch(sessionOf("a"));
    await clock.advance(10_000);
    const closed = keeper[Symbol.asyncDispose]().then(() => void calls.push("closed"));
    await clock.advance(0);
    release();
    await closed;
    await clock.advance(0);
    assert.deepEqual(calls, ["split", "clear", "closed"]);
  });

  it("who wants to go on with a session that is being stored waits until it is", async () => {
    const clock = createManualClock();
    const kept = createKeptSessions();
    const calls: string[] = [];
    const ignore = (): void => {};
    const told = { onStored: () => void calls.push("stored"), onLost: ignore, onReserved: ignore };
    await using keeper = createSessionKeeper({
      store: kept.store,
      journal: kept.journal,
      clock,
      log: silentLog,
      ...told,
    });
    const session = sessionOf("a");
    await keeper.insertionTried(session);
    const release = kept.hold("insert");
    keeper.insert(session, { id: "a" } as StoredSession);
    const tried = keeper.insertionTried(session).then(() => void calls.push("tried"));
    await clock.advance(0);
    assert.isEmpty(calls);
    release();
    await tried;
    assert.deepEqual(calls, ["stored", "tried"]);
  });
});
