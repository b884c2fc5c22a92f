/**
 * A device in Queue Mode gets 500 operations over its wakes, in order, each once, while the host is killed twice: once when the device has done
 * one and its answer is lost, once at the moment when its answer leaves. Each time the operation is EXECUTING, or about to end, and nobody but the
 * device knows.
 */
import { assert } from "chai";
import { createCommand, expectStatus, type Operation, registerDevice } from "../harness/agent.ts";
import { type Api, api } from "../harness/api.ts";
import { eventually } from "../harness/eventually.ts";
import { type Host, startHost } from "../harness/host.ts";
import { atScale } from "../harness/scale.ts";
import { createSleepyDevice, type SleepyDevice } from "../harness/sleepy-device.ts";

const OPERATIONS = 500;
/** So many of them are the lines of one operation. */
const LINES = 100;
const KILLED_AT = { lost: 120, answered: 333 };
const [AWAKE_MS, PERIOD_MS] = atScale([500, 2_000], [5_000, 120_000]);
const LIMIT_MS = atScale(120_000, 45 * 60_000);
/** Times of CoAP in the measure of the wakes. */
const ENVIRONMENT = atScale(
  { MOORING_TRANSMISSION_ACK_TIMEOUT_MS: "200", MOORING_TRANSMISSION_EMPTY_ACK_AFTER_MS: "100" },
  {},
);

const textOf = (number: number): string => `execute /3/0/4 0='${number}'`;

describe("queue mode: 500 operations over the wakes of a device, the host killed twice", function () {
  this.timeout(LIMIT_MS);
  let host: Host;
  let client: Api;
  let device: SleepyDevice;
  let deviceId: string;
  let kills = 0;
  let restart: Promise<void> = Promise.resolve();

  /** The host dies now and comes back. */
  function killNow(): void {
    kills++;
    process.kill(host.pid, "SIGKILL");
    restart = host.kill().then(() => host.start());
  }
  function onExecuted(count: number): boolean {
    if (count === KILLED_AT.lost) {
      killNow();
      return false;
    }
    // After its answer has left.
    if (count === KILLED_AT.answered) setImmediate(killNow);
    return true;
  }

  before(async () => {
    host = await startHost({ env: ENVIRONMENT });
    client = api(host);
    deviceId = (await registerDevice(client, { endpointId: "sleepy" })).id;
    device = await createSleepyDevice({
      endpoint: "sleepy",
      serverPort: host.coapPort,
      awakeMs: AWAKE_MS,
      periodMs: PERIOD_MS,
      onExecuted,
    });
    await device.register();
    for (let number = 0; number < OPERATIONS - LINES; number++) await createCommand(client, deviceId, textOf(number));
    const lines = Array.from({ length: LINES }, (_, i) => textOf(OPERATIONS - LINES + i));
    await createCommand(client, deviceId, lines.join("\n"));
    await device.run(() => device.executed.length >= OPERATIONS);
    await restart;
  });
  afterEach(function () {
    if (this.currentTest?.state === "failed") console.error(`    -- the host's last lines\n${host.tail()}`);
  });
  after(async () => {
    await device?.[Symbol.asyncDispose]();
    await host?.[Symbol.asyncDispose]();
  });

  const list = async (status: string): Promise<readonly Operation[]> => {
    const query = new URLSearchParams({ deviceId, status, pageSize: "2000" });
    const answer = await client.get<{ operations: readonly Operation[] }>(`/devicecontrol/operations?${query}`);
    return expectStatus(answer, 200, "operations").operations;
  };

  it("the device did each once, in the order of creation", () => {
    const expected = Array.from({ length: OPERATIONS }, (_, number) => `0='${number}'`);
    assert.deepEqual(device.executed, expected);
  });

  it("every operation is SUCCESSFUL with the device's answer", async () => {
    const done = await eventually(
      async () => {
        const successful = await list("SUCCESSFUL");
        return successful.length === OPERATIONS + 1 ? successful : undefined;
      },
      { what: "the end of all operations" },
    );
    const results = new Set(
      done
        .filter(({ c8y_Command: { text } = { text: "" } }) => !text.includes("\n"))
        .map(({ c8y_Command }) => c8y_Command?.result),
    );
    assert.deepEqual([...results], ["2.04 Changed"]);
    for (const status of ["PENDING", "EXECUTING", "FAILED"]) assert.isEmpty(await list(status), status);
  });

  it("it took many wakes and both kills, and what was under way was delivered again as a repetition", () => {
    assert.equal(kills, 2);
    assert.isAtLeast(device.wakes, OPERATIONS / 50);
    assert.isAtLeast(device.repetitions, 1);
  });
});
