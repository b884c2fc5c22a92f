/** How devices in the field answer and notify (D1-D12), datagram by datagram against the host. */
import { assert } from "chai";
import type { NamedOption } from "coap-packet";
import { awaitOperation, createCommand, type Operation, registerDevice } from "../harness/agent.ts";
import { measuredValue } from "../harness/documents.ts";
import { mapTemperature } from "../harness/meter-protocol.ts";
import { openRawDevice, type RawAnswer, type RawDevice } from "../harness/raw-device.ts";
import { option, optionNumber, type Received, uintBytes } from "../harness/raw-socket.ts";
import { withHost } from "../harness/with-host.ts";

const GET = "0.01";
const TEMPERATURE = "/3303/0/5700";
const UNITS = "/3303/0/5701";
const LINKS = "</1/0>,</3303/0>";
const [TEXT, LINK_FORMAT, JSON_FORMAT, TLV, LWM2M_JSON] = [0, 40, 50, 11542, 11543];

/** /5701 = "Cel" (LwM2M TS 1.0.2 section 6.4.3). */
const UNITS_TLV = Buffer.from("e31645" + "43656c", "hex");

describe("devices in the field: downlink", () => {
  const suite = withHost();
  let device: RawDevice;
  let observation: Received;
  let deviceId: string;
  let location: string;
  let count = 0;

  before(() => mapTemperature(suite.api));
  beforeEach(async () => {
    const endpoint = `field-d-${++count}`;
    deviceId = (await registerDevice(suite.api, { endpointId: endpoint })).id;
    device = await openRawDevice(suite.host.coapPort);
    location = await device.register({ endpoint, links: LINKS });
    observation = await device.expectRequest(GET, TEMPERATURE);
  });
  afterEach(() => device[Symbol.asyncDispose]());

  const observe = (value: number): NamedOption[] => [{ name: "Observe", value: uintBytes(value) }];
  /** Accepts the observation, with the first value 20. */
  const beObserved = (): Promise<void> =>
    device.answer(observation, { code: "2.05", payload: "20", contentFormat: TEXT, options: observe(1) });
  const notify = (sequence: number, value: number, confirmable = false): Promise<number> =>
    device.notify(observation, sequence, { code: "2.05", payload: String(value), contentFormat: TEXT }, confirmable);
  const measured = (value: number) => measuredValue(suite.api, deviceId, "c8y_Temperature.T", value);
  const reply = (messageId: number): Promise<Received> =>
    device.socket.receive("ACK or Reset", message => message.code === "0.00" && message.messageId === messageId);

  /** Runs a command whose one request is answered by `answer`. */
  const run = async (text: string, path: string, answer: RawAnswer): Promise<[Operation, Received]> => {
    const { id } = await createCommand(suite.api, deviceId, text);
    const request = await device.expectRequest(GET, path);
    await device.answer(request, answer);
    return [await awaitOperation(suite.api, id), request];
  };

  it("D1: an empty ACK and then nothing does not hold up what comes after", async function () {
    this.timeout(90_000);
    await beObserved();
    // The shortest limit that a device may have (agent specification 19).
    await suite.api.put(`/inventory/managedObjects/${deviceId}`, { lwm2mRequestTimeout: 10_000 });
    assert.equal((await device.request({ code: "0.02", uri: location })).code, "2.04");
    await createCommand(suite.api, deviceId, `read ${UNITS}`);
    const silent = await device.expectRequest(GET, UNITS);
    await device.send({ code: "0.00", ack: true, messageId: silent.messageId });
    const { id } = await createCommand(suite.api, deviceId, `read ${TEMPERATURE}`);
    const next = await device.expectRequest(GET, TEMPERATURE, 75_000);
    await device.answer(next, { code: "2.05", payload: "19", contentFormat: TEXT });
    assert.equal((await awaitOperation(suite.api, id)).status, "SUCCESSFUL");
  });

  it("D2: 5.03 is tried again after Max-Age", async () => {
    await beObserved();
    const { id } = await createCommand(suite.api, deviceId, `read ${UNITS}`);
    const first = await device.expectRequest(GET, UNITS);
    await device.answer(first, { code: "5.03", options: [{ name: "Max-Age", value: uintBytes(1) }] });
    const second = await device.expectRequest(GET, UNITS);
    await device.answer(second, { code: "2.05", payload: "Cel", contentFormat: TEXT });
    const { status, c8y_Command } = await awaitOperation(suite.api, id);
    assert.equal(status, "SUCCESSFUL");
    assert.include(c8y_Command!.result!, "Cel");
  });

  it("D3: a single resource without Content-Format is read as text", async () => {
    await beObserved();
    const [operation] = await run(`read ${TEMPERATURE}`, TEMPERATURE, { code: "2.05", payload: "18.5" });
    assert.equal(operation.status, "SUCCESSFUL", operation.failureReason);
    assert.include(operation.c8y_Command!.result!, "18.5");
    await measured(18.5);
  });

  it("D3: Content-Format 65535 without payload is a clear end", async () => {
    await beObserved();
    const [operation] = await run(`read ${UNITS}`, UNITS, { code: "2.05", contentFormat: 65_535 });
    assert.include(["SUCCESSFUL", "FAILED"], operation.status);
    assert.notInclude(operation.failureReason ?? "", "65535 is not supported");
  });

  it("D3: 2.00 to a Read is a failure that shows the code", async () => {
    await beObserved();
    const [operation] = await run(`read ${UNITS}`, UNITS, { code: "2.00", payload: "Cel", contentFormat: TEXT });
    assert.equal(operation.status, "FAILED");
    assert.include(operation.failureReason!, "2.00");
  });

  it("D4: what comes is decoded by the Content-Format that came", async () => {
    await beObserved();
    const [operation] = await run(`read ${UNITS}`, UNITS, { code: "2.05", payload: UNITS_TLV, contentFormat: TLV });
    assert.equal(operation.status, "SUCCESSFUL", operation.failureReason);
    assert.include(operation.c8y_Command!.result!, "Cel");
  });

  it("D4: a format that was never offered is a clear failure", async () => {
    await beObserved();
    const [operation] = await run(`read ${UNITS}`, UNITS, { code: "2.05", payload: "{}", contentFormat: JSON_FORMAT });
    assert.equal(operation.status, "FAILED");
    assert.include(operation.failureReason!, String(JSON_FORMAT));
  });

  it("D5: after 4.06 the next format is tried, and remembered for the registration", async () => {
    await beObserved();
    const { id } = await createCommand(suite.api, deviceId, `read ${UNITS}`);
    const first = await device.expectRequest(GET, UNITS);
    await device.answer(first, { code: "4.06" });
    const second = await device.expectRequest(GET, UNITS);
    assert.notEqual(optionNumber(second, "Accept"), optionNumber(first, "Accept"));
    const isText = optionNumber(second, "Accept") === TEXT;
    const answer: RawAnswer = isText
      ? { code: "2.05", payload: "Cel", contentFormat: TEXT }
      : { code: "2.05", payload: UNITS_TLV, contentFormat: TLV };
    await device.answer(second, answer);
    assert.equal((await awaitOperation(suite.api, id)).status, "SUCCESSFUL");
    const [, third] = await run(`read ${UNITS}`, UNITS, answer);
    assert.equal(optionNumber(third, "Accept"), optionNumber(second, "Accept"));
  });

  it("D5: the next format is tried once, then the device's answer stands", async () => {
    await beObserved();
    const { id } = await createCommand(suite.api, deviceId, `read ${UNITS}`);
    await device.answer(await device.expectRequest(GET, UNITS), { code: "4.06" });
    await device.answer(await device.expectRequest(GET, UNITS), { code: "4.06" });
    const { status, failureReason } = await awaitOperation(suite.api, id);
    assert.equal(status, "FAILED");
    assert.include(failureReason!, "4.06");
  });

  it("D5: 4.05 to Discover ends FAILED with the code", async () => {
    await beObserved();
    const [operation, request] = await run("discover /3303", "/3303", { code: "4.05" });
    assert.equal(optionNumber(request, "Accept"), LINK_FORMAT);
    assert.equal(operation.status, "FAILED");
    assert.include(operation.failureReason!, "4.05");
  });

  it("D6: every Read and Observe says what it accepts", async () => {
    assert.isDefined(option(observation, "Accept"));
    await beObserved();
    const [, request] = await run(`read ${UNITS}`, UNITS, { code: "2.05", payload: "Cel", contentFormat: TEXT });
    assert.include([TEXT, TLV, LWM2M_JSON], optionNumber(request, "Accept"));
  });

  it("D7: a 2.05 without Observe gives its value and keeps no observation", async () => {
    await device.answer(observation, { code: "2.05", payload: "17.5", contentFormat: TEXT });
    await measured(17.5);
    assert.isTrue((await reply(await notify(2, 99, true))).reset);
  });

  it("D8: the first Observe value is 1, values have gaps, an older one is not used (RFC 7641 section 3.4)", async () => {
    await beObserved();
    await notify(2, 21);
    await measured(21);
    await notify(1000, 22);
    await measured(22);
    await notify(999, 666, true);
    await notify(1001, 23);
    await measured(23);
    const late = await measuredValue(suite.api, deviceId, "c8y_Temperature.T", 666, 300).catch(() => undefined);
    assert.isUndefined(late, "a notification that is older than the last was stored");
  });

  it("D9: a notification every 5 ms is stored without starving another device", async () => {
    await beObserved();
    const other = await openRawDevice(suite.host.coapPort);
    const endpoint = `field-d-other-${count}`;
    await registerDevice(suite.api, { endpointId: endpoint });
    const otherLocation = await other.register({ endpoint, links: "</1/0>" });
    for (let at = 0; at < 200; at++) {
      await notify(2 + at, 100 + at);
      if (at % 20 === 0) assert.equal((await other.request({ code: "0.02", uri: otherLocation })).code, "2.04");
      await new Promise(resolve => setTimeout(resolve, 5));
    }
    await measured(299);
    await other[Symbol.asyncDispose]();
  });

  it("D10: confirmable and non-confirmable notifications may be mixed", async () => {
    await beObserved();
    for (const [at, confirmable] of [true, false, true, true, false].entries()) {
      const messageId = await notify(2 + at, 40 + at, confirmable);
      if (confirmable) assert.isTrue((await reply(messageId)).ack);
      await measured(40 + at);
    }
  });

  it("D12: silence after Execute of Reboot, then Register under the same endpoint", async () => {
    await beObserved();
    const { id } = await createCommand(suite.api, deviceId, "execute /3/0/4");
    const request = await device.expectRequest("0.02", "/3/0/4");
    await device.answer(request, { code: "2.04" });
    assert.equal((await awaitOperation(suite.api, id)).status, "SUCCESSFUL");
    await device.rebind();
    await device.register({ endpoint: `field-d-${count}`, links: LINKS });
    const again = await device.expectRequest(GET, TEMPERATURE);
    await device.answer(again, { code: "2.05", payload: "33", contentFormat: TEXT, options: observe(1) });
    await measured(33);
  });
});
