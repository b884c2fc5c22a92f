/**
 * The last messages of devices that somebody wants to see: a ring each, switched on for a time. Peers that are nobody yet are kept
 * for a moment as well, since the Register that says who they are is the first message of interest.
 *
 * Recordings live in memory and end with the process: they are for looking at a device, not for keeping its data.
 */
import type { Clock } from "../base/clock.ts";
import { MooringError } from "../base/errors.ts";
import type { Tap } from "../transport/tapped-transport.ts";
import type { Peer } from "../transport/transport.ts";
import type { RecordedPacket, Recording } from "./recording.ts";
import { createRing, type Ring } from "./ring.ts";

export interface FlightRecorderParts {
  readonly clock: Clock;
  readonly limits: {
    /** Of the messages of one device. */
    readonly maxBytesPerDevice: number;
    /** Devices with a recording, running or ended. */
    readonly maxDevices: number;
  };
  /** Whoever is registered at a peer. */
  endpointAt(peer: Peer): string | undefined;
}

export interface RecordingStatus {
  readonly endpoint: string;
  readonly isRunning: boolean;
  readonly startedAtMs: number;
  /** When it ends, or ended. */
  readonly untilMs: number;
  /** Kept. */
  readonly packets: number;
  readonly bytes: number;
  /** Gone to make room for newer ones. */
  readonly dropped: number;
}

export interface FlightRecorder extends Disposable {
  /** To be put around the transport of the devices. */
  readonly tap: Tap;
  /**
   * Begins, or goes on with what is there. Where there is no room an ended recording goes, the oldest first.
   * @param durationMs from now
   * @throws MooringError TOO_MANY_REQUESTS where `maxDevices` are being recorded
   */
  start(endpoint: string, durationMs: number): RecordingStatus;
  /** What was recorded stays. Undefined: there is none. */
  stop(endpoint: string): RecordingStatus | undefined;
  /** False: there was none. */
  forget(endpoint: string): boolean;
  status(endpoint: string): RecordingStatus | undefined;
  recording(endpoint: string): Recording | undefined;
  /** Kept where the device is being recorded. */
  note(endpoint: string, text: string): void;
}

interface Track {
  readonly endpoint: string;
  readonly ring: Ring;
  readonly startedAtMs: number;
  untilMs: number;
  /** Undefined: it has ended. */
  end: Disposable | undefined;
  /** Keys of the peers that were this device, the latest last. */
  readonly peers: Set<string>;
}

/** Strangers, and what is kept of each: a Register in blocks and its answers. */
const MOST_STRANGERS = 64;
const STRANGER_BYTES = 16 * 1024;
/** A device moves now and then; the answer to its De-register still belongs to it. */
const MOST_PEERS = 16;

export function createFlightRecorder({ clock, limits, endpointAt }: FlightRecorderParts): FlightRecorder {
  const tracks = new Map<string, Track>();
  /** Endpoint by the key of a peer that was last known to be it. */
  const formerPeers = new Map<string, string>();
  const strangers = new Map<string, Ring>();
  let running = 0;

  const statusOf = ({ endpoint, startedAtMs, untilMs, end, ring }: Track): RecordingStatus => ({
    endpoint,
    isRunning: end !== undefined,
    startedAtMs,
    untilMs,
    packets: ring.packets,
    bytes: ring.bytes,
    dropped: ring.dropped,
  });

  function end(track: Track): void {
    if (!track.end) return;
    track.end[Symbol.dispose]();
    track.end = undefined;
    track.untilMs = Math.min(track.untilMs, clock.now());
    for (const key of track.peers) formerPeers.delete(key);
    track.peers.clear();
    running--;
    if (running === 0) strangers.clear();
  }

  function makeRoom(): void {
    if (tracks.size < limits.maxDevices) return;
    const ended = [...tracks.values()].find(track => !track.end);
    if (ended) {
      tracks.delete(ended.endpoint);
      return;
    }
    const { maxDevices } = limits;
    throw new MooringError("TOO_MANY_REQUESTS", `${maxDevices} devices are being recorded already: stop one of them`, {
      maxDevices,
    });
  }

  function newTrack(endpoint: string): Track {
    makeRoom();
    const startedAtMs = clock.now();
    const ring = createRing(limits.maxBytesPerDevice);
    return { endpoint, ring, startedAtMs, untilMs: startedAtMs, end: undefined, peers: new Set() };
  }

  function start(endpoint: string, durationMs: number): RecordingStatus {
    const track = tracks.get(endpoint) ?? newTrack(endpoint);
    tracks.set(endpoint, track);
    if (track.end) track.end[Symbol.dispose]();
    else running++;
    track.untilMs = clock.now() + durationMs;
    track.end = clock.after(durationMs, () => end(track));
    return statusOf(track);
  }

  function remember(track: Track, { key }: Peer): void {
    if (track.peers.has(key)) return;
    track.peers.add(key);
    formerPeers.set(key, track.endpoint);
    if (track.peers.size <= MOST_PEERS) return;
    const [oldest] = track.peers;
    track.peers.delete(oldest!);
    formerPeers.delete(oldest!);
  }

  function keepStranger(key: string, packet: RecordedPacket): void {
    const ring = strangers.get(key) ?? createRing(STRANGER_BYTES);
    strangers.set(key, ring);
    ring.add(packet);
    if (strangers.size > MOST_STRANGERS) strangers.delete(strangers.keys().next().value!);
  }

  /** With what was kept while nobody knew who it was. */
  function keep(track: Track, peer: Peer, packet: RecordedPacket): void {
    remember(track, peer);
    for (const entry of strangers.get(peer.key)?.entries() ?? []) track.ring.add(entry);
    strangers.delete(peer.key);
    track.ring.add(packet);
  }

  function passed(direction: RecordedPacket["direction"], bytes: Uint8Array, peer: Peer): void {
    const { key, address, port } = peer;
    const endpoint = endpointAt(peer) ?? formerPeers.get(key);
    const track = endpoint === undefined ? undefined : tracks.get(endpoint);
    if (endpoint !== undefined && !track?.end) {
      strangers.delete(key);
      return;
    }
    const atMs = clock.now();
    const packet: RecordedPacket = { kind: "packet", atMs, direction, address, port, bytes: bytes.slice() };
    if (track) keep(track, peer, packet);
    else keepStranger(key, packet);
  }

  return {
    tap: {
      get isActive() {
        return running > 0;
      },
      passed,
    },
    start,
    stop(endpoint) {
      const track = tracks.get(endpoint);
      if (!track) return undefined;
      end(track);
      return statusOf(track);
    },
    forget(endpoint) {
      const track = tracks.get(endpoint);
      if (track) end(track);
      return tracks.delete(endpoint);
    },
    status(endpoint) {
      const track = tracks.get(endpoint);
      return track && statusOf(track);
    },
    recording(endpoint) {
      const track = tracks.get(endpoint);
      return track && { endpoint, entries: track.ring.entries() };
    },
    note(endpoint, text) {
      const track = tracks.get(endpoint);
      if (!track?.end) return;
      track.ring.add({ kind: "note", atMs: clock.now(), text });
    },
    [Symbol.dispose]() {
      for (const track of tracks.values()) end(track);
    },
  };
}
