/** `mooring replay`: a recorded device against another host, or another build of this one. */
import { readFile } from "node:fs/promises";
import type { Recording } from "@mooring/core/internal/recording/recording.ts";
import { readRecording } from "@mooring/core/internal/recording/recording-file.ts";
import { replayRecording } from "../harness/replay/replay-recording.ts";
import { coapAddress, DEFAULT_COAP } from "./coap-address.ts";
import { type CliCall, type CliCommand, CliError, EXIT } from "./command.ts";
import { findDevice } from "./device.ts";
import { say } from "./io.ts";

async function recordingOf(file: string): Promise<Recording> {
  try {
    return readRecording(new Uint8Array(await readFile(file)));
  } catch (cause) {
    throw new CliError(EXIT.usage, `${file}: ${(cause as Error).message}`, { cause });
  }
}

async function run({ args, text, connect, io }: CliCall): Promise<0 | 1> {
  const host = coapAddress(text("to") ?? DEFAULT_COAP);
  const recording = await recordingOf(args[0]!);
  const client = await connect();
  const { id: deviceId } = await findDevice(client, recording.endpoint);
  const { sent, matched, difference } = await replayRecording({
    recording,
    host,
    operate: async fragments => void (await client.post("/devicecontrol/operations", { deviceId, ...fragments })),
  });
  say(io.output, `${recording.endpoint}: ${sent} messages of the device, ${matched} of the host came as recorded`);
  if (!difference) return EXIT.ok;
  const { at, expected, got } = difference;
  say(io.output, `message ${at} did not come: ${expected}`);
  for (const message of got) say(io.output, `instead: ${message}`);
  return EXIT.failed;
}

export const replayCommand: CliCommand = {
  name: "replay",
  usage: "<file>",
  summary: "Plays a recorded device against a host, and says where the two part",
  notes: [
    '<file> is what "mooring record <device> fetch" wrote. The host has to know the device\'s endpoint, without security, and be set up as',
    "the one that was recorded; operations are created anew. Ends with 1 where the host does something else.",
  ],
  options: {
    to: { type: "string", value: "<uri>", summary: `Port for devices without security; default ${DEFAULT_COAP}` },
  },
  arguments: [1, 1],
  run,
};
