/** The simulated device alone, against single messages written by hand: what the demo and the interop tests rely on. */
import { assert } from "chai";
import { eventually } from "../harness/eventually.ts";
import { openRawServer, type RawServer } from "../harness/raw-server.ts";
import { optionNumber, optionValues } from "../harness/raw-socket.ts";
import { acmeFrame, createSimulatedDevice, meterObjects, type SimulatedDevice } from "../simulator/index.ts";

const GET = "0.01";
const POST = "0.02";
const PUT = "0.03";
const DELETE = "0.04";
const TLV = 11542;

describe("simulator/device", () => {
  let server: RawServer;
  let device: SimulatedDevice;
  let reboots: number;

  beforeEach(async () => {
    reboots = 0;
    server = await openRawServer();
    device = await createSimulatedDevice({
      endpoint: "sim-1",
      serverPort: server.port,
      objects: meterObjects({ serialNumber: "S-1", onReboot: () => reboots++ }),
    });
  });
  afterEach(async () => {
    await device.close();
    await server[Symbol.asyncDispose]();
  });

  it("registers, updates with a new lifetime and de-registers at the location it was given", async () => {
    const registering = device.register();
    const register = await server.acceptRegister("Ab1");
    assert.equal(await registering, "/rd/Ab1");
    assert.sameMembers(optionValues(register, "Uri-Query").map(String), ["ep=sim-1", "lt=86400", "lwm2m=1.0", "b=U"]);
    assert.equal(optionNumber(register, "Content-Format"), 40);
    assert.include(register.payload.toString(), "</3303/0>");
    assert.notInclude(register.payload.toString(), "</0");
    const updating = device.update("lt=120");
    const update = await server.accept(POST, "/rd/Ab1", "2.04");
    await updating;
    assert.deepEqual(optionValues(update, "Uri-Query").map(String), ["lt=120"]);
    const leaving = device.deregister();
    await server.accept(DELETE, "/rd/Ab1", "2.02");
    await leaving;
    assert.isUndefined(device.location);
  });

  it("rejects register() with the server's code", async () => {
    const registering = device.register();
    const refused = registering.then(
      () => assert.fail("accepted"),
      (error: Error) => assert.include(error.message, "4.03"),
    );
    await server.accept(POST, "/rd", "4.03");
    await refused;
  });

  it("sends a registration in 64-byte blocks (RFC 7959 section 2.2)", async () => {
    const registering = device.register({ blockSzx: 2 });
    const first = await server.socket.receive("block 0", message => message.code === POST);
    assert.equal(optionNumber(first, "Block1"), 0x0a);
    assert.equal(first.payload.length, 64);
    registering.catch(() => {});
  });

  it("reads text, opaque and TLV", async () => {
    const text = await server.ask(device.port, { code: GET, uri: "/3/0/0" });
    assert.deepEqual([text.code, text.payload.toString(), optionNumber(text, "Content-Format")], ["2.05", "ACME", 0]);
    const opaque = await server.ask(device.port, { code: GET, uri: "/33456/0/123", accept: 42 });
    assert.deepEqual([...opaque.payload], [...acmeFrame({ volts: 230, celsius: 21.5 })]);
    const battery = await server.ask(device.port, { code: GET, uri: "/3/0/9", accept: TLV });
    assert.equal(battery.payload.toString("hex"), "c10961");
    const errors = await server.ask(device.port, { code: GET, uri: "/3/0/11" });
    assert.equal(errors.payload.toString("hex"), "830b410000");
    const instance = await server.ask(device.port, { code: GET, uri: "/3303/0", accept: TLV });
    assert.equal(instance.payload.toString("hex"), "e8164408" + "4035800000000000" + "e31645" + "43656c");
  });

  it("refuses what it cannot do: 4.04, 4.05, 4.06", async () => {
    const codes = [
      await server.ask(device.port, { code: GET, uri: "/3/0/99" }),
      await server.ask(device.port, { code: GET, uri: "/3/0/4" }),
      await server.ask(device.port, { code: GET, uri: "/3/0/11", accept: 0 }),
      await server.ask(device.port, { code: PUT, uri: "/3/0/0", payload: "x", contentFormat: 0 }),
      await server.ask(device.port, { code: PUT, uri: "/3/0/13", payload: "noon", contentFormat: 0 }),
    ].map(answer => answer.code);
    assert.deepEqual(codes, ["4.04", "4.05", "4.06", "4.05", "4.00"]);
  });

  it("lists what it has (Discover)", async () => {
    const links = await server.ask(device.port, { code: GET, uri: "/3303", accept: 40 });
    assert.equal(links.payload.toString(), "</3303>,</3303/0>,</3303/0/5605>,</3303/0/5700>,</3303/0/5701>");
  });

  it("takes a Write as text and as TLV", async () => {
    const text = { code: PUT, uri: "/3/0/15", payload: "Asia/Tokyo", contentFormat: 0 };
    assert.equal((await server.ask(device.port, text)).code, "2.04");
    assert.equal(device.value("/3/0/15"), "Asia/Tokyo");
    const tlv = { code: PUT, uri: "/3/0/14", payload: Buffer.from("c60e2b30393a3030", "hex"), contentFormat: TLV };
    assert.equal((await server.ask(device.port, tlv)).code, "2.04");
    assert.equal(device.value("/3/0/14"), "+09:00");
  });

  it("runs Execute", async () => {
    assert.equal((await server.ask(device.port, { code: POST, uri: "/3/0/4" })).code, "2.04");
    assert.equal(reboots, 1);
  });

  it("notifies confirmably with rising Observe values, and stops after a Reset (RFC 7641 section 3.2)", async () => {
    const token = Buffer.from("0b5e", "hex");
    const first = await server.ask(device.port, { code: GET, uri: "/3303/0/5700", observe: 0, token });
    assert.equal(first.payload.toString(), "21.5");
    const before = optionNumber(first, "Observe")!;
    device.set("/3303/0/5700", 22.25);
    const second = await server.notification(token, "ack");
    assert.deepEqual([second.confirmable, second.payload.toString()], [true, "22.25"]);
    assert.isAbove(optionNumber(second, "Observe")!, before);
    device.set("/3303/0/5700", 23);
    await server.notification(token, "reset");
    await eventually(() => (device.observed.length === 0 ? true : undefined), { what: "the end of the observation" });
  });

  it("forgets an observation that is cancelled by GET with Observe 1 (RFC 7641 section 3.6)", async () => {
    const token = Buffer.from("0c", "hex");
    await server.ask(device.port, { code: GET, uri: "/3303", observe: 0, token, accept: TLV });
    assert.deepEqual(device.observed, ["/3303"]);
    await server.ask(device.port, { code: GET, uri: "/3303", observe: 1, token, accept: TLV });
    assert.deepEqual(device.observed, []);
  });

  it("never uses a message id twice towards one server, requests and notifications together", async () => {
    const token = Buffer.from("0d", "hex");
    await server.ask(device.port, { code: GET, uri: "/4/0/2", observe: 0, token });
    const registering = device.register();
    const ids = [(await server.acceptRegister("x")).messageId];
    await registering;
    for (let value = 1; value <= 5; value++) {
      device.set("/4/0/2", -value);
      ids.push((await server.notification(token, "ack")).messageId);
    }
    const updating = device.update();
    ids.push((await server.accept(POST, "/rd/x", "2.04")).messageId);
    await updating;
    const steps = ids.slice(1).map((id, at) => (id - ids[at]! + 65_536) % 65_536);
    assert.deepEqual(steps, [1, 1, 1, 1, 1, 1]);
  });
});
