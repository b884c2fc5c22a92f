/** Recordings of devices, as people switch them on and fetch them. */
import { MooringError } from "../base/errors.ts";
import { compileSchema, type JsonSchema } from "../base/schema.ts";
import type { Operation } from "../platform/platform.ts";
import type { FlightRecorder, RecordingStatus } from "../recording/flight-recorder.ts";
import { writeRecording } from "../recording/recording-file.ts";
import { isPostRegistration } from "./post-registration.ts";

export interface RecordingSummary {
  readonly deviceId: string;
  readonly endpoint: string;
  readonly recording: boolean;
  /** ISO 8601, as `until`: when it ends, or ended. */
  readonly since: string;
  readonly until: string;
  /** Kept, and gone to make room for newer ones. */
  readonly packets: number;
  readonly bytes: number;
  readonly dropped: number;
}

export interface RecordingServices {
  /**
   * Begins, or goes on with what is there.
   * @param body `{"minutes": 60}`, unchecked; absent: 60
   * @throws MooringError NOT_FOUND, VALIDATION, TOO_MANY_REQUESTS
   */
  start(tenant: string, deviceId: string, body: unknown): Promise<RecordingSummary>;
  /** What was recorded stays. @throws MooringError NOT_FOUND */
  stop(tenant: string, deviceId: string): Promise<RecordingSummary>;
  /** @throws MooringError NOT_FOUND */
  status(tenant: string, deviceId: string): Promise<RecordingSummary>;
  /** A capture file that Wireshark opens. @throws MooringError NOT_FOUND */
  file(tenant: string, deviceId: string): Promise<{ readonly name: string; readonly bytes: Uint8Array }>;
  /** Ends it and drops what was recorded. @throws MooringError NOT_FOUND */
  remove(tenant: string, deviceId: string): Promise<void>;
}

export interface Recordings extends RecordingServices {
  /** An operation is created: it stands in the recording of its device. */
  created(operation: Operation): void;
  /** The device is gone, and with it what was recorded. */
  forget(deviceId: string): void;
}

export interface RecordingsParts {
  readonly recorder: FlightRecorder;
  /** Name and version of the host, for the file. */
  readonly application: string;
  readonly maxMinutes: number;
  /** Endpoint of a device of the tenant; undefined: there is none of that id. */
  endpointOf(tenant: string, deviceId: string): Promise<string | undefined>;
}

const DEFAULT_MINUTES = 60;
const MINUTE_MS = 60_000;

function bodySchema(maxMinutes: number): JsonSchema {
  return {
    type: "object",
    properties: { minutes: { type: "integer", minimum: 1, maximum: maxMinutes } },
    additionalProperties: false,
  };
}

/** What was asked of the device; that of several lines becomes an operation a line, and those of a Register come with it. */
function noteOf({ fragments }: Operation): string | undefined {
  const { c8y_Command: command, c8y_Firmware: firmware } = fragments;
  const text = (command as { readonly text?: unknown } | undefined)?.text;
  if (typeof text === "string" && text.trim().includes("\n")) return undefined;
  if (command === undefined && firmware === undefined) return undefined;
  return JSON.stringify(firmware === undefined ? { c8y_Command: { text } } : { c8y_Firmware: firmware });
}

export function createRecordings({ recorder, application, maxMinutes, endpointOf }: RecordingsParts): Recordings {
  const readBody = compileSchema<{ readonly minutes?: number }>(bodySchema(maxMinutes));
  /** Endpoint by managed object: of all that were ever recorded and are still there. */
  const endpoints = new Map<string, string>();

  const notRecorded = (deviceId: string): MooringError =>
    new MooringError("NOT_FOUND", `device ${deviceId} is not being recorded and was not`, { deviceId });

  async function deviceOf(tenant: string, deviceId: string): Promise<string> {
    const endpoint = await endpointOf(tenant, deviceId);
    if (endpoint === undefined) throw new MooringError("NOT_FOUND", `no LwM2M device ${deviceId}`, { deviceId });
    return endpoint;
  }

  /** @param found of the device; undefined: there is no recording */
  function summary(deviceId: string, found: RecordingStatus | undefined): RecordingSummary {
    if (!found) throw notRecorded(deviceId);
    const { endpoint, isRunning, startedAtMs, untilMs, packets, bytes, dropped } = found;
    const [since, until] = [startedAtMs, untilMs].map(ms => new Date(ms).toISOString()) as [string, string];
    return { deviceId, endpoint, recording: isRunning, since, until, packets, bytes, dropped };
  }

  return {
    async start(tenant, deviceId, body) {
      const { minutes = DEFAULT_MINUTES } = readBody(body ?? {});
      const endpoint = await deviceOf(tenant, deviceId);
      const started = recorder.start(endpoint, Math.min(minutes, maxMinutes) * MINUTE_MS);
      endpoints.set(deviceId, endpoint);
      return summary(deviceId, started);
    },
    async stop(tenant, deviceId) {
      return summary(deviceId, recorder.stop(await deviceOf(tenant, deviceId)));
    },
    async status(tenant, deviceId) {
      return summary(deviceId, recorder.status(await deviceOf(tenant, deviceId)));
    },
    async file(tenant, deviceId) {
      const endpoint = await deviceOf(tenant, deviceId);
      const recording = recorder.recording(endpoint);
      if (!recording) throw notRecorded(deviceId);
      return { name: `${endpoint}.pcapng`, bytes: writeRecording(recording, application) };
    },
    async remove(tenant, deviceId) {
      if (!recorder.forget(await deviceOf(tenant, deviceId))) throw notRecorded(deviceId);
    },
    created(operation) {
      const endpoint = endpoints.get(operation.deviceId);
      if (endpoint === undefined || isPostRegistration(operation)) return;
      const note = noteOf(operation);
      if (note !== undefined) recorder.note(endpoint, note);
    },
    forget(deviceId) {
      const endpoint = endpoints.get(deviceId);
      if (endpoint === undefined) return;
      endpoints.delete(deviceId);
      recorder.forget(endpoint);
    },
  };
}
