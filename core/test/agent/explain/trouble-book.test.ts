import { assert } from "chai";
import { createTroubleBook, type TroubleBook } from "../../../src/agent/explain/trouble-book.ts";
import { createManualClock, type ManualClock } from "../../../src/base/clock.ts";

const NOT_KEPT = { kind: "observeRefused", path: "/3/0/9", reason: "no" } as const;

describe("agent/explain/trouble-book", () => {
  let clock: ManualClock;
  let book: TroubleBook;
  beforeEach(() => {
    clock = createManualClock(1000);
    book = createTroubleBook(clock);
  });
  const knock = (identity: string | undefined, reason: "unknown-identity" | "not-authentic", port = 1) =>
    book.handshake("server", { reason, identity, address: "192.0.2.1", port });

  it("the same again is counted from its first time, something else begins anew", async () => {
    book.note("dev", NOT_KEPT);
    await clock.advance(500);
    book.note("dev", NOT_KEPT);
    assert.deepEqual(book.of("dev"), [{ ...NOT_KEPT, sinceMs: 1000, atMs: 1500, count: 2 }]);
    book.note("dev", { ...NOT_KEPT, reason: "another" });
    assert.deepInclude(book.of("dev")[0], { reason: "another", sinceMs: 1500, count: 1 });
  });

  it("kinds and paths stand apart, the latest first; what is all right again is gone", async () => {
    book.note("dev", NOT_KEPT);
    await clock.advance(1);
    book.note("dev", { ...NOT_KEPT, path: "/4/0/2" });
    assert.deepEqual(
      book.of("dev").map(({ path }) => path),
      ["/4/0/2", "/3/0/9"],
    );
    book.clear("dev", ["observeRefused", "observeFailed"], "/4/0/2");
    assert.deepEqual(
      book.of("dev").map(({ path }) => path),
      ["/3/0/9"],
    );
    book.forget("dev");
    assert.isEmpty(book.of("dev"));
  });

  it("handshakes stand under the identity that was named, or among the unknown ones", () => {
    knock("dev", "not-authentic");
    knock("nobody", "unknown-identity", 2);
    knock(undefined, "not-authentic");
    assert.deepInclude(book.ofIdentity("server", "dev")[0], { reason: "not-authentic", address: "192.0.2.1:1" });
    assert.isEmpty(book.ofIdentity("server", "nobody"));
    assert.isEmpty(book.ofIdentity("bootstrap", "dev"), "which may be another device's");
    assert.deepEqual(
      book.unknownIdentities().map(({ identity }) => identity),
      ["nobody"],
    );
  });

  it("strangers without end, and names without end, do not grow it", () => {
    for (let i = 0; i < 10_000; i++) knock(`stranger ${i}`, "unknown-identity");
    knock("x".repeat(100_000), "unknown-identity");
    assert.isAtMost(book.unknownIdentities().length, 200);
    for (let i = 0; i < 30_000; i++) book.note(`dev ${i}`, NOT_KEPT);
    assert.isEmpty(book.of("dev 0"));
    assert.isNotEmpty(book.of("dev 29999"));
    for (let i = 0; i < 1000; i++) book.note("one", { ...NOT_KEPT, path: `/3/0/${i}` });
    assert.isAtMost(book.of("one").length, 64);
  });
});
