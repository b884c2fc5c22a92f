import { decode as decodeCbor } from "cborg";
import { assert } from "chai";
import { encodeUtf8, fromHex, toHex } from "../../../src/base/bytes.ts";
import { formatCode } from "../../../src/coap/codes.ts";
import { formatTarget } from "../../../src/lwm2m/observation/observation-target.ts";
import type { DeviceRequests, ObserveAnswer, ValuesAnswer } from "../../../src/lwm2m/operations/requests.ts";
import { formatPath, type Lwm2mPath, parsePath } from "../../../src/lwm2m/path.ts";
import type { Registration } from "../../../src/lwm2m/registration/registration.ts";
import type { ResourceValue } from "../../../src/lwm2m/resource-value.ts";
import { OBSERVATIONS } from "../../../src/store/collections/devices.ts";
import { callDevice, completed, createLwm2mWorld, failureOf, type Lwm2mWorld } from "../support/lwm2m-world.ts";
import { ACK, type Answer, RST, type ScriptedDevice } from "../support/scripted-device.ts";

const CONTENT = 69;
const CHANGED = 68;
const JSON_ONLY = '</>;ct="110",</3/0>,</3303/0>';
const TWO = '[{"n":"/3303/0/5700","v":21.5},{"n":"/3/0/0","vs":"ACME"}]';

describe("lwm2m/server: composite and raw requests", () => {
  let world: Lwm2mWorld;
  let device: ScriptedDevice;
  afterEach(() => world[Symbol.asyncDispose]());

  async function open(query = "ep=dev&lwm2m=1.1", links = JSON_ONLY) {
    world = await createLwm2mWorld();
    device = world.device(5000);
    return device.register(query, links);
  }
  const answerWith = (answer: Answer): void => {
    device.script = () => answer;
  };
  const call = <T>(job: Parameters<typeof callDevice<T>>[1], stepMs = 0): Promise<T> => callDevice(world, job, stepMs);
  const codeOfFailure = async (promise: Promise<unknown>): Promise<string> => (await failureOf(promise)).code;
  const pathsOf = (...texts: string[]): Lwm2mPath[] => texts.map(parsePath);
  const shown = ({ values }: Pick<ValuesAnswer, "values">) =>
    values.map(({ path, value }) => [formatPath(path), value]);
  const read = (...texts: string[]): Promise<ValuesAnswer> =>
    call((requests, registration) => requests.readComposite(registration, pathsOf(...texts)));
  const observe = (...texts: string[]): Promise<ObserveAnswer> =>
    call((requests, registration) => requests.observeComposite(registration, pathsOf(...texts)));
  const cancel = (how: "request" | "reset", ...texts: string[]) =>
    call((requests, registration) => requests.cancelComposite(registration, pathsOf(...texts), how));
  const text = (payload: Uint8Array): string => new TextDecoder().decode(payload);

  describe("Read-Composite (LwM2M Core 1.1.1 §6.3.8)", () => {
    it("OMA 229, OMA 280: FETCH on the root with SenML JSON; the values also go up", async () => {
      await open();
      answerWith({ code: CONTENT, contentFormat: 110, payload: TWO });
      const answer = await read("/3303/0/5700", "/3/0", "/3", "/3/0/11/0");
      assert.isTrue(answer.ok);
      assert.deepEqual(shown(answer), [
        ["/3303/0/5700", 21.5],
        ["/3/0/0", "ACME"],
      ]);
      const [{ payload, ...asked } = assert.fail()] = device.asked;
      assert.include(asked, { method: "FETCH", path: "/", accept: 110, contentFormat: 110, observe: undefined });
      assert.equal(text(payload), '[{"n":"/3303/0/5700"},{"n":"/3/0"},{"n":"/3"},{"n":"/3/0/11/0"}]');
      const [batch] = world.batches;
      assert.deepEqual(batch?.values, answer.values);
      assert.equal(batch?.source, "READ_RESPONSE");
      assert.deepEqual(batch?.requestPath, []);
      assert.deepEqual(batch?.compositePaths, pathsOf("/3303/0/5700", "/3/0", "/3", "/3/0/11/0"));
    });

    it("SenML CBOR first where the device has both", async () => {
      await open("ep=dev&lwm2m=1.1", '</>;ct="11542 110 112",</3/0>');
      answerWith({
        code: CONTENT,
        contentFormat: 112,
        payload: fromHex("81a200662f332f302f39020a"),
      });
      const answer = await read("/3/0/9");
      assert.deepEqual(shown(answer), [["/3/0/9", 10]]);
      const [asked] = device.asked;
      assert.include(asked, { accept: 112, contentFormat: 112 });
      assert.deepEqual(decodeCbor(asked!.payload, { useMaps: true }), [new Map([[0, "/3/0/9"]])]);
    });

    it("the alternate root stands in the request's path", async () => {
      await open("ep=dev&lwm2m=1.1", '</lwm2m>;rt=oma.lwm2m;ct="110",</lwm2m/3/0>');
      answerWith({ code: CONTENT, contentFormat: 110, payload: TWO });
      await read("/3/0/0", "/3303/0/5700");
      assert.equal(device.asked[0]?.path, "/lwm2m");
    });

    it("OMA 235: of the root; Security and OSCORE are never shown", async () => {
      await open();
      const keys = '{"n":"/0/0/5","vd":"c2VjcmV0"},{"n":"/21/0/0","vd":"c2VjcmV0"}';
      answerWith({ code: CONTENT, contentFormat: 110, payload: `[${keys},{"n":"/3/0/0","vs":"ACME"}]` });
      assert.deepEqual(shown(await read("/")), [["/3/0/0", "ACME"]]);
      assert.equal(text(device.asked[0]!.payload), '[{"n":"/"}]');
      assert.deepEqual(shown(world.batches[0]!), [["/3/0/0", "ACME"]]);
    });

    it("OMA 236: what the device does not have is left out of a success", async () => {
      await open();
      answerWith({ code: CONTENT, contentFormat: 110, payload: '[{"n":"/3/0/0","vs":"ACME"}]' });
      assert.deepEqual(shown(await read("/3/0/0", "/3/0/99", "/3333")), [["/3/0/0", "ACME"]]);
    });

    it("a path that stands twice is asked for once", async () => {
      await open();
      answerWith({ code: CONTENT, contentFormat: 110, payload: TWO });
      await read("/3/0/0", "/3303/0/5700", "/3/0/0");
      assert.equal(text(device.asked[0]!.payload), '[{"n":"/3/0/0"},{"n":"/3303/0/5700"}]');
    });

    it("bad input: no path at all", async () => {
      await open();
      assert.equal(await codeOfFailure(read()), "VALIDATION");
      assert.isEmpty(device.asked);
    });

    it("D1: FETCH gets an empty ACK and then never a response: it ends by its time limit, the queue goes on", async () => {
      await open();
      device.script = ({ method }) =>
        method === "FETCH" ? "ack" : { code: CONTENT, contentFormat: 110, payload: '[{"n":"/3/0/0","vs":"ACME"}]' };
      const stuck = codeOfFailure(
        world.server.queues.run("dev", registration =>
          world.server.requests.readComposite(registration, pathsOf("/3/0/0", "/3/0/1")),
        ),
      );
      const next = call((requests, registration) => requests.read(registration, [3, 0]), 1000);
      assert.equal(await completed(world.clock, stuck, 1000), "EXCHANGE_TIMEOUT");
      assert.isTrue((await next).ok);
    });

    it("D5: 4.15 to the list of paths: the device's next format, remembered for composite requests alone", async () => {
      await open("ep=dev&lwm2m=1.1", '</>;ct="110 112",</3/0>');
      device.script = ({ method, contentFormat, accept }) =>
        method === "FETCH" && contentFormat === 112
          ? { code: 143 }
          : { code: CONTENT, contentFormat: 110, payload: accept ? '[{"n":"/3/0/0","vs":"ACME"}]' : "" };
      await read("/3/0/0");
      await read("/3/0/0");
      await call((requests, registration) => requests.read(registration, [3, 0]));
      assert.deepEqual(
        device.asked.map(({ method, accept }) => `${method} ${accept}`),
        ["FETCH 112", "FETCH 110", "FETCH 110", "GET 112"],
      );
    });

    it("4.05 is shown, another format would not help", async () => {
      await open("ep=dev&lwm2m=1.1", '</>;ct="110 112",</3/0>');
      answerWith({ code: 133 });
      assert.equal(formatCode((await read("/3/0/0")).code), "4.05");
      assert.equal(device.asked.length, 1);
    });

    it("agent specification 10.2: the operator's format comes first where composite requests have it", async () => {
      world = await createLwm2mWorld();
      device = world.device(5000);
      const formats = async (contentFormat: number): Promise<string> => {
        world.settings = { contentFormat };
        await device.register("ep=dev&lwm2m=1.1", '</>;ct="11542 110 112",</3/0>');
        answerWith({ code: CONTENT, contentFormat: 110, payload: TWO });
        await read("/3/0/0");
        return `${device.asked.at(-1)?.contentFormat}`;
      };
      assert.equal(await formats(110), "110");
      assert.equal(await formats(11542), "112", "TLV cannot say several objects");
    });
  });

  describe("Write-Composite (LwM2M Core 1.1.1 §6.3.9)", () => {
    const VALUES: readonly ResourceValue[] = [
      { path: [16, 0, 0, 3], type: "STRING", value: "b" },
      { path: [1, 0, 1], type: "INTEGER", value: 60 },
      { path: [16, 0, 0, 1], type: "STRING", value: "a" },
      { path: [3, 0, 14], type: "STRING", value: "+01" },
    ];
    const write = (values: readonly ResourceValue[]) =>
      call((requests, registration) => requests.writeComposite(registration, values));

    it("OMA 230, OMA 257: iPATCH on the root, the values in the order given", async () => {
      await open();
      answerWith({ code: CHANGED });
      assert.isTrue((await write(VALUES)).ok);
      const [{ payload, ...asked } = assert.fail()] = device.asked;
      assert.include(asked, { method: "IPATCH", path: "/", contentFormat: 110, accept: undefined });
      assert.equal(
        text(payload),
        '[{"n":"/16/0/0/3","vs":"b"},{"n":"/1/0/1","v":60},{"n":"/16/0/0/1","vs":"a"},{"n":"/3/0/14","vs":"+01"}]',
      );
    });

    it("a multiple resource as a whole is refused, nothing is sent", async () => {
      await open();
      const { code, message } = await failureOf(write([{ path: [3, 0, 11], type: "INTEGER", value: 0 }]));
      assert.equal(code, "VALUE_TYPE");
      assert.include(message, "/3/0/11/0");
      assert.isEmpty(device.asked);
    });

    it("bad input: no value at all", async () => {
      await open();
      assert.equal(await codeOfFailure(write([])), "VALIDATION");
    });
  });

  describe("Observe-Composite (LwM2M Core 1.1.1 §6.4.7)", () => {
    const live = (): Registration => world.server.registrations.byEndpoint("dev")!;
    const observed = (): string[] => world.server.requests.observed(live()).map(({ target }) => formatTarget(target));
    const stored = async (): Promise<string[]> =>
      (await world.store.collection(OBSERVATIONS).find({ endpoint: "dev" }, { limit: 100 })).map(({ path }) => path);
    const token = (): Uint8Array => device.asked.findLast(asked => asked.observe === 0)!.token;
    const notify = (sequence: number, payload = TWO) =>
      device.notify({ token: token(), sequence, payload, contentFormat: 110 });
    const observing = (): void => {
      device.script = ({ observe: value }) => ({
        code: CONTENT,
        contentFormat: 110,
        payload: TWO,
        ...(value === 0 && { observe: 5 }),
      });
    };
    const SET = "composite /3/0/0 /3303/0/5700";

    it("OMA 304: FETCH with Observe 0; one notification with all its paths", async () => {
      await open();
      observing();
      const answer = await observe("/3303/0/5700", "/3/0/0");
      assert.isTrue(answer.kept);
      assert.equal(answer.values.length, 2);
      const [asked] = device.asked;
      assert.include(asked, { method: "FETCH", path: "/", observe: 0, accept: 110, contentFormat: 110 });
      assert.equal(text(asked!.payload), '[{"n":"/3303/0/5700"},{"n":"/3/0/0"}]');
      assert.equal((await notify(6, TWO.replace("21.5", "22.5")))?.type, ACK);
      const batch = world.batches.at(-1)!;
      assert.equal(batch.source, "NOTIFICATION");
      assert.deepEqual(batch.requestPath, []);
      assert.deepEqual(batch.compositePaths, pathsOf("/3303/0/5700", "/3/0/0"));
      assert.deepEqual(shown(batch), [
        ["/3303/0/5700", 22.5],
        ["/3/0/0", "ACME"],
      ]);
    });

    it("OMA 308, OMA 309: an instance that comes or goes is in the next notification or not", async () => {
      await open();
      observing();
      await observe("/3303", "/3/0/0");
      await notify(6, '[{"n":"/3303/0/5700","v":1},{"n":"/3303/1/5700","v":2}]');
      await notify(7, '[{"n":"/3303/1/5700","v":2}]');
      assert.deepEqual(
        world.batches.slice(-2).map(({ values }) => values.length),
        [2, 1],
      );
    });

    it("OMA 305: cancel by FETCH with Observe 1, the same token and the same list, found in any order", async () => {
      await open();
      observing();
      await observe("/3303/0/5700", "/3/0/0");
      const [first] = device.asked;
      assert.deepEqual(observed(), [SET]);
      assert.isTrue((await cancel("request", "/3/0/0", "/3303/0/5700"))?.ok);
      const asked = device.asked[1]!;
      assert.include(asked, { method: "FETCH", path: "/", observe: 1, accept: 110, contentFormat: 110 });
      assert.equal(toHex(asked.payload), toHex(first!.payload));
      assert.equal(toHex(asked.token), toHex(first!.token));
      assert.deepEqual(observed(), []);
      assert.deepEqual(await stored(), []);
      assert.equal((await notify(6))?.type, RST);
    });

    it("OMA 302: cancel by Reset: nothing is sent, the next notification is answered with Reset", async () => {
      await open();
      observing();
      await observe("/3303/0/5700", "/3/0/0");
      assert.deepInclude(await cancel("reset", "/3/0/0", "/3303/0/5700"), { code: 0, ok: true });
      assert.equal(device.asked.length, 1);
      assert.equal((await notify(6))?.type, RST);
      assert.equal(world.batches.length, 1);
    });

    it("another set, a part of it, or one of its paths alone is another observation", async () => {
      await open();
      observing();
      await observe("/3303/0/5700", "/3/0/0");
      assert.isUndefined(await cancel("request", "/3303/0/5700"));
      assert.isUndefined(await cancel("reset", "/3303/0/5700", "/3/0/0", "/3/0/1"));
      const one = call((requests, registration) => requests.cancelObservation(registration, [3, 0, 0], "reset"));
      assert.isUndefined(await one);
      await observe("/3/0/0");
      device.script = () => ({ code: CONTENT, contentFormat: 0, payload: "ACME", observe: 5 });
      await call((requests, registration) => requests.observe(registration, [3, 0, 0]));
      assert.deepEqual(observed(), [SET, "composite /3/0/0", "/3/0/0"]);
      assert.sameMembers(await stored(), [SET, "composite /3/0/0", "/3/0/0"]);
    });

    it("the same set anew: the earlier observation is cancelled first", async () => {
      await open();
      observing();
      await observe("/3303/0/5700", "/3/0/0");
      await observe("/3/0/0", "/3303/0/5700");
      assert.deepEqual(
        device.asked.map(asked => asked.observe),
        [0, 1, 0],
      );
      assert.deepEqual(observed(), [SET]);
    });

    it("outlives the host: taken up from the store without a message, cancelled with its own list", async () => {
      await open();
      observing();
      await observe("/3303/0/5700", "/3/0/0");
      const [first] = device.asked;
      await world.restart();
      assert.equal(device.asked.length, 1);
      assert.equal((await notify(6))?.type, ACK);
      assert.deepEqual(world.batches.at(-1)?.compositePaths, pathsOf("/3303/0/5700", "/3/0/0"));
      await cancel("request", "/3/0/0", "/3303/0/5700");
      assert.equal(toHex(device.asked[1]!.payload), toHex(first!.payload));
    });

    it("another device with the same set in another order keeps its own list through a restart", async () => {
      await open();
      observing();
      await observe("/3303/0/5700", "/3/0/0");
      const other = world.device(5001);
      other.script = device.script;
      await other.register("ep=other&lwm2m=1.1", JSON_ONLY);
      const run = <T>(job: (requests: DeviceRequests, registration: Registration) => Promise<T>) =>
        completed(
          world.clock,
          world.server.queues.run("other", registration => job(world.server.requests, registration)),
        );
      await run((requests, registration) => requests.observeComposite(registration, pathsOf("/3/0/0", "/3303/0/5700")));
      await world.restart();
      await run((requests, registration) =>
        requests.cancelComposite(registration, pathsOf("/3303/0/5700", "/3/0/0"), "request"),
      );
      assert.equal(text(other.asked[1]!.payload), '[{"n":"/3/0/0"},{"n":"/3303/0/5700"}]');
    });

    it("D7: answered without the Observe option: the values are used, nothing is kept", async () => {
      await open();
      answerWith({ code: CONTENT, contentFormat: 110, payload: TWO });
      const answer = await observe("/3303/0/5700", "/3/0/0");
      assert.isFalse(answer.kept);
      assert.equal(answer.values.length, 2);
      assert.deepEqual(observed(), []);
      assert.deepEqual(await stored(), []);
    });

    it("an error notification ends it", async () => {
      await open();
      observing();
      await observe("/3303/0/5700", "/3/0/0");
      await device.notify({ token: token(), sequence: 6, payload: "", code: 132 });
      assert.deepEqual(observed(), []);
      assert.deepEqual(await stored(), []);
    });

    it("a list too long for one message goes out in blocks", async () => {
      await open();
      observing();
      const texts = Array.from({ length: 100 }, (_, instance) => `/3303/${instance}/5700`);
      let blocks = 0;
      device.script = ({ payload, observe: value }) => {
        blocks++;
        const last = payload.length < 1024;
        return last
          ? {
              code: CONTENT,
              contentFormat: 110,
              payload: TWO,
              observe: value === 0 ? 5 : 6,
              block1: { num: blocks - 1, more: false, szx: 6 },
            }
          : { code: 95, block1: { num: blocks - 1, more: true, szx: 6 } };
      };
      assert.isTrue((await observe(...texts)).kept);
      assert.isAbove(blocks, 1);
      assert.equal((await notify(7))?.type, ACK);
    });
  });

  describe("raw requests (agent specification 10.3, coap)", () => {
    const raw = (request: Parameters<DeviceRequests["raw"]>[1]) =>
      call((requests, registration) => requests.raw(registration, request));

    it("go out as they are; the answer is the caller's alone", async () => {
      await open("ep=dev&lwm2m=1.0", '</lwm2m>;rt=oma.lwm2m;ct="11542",</lwm2m/3/0>');
      answerWith({ code: CONTENT, contentFormat: 110, payload: TWO });
      const payload = encodeUtf8("[]");
      const response = await raw({
        method: "FETCH",
        path: ["a", "b"],
        query: ["c=d"],
        contentFormat: 110,
        accept: 0,
        payload,
      });
      assert.include(response, { code: CONTENT, contentFormat: 110 });
      assert.equal(text(response.payload), TWO);
      const [{ payload: sent, ...asked } = assert.fail()] = device.asked;
      assert.include(asked, { method: "FETCH", path: "/a/b", query: "c=d", contentFormat: 110, accept: 0 });
      assert.equal(text(sent), "[]");
      assert.isEmpty(world.batches);
    });

    for (const method of ["GET", "POST", "PUT", "DELETE", "FETCH", "IPATCH", "PATCH"] as const) {
      it(`${method} without anything`, async () => {
        await open();
        answerWith({ code: 163, maxAge: 1 });
        assert.equal((await raw({ method, path: [], payload: new Uint8Array(0) })).code, 163);
        assert.equal(device.asked.length, 1, "5.03 is the answer, too");
        assert.include(device.asked[0], { method, path: "/", accept: undefined, contentFormat: undefined });
      });
    }
  });

  describe("20-29: what came with LwM2M 1.1 fails at once on a 1.0 device, nothing is sent", () => {
    const calls: Readonly<Record<string, (requests: DeviceRequests, registration: Registration) => Promise<unknown>>> =
      {
        "composite read": (requests, registration) => requests.readComposite(registration, [[3]]),
        "composite write": (requests, registration) =>
          requests.writeComposite(registration, [{ path: [1, 0, 1], type: "INTEGER", value: 60 }]),
        "composite observation": (requests, registration) => requests.observeComposite(registration, [[3]]),
        "cancelling one": (requests, registration) => requests.cancelComposite(registration, [[3]], "request"),
        "read of a resource instance": (requests, registration) => requests.read(registration, [5, 0, 8, 0]),
        "write of one": (requests, registration) =>
          requests.write(registration, [5, 0, 8, 0], [{ path: [5, 0, 8, 0], type: "INTEGER", value: 1 }]),
        "partial write of one": (requests, registration) =>
          requests.write(registration, [5, 0, 8, 0], [{ path: [5, 0, 8, 0], type: "INTEGER", value: 1 }], {
            mode: "partial",
          }),
        "observation of one": (requests, registration) => requests.observe(registration, [5, 0, 8, 0]),
        "discover of one": (requests, registration) => requests.discover(registration, [5, 0, 8, 0]),
        "attributes of one": (requests, registration) =>
          requests.writeAttributes(registration, [5, 0, 8, 0], { pmin: 1 }),
        "delete of one": (requests, registration) => requests.delete(registration, [5, 0, 8, 0]),
        "evaluation periods": (requests, registration) => requests.writeAttributes(registration, [3, 0], { epmin: 1 }),
      };
    for (const [name, run] of Object.entries(calls)) {
      it(name, async () => {
        await open("ep=dev&lwm2m=1.0", "</3/0>,</5/0>");
        const { code, message } = await failureOf(call(run));
        assert.equal(code, "UNSUPPORTED");
        assert.match(message, /need LwM2M 1\.1, the device has 1\.0/);
        assert.isEmpty(device.asked);
      });
    }
  });
});
