import { assert } from "chai";
import { createManualClock, type ManualClock } from "../../src/base/clock.ts";
import { createFlightRecorder, type FlightRecorder } from "../../src/recording/flight-recorder.ts";
import { readRecording, writeRecording } from "../../src/recording/recording-file.ts";
import type { Peer } from "../../src/transport/transport.ts";

const peer = (port: number): Peer => ({ key: `udp:192.0.2.1:${port}`, address: "192.0.2.1", port });
const MINUTE_MS = 60_000;

describe("recording/flight-recorder", () => {
  let clock: ManualClock;
  let registered: Map<string, string>;
  let recorder: FlightRecorder;
  beforeEach(() => {
    clock = createManualClock();
    registered = new Map();
    recorder = createFlightRecorder({
      clock,
      limits: { maxBytesPerDevice: 2000, maxDevices: 2 },
      endpointAt: ({ key }) => registered.get(key),
    });
  });

  const pass = (byte: number, from: Peer, direction: "fromDevice" | "toDevice" = "fromDevice"): void => {
    if (recorder.tap.isActive) recorder.tap.passed(direction, Uint8Array.of(byte), from);
  };
  const bytesOf = (endpoint: string): number[] =>
    recorder.recording(endpoint)!.entries.flatMap(entry => (entry.kind === "packet" ? [entry.bytes[0]!] : []));

  it("costs nothing while nobody is recorded", () => {
    assert.isFalse(recorder.tap.isActive);
    recorder.start("dev", MINUTE_MS);
    assert.isTrue(recorder.tap.isActive);
    recorder.stop("dev");
    assert.isFalse(recorder.tap.isActive);
  });

  it("keeps what a device sent before its Register said who it is, and the answer to its De-register", () => {
    recorder.start("dev", MINUTE_MS);
    pass(1, peer(1));
    pass(9, peer(2));
    registered.set(peer(1).key, "dev");
    pass(2, peer(1), "toDevice");
    registered.delete(peer(1).key);
    pass(3, peer(1), "toDevice");
    assert.deepEqual(bytesOf("dev"), [1, 2, 3]);
  });

  it("follows the device to another address, and leaves its old one to whoever registers there", () => {
    recorder.start("dev", MINUTE_MS);
    registered.set(peer(1).key, "dev");
    pass(1, peer(1));
    registered.set(peer(2).key, "dev");
    pass(2, peer(2));
    registered.set(peer(1).key, "other");
    pass(9, peer(1));
    assert.deepEqual(bytesOf("dev"), [1, 2]);
  });

  it("keeps nothing of devices that nobody asked for", () => {
    recorder.start("dev", MINUTE_MS);
    registered.set(peer(3).key, "other");
    pass(9, peer(3));
    assert.isUndefined(recorder.recording("other"));
    assert.deepEqual(bytesOf("dev"), []);
  });

  it("ends by itself, and what it has stays; begun again it goes on", async () => {
    registered.set(peer(1).key, "dev");
    recorder.start("dev", MINUTE_MS);
    pass(1, peer(1));
    await clock.advance(MINUTE_MS);
    assert.isFalse(recorder.tap.isActive);
    pass(2, peer(1));
    assert.deepInclude(recorder.status("dev"), { isRunning: false, packets: 1 });
    recorder.start("dev", MINUTE_MS);
    pass(3, peer(1));
    assert.deepEqual(bytesOf("dev"), [1, 3]);
  });

  it("drops the oldest past its limit, and says so", () => {
    registered.set(peer(1).key, "dev");
    recorder.start("dev", MINUTE_MS);
    for (let i = 0; i < 100; i++) pass(i, peer(1));
    const { packets, dropped } = recorder.status("dev")!;
    assert.isBelow(packets, 20);
    assert.equal(packets + dropped, 100);
    assert.equal(bytesOf("dev").at(-1), 99);
  });

  it("holds strangers by number and size", () => {
    recorder.start("dev", MINUTE_MS);
    for (let port = 1; port <= 10_000; port++) pass(1, peer(port));
    registered.set(peer(1).key, "dev");
    registered.set(peer(10_000).key, "dev");
    pass(2, peer(1));
    assert.deepEqual(bytesOf("dev"), [2]);
    pass(3, peer(10_000));
    assert.deepEqual(bytesOf("dev"), [2, 1, 3]);
  });

  it("an ended recording gives way to a new one, a running one does not", () => {
    recorder.start("a", MINUTE_MS);
    recorder.start("b", MINUTE_MS);
    assert.throws(() => recorder.start("c", MINUTE_MS), /2 devices are being recorded already/);
    recorder.stop("b");
    recorder.start("c", MINUTE_MS);
    assert.isUndefined(recorder.status("b"));
    assert.isTrue(recorder.forget("a"));
    assert.isFalse(recorder.forget("a"));
  });

  it("notes stand between messages, also in the file", () => {
    registered.set(peer(1).key, "dev 1");
    recorder.start("dev 1", MINUTE_MS);
    pass(1, peer(1));
    recorder.note("dev 1", "read /3/0");
    recorder.note("dev 2", "nobody's");
    pass(2, peer(1), "toDevice");
    const recording = recorder.recording("dev 1")!;
    assert.deepEqual(
      recording.entries.map(entry => (entry.kind === "note" ? entry.text : entry.direction)),
      ["fromDevice", "read /3/0", "toDevice"],
    );
    assert.deepEqual(readRecording(writeRecording(recording, "test")), recording);
  });
});
