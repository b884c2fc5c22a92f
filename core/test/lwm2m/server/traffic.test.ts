import { assert } from "chai";
import { completed, createLwm2mWorld, type Lwm2mWorld } from "../support/lwm2m-world.ts";
import { type ScriptedDevice, settle } from "../support/scripted-device.ts";

const VALUE = { code: 69, contentFormat: 0, payload: "5", observe: 2 };

describe("lwm2m/server: traffic (agent specification 15.2)", () => {
  let world: Lwm2mWorld;
  let device: ScriptedDevice;
  beforeEach(async () => {
    world = await createLwm2mWorld();
    world.settings = { logLevel: "VERBOSE" };
    device = world.device(5000);
    device.script = () => VALUE;
  });
  afterEach(() => world[Symbol.asyncDispose]());

  const seen = () => world.traffic.map(({ registration: _, ...entry }) => entry);
  const run = <T>(job: Parameters<typeof world.server.queues.run<T>>[1]) =>
    completed(world.clock, world.server.queues.run("dev", job));

  it("VERBOSE: what the device asks, with the answer", async () => {
    const id = await device.register("ep=dev&lt=60", "</3/0>");
    await device.send("POST", `/rd/${id}`, { query: ["lt=90"] });
    await device.send("POST", `/rd/${id}`, { query: ["lt=x"] });
    await device.send("POST", "/dp", { contentFormat: 110, payload: '[{"n":"/3303/0/5700","v":7}]' });
    assert.deepEqual(seen(), [
      {
        from: "device",
        request: "POST /rd?ep=dev&lt=60",
        answer: "2.01",
        content: { contentFormat: "LINK (40)", bytes: 6, text: "</3/0>" },
      },
      { from: "device", request: `POST /rd/${id}?lt=90`, answer: "2.04" },
      {
        from: "device",
        request: `POST /rd/${id}?lt=x`,
        answer: 'query lt="x" must be a whole number of 0 to 4294967295',
      },
      {
        from: "device",
        request: "POST /dp",
        answer: "2.04",
        content: { contentFormat: "SENML_JSON (110)", bytes: 28, text: '[{"n":"/3303/0/5700","v":7}]' },
      },
    ]);
  });

  it("VERBOSE: an upload is one exchange, without its body", async () => {
    await device.register("ep=dev");
    world.traffic.splice(0);
    device.script = () => ({ code: 68 });
    const source = { length: 3, read: async () => Uint8Array.of(1, 2, 3) };
    await run(registration => world.server.requests.upload(registration, [5, 0, 0], source, { contentFormat: 42 }));
    assert.deepEqual(seen(), [{ from: "host", request: "PUT /5/0/0", answer: "2.04" }]);
  });

  it("VERBOSE: what the host asks, notifications, and silence", async () => {
    await device.register("ep=dev");
    world.traffic.splice(0);
    const { requests } = world.server;
    await run(registration => requests.observe(registration, [3303, 0, 5700]));
    const { token } = device.asked[0]!;
    await device.notify({ token, sequence: 3, payload: Uint8Array.of(0x36, 0x00), contentFormat: 42 });
    device.script = () => undefined;
    const failed = world.server.queues.run("dev", (registration, signal) =>
      requests.read(registration, [3303, 0, 5700], { signal }),
    );
    failed.catch(() => {});
    await settle(world.clock);
    world.server.queues.interrupt("dev", "replaced");
    await settle(world.clock);
    const content = { contentFormat: "TEXT (0)", bytes: 1, text: "5" };
    const [observed, notified, silent] = seen();
    assert.deepEqual(observed, {
      from: "host",
      request: "GET /3303/0/5700",
      answer: "2.05",
      answerContent: content,
    });
    assert.deepEqual(notified, {
      from: "device",
      request: "NOTIFY /3303/0/5700",
      content: { contentFormat: "OPAQUE (42)", bytes: 2, hex: "3600" },
    });
    assert.equal(silent?.request, "GET /3303/0/5700");
    assert.notMatch(silent!.answer!, /^\d\.\d\d/);
  });

  it("keys are never told, long contents are cut", async () => {
    await device.register("ep=dev&lwm2m=1.1", '</lwm2m>;rt="oma.lwm2m",</lwm2m/1/0>');
    world.traffic.splice(0);
    const { requests } = world.server;
    await run(registration =>
      requests.write(registration, [0, 0, 5], [{ path: [0, 0, 5], value: Uint8Array.of(1, 2, 3), type: "OPAQUE" }]),
    );
    await run(registration => requests.read(registration, [0, 0, 5]).catch(() => undefined));
    assert.deepEqual(
      world.traffic.map(({ content, answerContent }) => [content?.bytes, answerContent?.bytes]),
      [
        [5, 1],
        [undefined, 1],
      ],
    );
    for (const { content, answerContent } of world.traffic) {
      for (const each of [content, answerContent]) {
        assert.notProperty(each ?? {}, "text");
        assert.notProperty(each ?? {}, "hex");
      }
    }
    device.script = () => ({ ...VALUE, payload: "x".repeat(1000) });
    await run(registration => requests.read(registration, [3303, 0, 5700]).catch(() => undefined));
    assert.deepInclude(world.traffic.at(-1)?.answerContent, { bytes: 1000, text: "x".repeat(256) });
  });

  it("nothing is told of a device at another level, nor of strangers", async () => {
    world.settings = { logLevel: "LIFECYCLE" };
    const id = await device.register("ep=dev");
    await device.send("POST", `/rd/${id}`);
    await run(registration => world.server.requests.read(registration, [3303, 0, 5700]));
    await world.device(6000).send("POST", "/rd/nothing");
    assert.isEmpty(world.traffic);
  });
});
