/** How devices in the field register (R1-R12), datagram by datagram against the host. */
import { assert } from "chai";
import type { NamedOption } from "coap-packet";
import { registerDevice } from "../harness/agent.ts";
import { events, eventsOf, measuredValue } from "../harness/documents.ts";
import { eventually } from "../harness/eventually.ts";
import { mapTemperature } from "../harness/meter-protocol.ts";
import { openRawDevice, type RawDevice } from "../harness/raw-device.ts";
import { optionNumber, optionValues, type Received, uintBytes, uriOptions, uriPath } from "../harness/raw-socket.ts";
import { withHost } from "../harness/with-host.ts";

const GET = "0.01";
const POST = "0.02";
const TEMPERATURE = "/3303/0/5700";
const LINKS = "</1/0>,</3303/0>";
const REGISTRATION = "c8y_LWM2MDeviceRegistration";
const DEREGISTRATION = "c8y_LWM2MDeviceDeRegistration";
const QUIET_MS = 300;

const isObserve = (message: Received): boolean => message.code === GET && optionNumber(message, "Observe") === 0;

describe("devices in the field: registration", () => {
  const suite = withHost();
  let device: RawDevice;
  let endpoint: string;
  let deviceId: string;
  let count = 0;

  before(() => mapTemperature(suite.api));
  beforeEach(async () => {
    endpoint = `field-r-${++count}`;
    deviceId = (await registerDevice(suite.api, { endpointId: endpoint })).id;
    device = await openRawDevice(suite.host.coapPort);
  });
  afterEach(() => device[Symbol.asyncDispose]());

  /** Takes the observation of the temperature and answers it with `value`. */
  const beObserved = async (value: string): Promise<Received> => {
    const request = await device.expectRequest(GET, TEMPERATURE);
    assert.isTrue(isObserve(request), "the read is an observation");
    const options: NamedOption[] = [{ name: "Observe", value: uintBytes(1) }];
    await device.answer(request, { code: "2.05", payload: value, contentFormat: 0, options });
    return request;
  };
  const lifecycle = async (): Promise<Record<string, unknown>> => {
    const [event] = await eventsOf(suite.api, deviceId, REGISTRATION);
    return event!["c8y_LWM2MLifecycle"] as Record<string, unknown>;
  };

  for (const [query, version] of [
    ["lt=60", "1.0"],
    ["lt=60&lwm2m=1.0.0", "1.0"],
    ["lt=60&lwm2m=1.2", "1.2"],
  ] as const) {
    it(`R1: "${query}" registers as ${version}`, async () => {
      await device.register({ endpoint, query, links: LINKS });
      assert.equal((await lifecycle())["lwm2mVersion"], version);
    });
  }

  for (const [query, binding, queueMode] of [
    ["lwm2m=1.1", "U", false],
    ["lwm2m=1.1&b=U&Q", "U", true],
    ["lwm2m=1.1&Q", "U", true],
    ["lwm2m=1.0&b=UQ", "UQ", true],
    ["lwm2m=1.2&b=U", "U", false],
  ] as const) {
    it(`R2: "${query}" is binding ${binding}${queueMode ? " in queue mode" : ""}`, async () => {
      await device.register({ endpoint, query: `lt=60&${query}`, links: LINKS });
      assert.include(await lifecycle(), { bindingMode: binding, queueMode });
    });
  }

  it("R3: no Content-Format, an unknown query key, Uri-Host and Uri-Port are accepted", async () => {
    const options: NamedOption[] = [
      { name: "Uri-Host", value: Buffer.from("lwm2m.example.org") },
      { name: "Uri-Port", value: uintBytes(5783) },
    ];
    const uri = `/rd?ep=${endpoint}&lt=60&lwm2m=1.0&mac=00:11:22`;
    const answer = await device.request({ code: POST, uri, payload: LINKS, options });
    assert.equal(answer.code, "2.01");
    await beObserved("20");
  });

  for (const root of [
    '</>;rt="oma.lwm2m";ct=110',
    '</>;rt="oma.lwm2m";ct=11543,110,112',
    "</>;ct=11543;hb",
    '</>;rt="oma.lwm2m";ct="60 110 112 11542 11543"',
  ]) {
    it(`R4: the root link ${root} is understood`, async () => {
      await device.register({ endpoint, links: `${root},${LINKS}` });
      await beObserved("20.5");
      await measuredValue(suite.api, deviceId, "c8y_Temperature.T", 20.5);
    });
  }

  for (const links of [
    "<1/0>, <3303/0>",
    "</1/0>,</3303/0>,",
    "</1>;ver=1.1,</1/0>,</3303/0>",
    "</1/0>,</3303/0>;ver=1.1",
    "</1/0>,</3303>,</3303/0>",
    "</0/0>,</1/0>,</21/0>,</3303/0>",
  ]) {
    it(`R5: ${links} is understood, /0 and /21 are never read`, async () => {
      await device.register({ endpoint, links });
      await beObserved("21.5");
      await measuredValue(suite.api, deviceId, "c8y_Temperature.T", 21.5);
      await device.socket.silence(QUIET_MS, message => /^\/(0|21)(\/|$)/.test(uriPath(message)));
    });
  }

  it("R6: Register in 64-byte blocks fired at once with one empty token is put together", async () => {
    const payload = Buffer.from(["</1/0>", ...Array.from({ length: 40 }, (_, at) => `</3303/${at}>`)].join(","));
    const blocks = Math.ceil(payload.length / 64);
    const firstId = device.nextMessageId();
    for (let number = 0; number < blocks; number++) {
      const more = number < blocks - 1 ? 8 : 0;
      await device.send({
        code: POST,
        confirmable: true,
        messageId: number === 0 ? firstId : device.nextMessageId(),
        options: [
          ...uriOptions(`/rd?ep=${endpoint}&lt=60&lwm2m=1.0`),
          { name: "Content-Format", value: Buffer.from([40]) },
          { name: "Block1", value: uintBytes((number << 4) | more | 2) },
        ],
        payload: payload.subarray(number * 64, (number + 1) * 64),
      });
    }
    const answers: string[] = [];
    for (let number = 0; number < blocks; number++) {
      const id = (firstId + number) & 0xffff;
      // A host that needs a second for the Register acknowledges the last block first, and answers in a message of its own.
      const answer = await device.socket.receive(
        `answer ${number}`,
        each => each.code >= "2.00" && (each.ack ? each.messageId === id : number === blocks - 1),
      );
      assert.lengthOf(answer.token, 0);
      answers.push(answer.code);
    }
    assert.deepEqual(answers, [...Array.from({ length: blocks - 1 }, () => "2.31"), "2.01"]);
    await eventsOf(suite.api, deviceId, REGISTRATION);
  });

  it("R7: empty tokens are answered with an empty token", async () => {
    const token = new Uint8Array(0);
    const uri = `/rd?ep=${endpoint}&lt=60&lwm2m=1.0`;
    const registered = await device.request({ code: POST, uri, payload: LINKS, contentFormat: 40, token });
    assert.deepEqual([registered.code, registered.token.length], ["2.01", 0]);
    const location = `/${optionValues(registered, "Location-Path").map(String).join("/")}`;
    const updated = await device.request({ code: POST, uri: location, token });
    assert.deepEqual([updated.code, updated.token.length], ["2.04", 0]);
  });

  it("R8: Update from another port of the same address is followed", async () => {
    const location = await device.register({ endpoint, links: LINKS });
    const observation = await beObserved("20");
    await device.rebind();
    assert.equal((await device.request({ code: POST, uri: location })).code, "2.04");
    await device.notify(observation, 2, { code: "2.05", payload: "27.5", contentFormat: 0 });
    await measuredValue(suite.api, deviceId, "c8y_Temperature.T", 27.5);
  });

  it("R9: Update with what changed, or with the same links, brings no second round of observations", async () => {
    const location = await device.register({ endpoint, links: LINKS });
    await beObserved("20");
    const updates = [
      { uri: location },
      { uri: `${location}?lt=120` },
      { uri: location, payload: LINKS, contentFormat: 40 },
      { uri: `${location}?lt=120&b=U`, payload: LINKS, contentFormat: 40 },
    ];
    for (const update of updates) assert.equal((await device.request({ code: POST, ...update })).code, "2.04");
    await device.socket.silence(QUIET_MS, isObserve);
  });

  it("R9: Update with a new instance observes that one alone", async () => {
    const location = await device.register({ endpoint, links: LINKS });
    await beObserved("20");
    const update = { uri: location, payload: `${LINKS},</3303/1>`, contentFormat: 40 };
    assert.equal((await device.request({ code: POST, ...update })).code, "2.04");
    const request = await device.expectRequest(GET, "/3303/1/5700");
    await device.answer(request, { code: "4.04" });
    await device.socket.silence(QUIET_MS, isObserve);
  });

  it("R10: registering again from a new port replaces the registration and its observations", async () => {
    const first = await device.register({ endpoint, links: LINKS });
    const old = await beObserved("20");
    await device.rebind();
    const second = await device.register({ endpoint, links: LINKS });
    assert.notEqual(second, first);
    const fresh = await beObserved("21");
    assert.isFalse(fresh.token.equals(old.token));
    assert.equal((await device.request({ code: POST, uri: first })).code, "4.04");
    assert.equal((await device.request({ code: POST, uri: second })).code, "2.04");
    const id = await device.notify(old, 9, { code: "2.05", payload: "99", contentFormat: 0 }, true);
    const reply = await device.socket.receive("the Reset", message => message.messageId === id);
    assert.isTrue(reply.reset, "a notification of the old observation is reset");
  });

  for (const lifetimeSeconds of [12, 30, 86_400]) {
    it(`R12: a lifetime of ${lifetimeSeconds} s is taken as it is`, async () => {
      await device.register({ endpoint, query: `lt=${lifetimeSeconds}&lwm2m=1.0`, links: LINKS });
      assert.equal((await lifecycle())["lifetime"], lifetimeSeconds);
    });
  }
});

describe("devices in the field: a device that vanishes", () => {
  const suite = withHost({ env: { MOORING_REGISTRATION_GRACE_PERIOD_SECONDS: "1" } });

  it("R11: lifetime and grace, nothing else, end the registration", async () => {
    const endpoint = "field-r11";
    const { id } = await registerDevice(suite.api, { endpointId: endpoint });
    const gone = await openRawDevice(suite.host.coapPort);
    const startedAtMs = performance.now();
    const location = await gone.register({ endpoint, query: "lt=1&lwm2m=1.0", links: "</1/0>" });
    await gone[Symbol.asyncDispose]();
    await using probe = await openRawDevice(suite.host.coapPort);
    // An Update would keep it alive, so the host's own word is awaited.
    await eventually(async () => (await events(suite.api, id, DEREGISTRATION)).at(0), {
      what: "the end of the registration",
    });
    assert.isAtLeast(performance.now() - startedAtMs, 2000);
    assert.equal((await probe.request({ code: POST, uri: location })).code, "4.04");
    await eventsOf(suite.api, id, REGISTRATION);
  });
});
