/** Every command of the shell on the wire (agent specification 10.3): what the device is asked, what the operation shows. */
import { assert } from "chai";
import { encodeUtf8, fromHex, toHex } from "../../src/base/bytes.ts";
import type { Answer, Asked } from "../lwm2m/support/scripted-device.ts";
import { TENANT } from "./support/agent-world.ts";
import { openShellWorld, type ShellWorld, type Shown } from "./support/shell-world.ts";

const [CREATED, DELETED, CHANGED, CONTENT, NOT_FOUND] = [65, 66, 68, 69, 132];
const [TEXT, LINK, OPAQUE, SENML_JSON, TLV] = [0, 40, 42, 110, 11542];
const ALL_FORMATS = '</>;ct="11542 110 112 0",</1/0>,</3/0>,</3303/0>,</3303/2>';

interface Case {
  readonly text: string;
  /** `POST /3/0/4 0 302327`: method, path, Content-Format and payload, each where it is there. */
  readonly asked: readonly string[];
  readonly answer: Answer;
  readonly result: string;
}

const line = ({ method, path, query, contentFormat, payload }: Asked): string =>
  [`${method} ${path}${query && `?${query}`}`, contentFormat, payload.length > 0 ? toHex(payload) : undefined]
    .filter(part => part !== undefined)
    .join(" ");
const hex = (text: string): string => toHex(encodeUtf8(text));
const senml = (records: unknown) => ({ contentFormat: SENML_JSON, payload: JSON.stringify(records) });

describe("agent: commands of the shell on a device (agent specification 10.3)", () => {
  let shell: ShellWorld;
  afterEach(() => shell.world[Symbol.asyncDispose]());

  const cases: readonly Case[] = [
    {
      text: "cread /3/0/0 /1/0/1",
      asked: [`FETCH / 112 82a1006 62f332f302f30`],
      answer: {
        code: CONTENT,
        ...senml([
          { n: "/3/0/0", vs: "ACME" },
          { n: "/1/0/1", v: 60 },
        ]),
      },
      result: '2.05 Content\n{"/3/0/0":"ACME","/1/0/1":60}',
    },
    {
      text: "writep /1/0/1 60",
      asked: ["POST /1/0 11542 c1013c"],
      answer: { code: CHANGED },
      result: "2.04 Changed",
    },
    {
      text: 'writep /1/0 {"1":60,"6":true}',
      asked: ["POST /1/0 11542 c1013cc10601"],
      answer: { code: CHANGED },
      result: "2.04 Changed",
    },
    {
      text: 'write /1/0 {"1":60}',
      asked: ["PUT /1/0 11542 c1013c"],
      answer: { code: CHANGED },
      result: "2.04 Changed",
    },
    {
      text: "write /3/0/15 Europe/Berlin",
      asked: [`PUT /3/0/15 11542 c80f0d${hex("Europe/Berlin")}`],
      answer: { code: CHANGED },
      result: "2.04 Changed",
    },
    {
      text: "writeb /3/0/15 00ff",
      asked: ["PUT /3/0/15 42 00ff"],
      answer: { code: CHANGED },
      result: "2.04 Changed",
    },
    {
      text: "executelegacy /3/0/4 any text, it's sent",
      asked: [`POST /3/0/4 0 ${hex("any text, it's sent")}`],
      answer: { code: CHANGED },
      result: "2.04 Changed",
    },
    {
      text: "delete /3303/2",
      asked: ["DELETE /3303/2"],
      answer: { code: DELETED },
      result: "2.02 Deleted",
    },
    {
      text: "create /3303",
      asked: ["POST /3303 11542"],
      answer: { code: CREATED, location: "/3303/5" },
      result: '2.01 Created\n{"/3303/5":{}}',
    },
    {
      text: 'create /3303 {"5700":21.5}',
      asked: ["POST /3303 11542 e4164441ac0000"],
      answer: { code: CREATED },
      result: "2.01 Created",
    },
    {
      text: 'create /3303 {"id":7,"resources":{"5700":21.5}}',
      asked: ["POST /3303 11542 0707e4164441ac0000"],
      answer: { code: CREATED },
      result: "2.01 Created",
    },
    {
      text: 'create /3303 {"id":7}',
      asked: ["POST /3303 11542 0007"],
      answer: { code: CREATED },
      result: "2.01 Created",
    },
    {
      text: "writeattr /3303/0/5700 pmin=10&gt=&st=0.5",
      asked: ["PUT /3303/0/5700?pmin=10&gt&st=0.5"],
      answer: { code: CHANGED },
      result: "2.04 Changed",
    },
    {
      text: 'coap {"method":"post","uri":"/x/y?a=b","contentFormat":50,"payloadHex":"7b7d"}',
      asked: ["POST /x/y?a=b 50 7b7d"],
      answer: { code: CONTENT, contentFormat: 50, payload: "[1]" },
      result: '2.05 Content\n{"contentFormat":50,"payloadHex":"5b315d","text":"[1]"}',
    },
    {
      text: 'coap {"method":"get","uri":"/3303/0"}',
      asked: ["GET /3303/0"],
      answer: { code: CONTENT, contentFormat: 11542, payload: fromHex("e4164441ac0000") },
      result: '2.05 Content\n{"contentFormat":11542,"payloadHex":"e4164441ac0000","values":{"/3303/0/5700":21.5}}',
    },
  ];
  for (const { text, asked, answer, result } of cases) {
    it(text, async () => {
      shell = await openShellWorld();
      await shell.register("ep=dev&lwm2m=1.1", ALL_FORMATS);
      shell.device.script = () => answer;
      assert.deepEqual(await shell.run(text), { status: "SUCCESSFUL", failureReason: undefined, result });
      if (text.startsWith("cread")) assert.equal(shell.device.asked[0]?.method, "FETCH");
      else assert.deepEqual(shell.device.asked.map(line), asked);
    });
  }

  it("cwrite: one iPATCH with the values in the given order, resource instances by their own paths", async () => {
    shell = await openShellWorld();
    await shell.register("ep=dev&lwm2m=1.1", "</>;ct=110,</1/0>,</3/0>");
    shell.device.script = () => ({ code: CHANGED });
    const { result } = await shell.run('cwrite /3/0/15 "a b" /1/0/1 60 /3/0/14 x');
    assert.equal(result, "2.04 Changed");
    const [{ method, path, payload }] = shell.device.asked as [Asked];
    assert.deepEqual([method, path], ["IPATCH", "/"]);
    const records = JSON.parse(new TextDecoder().decode(payload)) as {
      bn?: string;
      n?: string;
      vs?: string;
      v?: number;
    }[];
    assert.deepEqual(
      records.map(({ vs, v }) => vs ?? v),
      ["a b", 60, "x"],
    );
  });

  it("create on a device without TLV: the least instance it has not, since every name needs one", async () => {
    shell = await openShellWorld();
    await shell.register("ep=dev&lwm2m=1.1", "</>;ct=110,</3303/0>,</3303/2>");
    shell.device.script = () => ({ code: CREATED });
    assert.equal((await shell.run('create /3303 {"5700":21.5}')).status, "SUCCESSFUL");
    const [{ contentFormat, payload }] = shell.device.asked as [Asked];
    assert.equal(contentFormat, SENML_JSON);
    assert.equal(new TextDecoder().decode(payload), '[{"bn":"/3303/","n":"1/5700","v":21.5}]');
  });

  describe("observations", () => {
    const accept = (asked: Asked): Answer => ({
      code: CONTENT,
      ...(asked.method === "FETCH" ? senml([{ n: "/3303/0/5700", v: 20 }]) : { contentFormat: TEXT, payload: "20" }),
      ...(asked.observe === 0 && { observe: 1 }),
    });
    const observes = (): string[] =>
      shell.device.asked.map(({ method, path, observe }) => `${method} ${path} observe ${observe}`);

    beforeEach(async () => {
      shell = await openShellWorld();
      await shell.register("ep=dev&lwm2m=1.1", "</>;ct=110,</3303/0>,</3304/0>");
      shell.device.script = accept;
    });

    it("observe and cancelobserve: GET with Observe 1", async () => {
      assert.equal((await shell.run("observe /3303/0/5700")).result, '2.05 Content\n{"/3303/0/5700":20}');
      assert.equal((await shell.run("cancelobserve /3303/0/5700")).status, "SUCCESSFUL");
      assert.deepEqual(observes(), ["GET /3303/0/5700 observe 0", "GET /3303/0/5700 observe 1"]);
      const { status, failureReason } = await shell.run("cancelobserve /3303/0/5700");
      assert.deepEqual([status, failureReason], ["FAILED", "/3303/0/5700 is not observed"]);
    });

    it("OMA 302: cancelobservation sends nothing, the next notification is answered by Reset", async () => {
      await shell.run("observe /3303/0/5700");
      const [{ token }] = shell.device.asked as [Asked];
      const { status, result } = await shell.run("cancelobservation /3303/0/5700");
      assert.deepEqual([status, result], ["SUCCESSFUL", '0.00 Nothing sent\n{"forgotten":["/3303/0/5700"]}']);
      assert.lengthOf(shell.device.asked, 1);
      assert.equal((await shell.device.notify({ token, sequence: 2, payload: "21" }))?.type, 3);
    });

    it("cobserve, and both ways to cancel it by the same paths in any order", async () => {
      assert.equal((await shell.run("cobserve /3303/0/5700 /3304")).status, "SUCCESSFUL");
      assert.match((await shell.run("cancelobservation /3303/0/5700")).failureReason!, /is not observed/);
      assert.equal((await shell.run("cancelobservation /3304 /3303/0/5700")).status, "SUCCESSFUL");
      assert.deepEqual(observes(), ["FETCH / observe 0"]);
      await shell.run("cobserve /3303/0/5700 /3304");
      assert.equal((await shell.run("cancelCompositeObserve /3304 /3303/0/5700")).status, "SUCCESSFUL");
      assert.deepEqual(observes().slice(1), ["FETCH / observe 0", "FETCH / observe 1"]);
      const { failureReason } = await shell.run("cancelCompositeObserve /3304 /3303/0/5700");
      assert.equal(failureReason, "/3304 /3303/0/5700 is not observed together");
    });

    it("a cancelation without an answer holds all the same: the observation is forgotten", async () => {
      await shell.world.wait(
        shell.world.platform.inventory.update(TENANT, shell.deviceId, { lwm2mRequestTimeout: 10_000 }),
      );
      await shell.run("observe /3303/0/5700");
      shell.device.script = () => undefined;
      const id = await shell.command("cancelobserve /3303/0/5700");
      await shell.world.clock.advance(11_000);
      assert.deepInclude(await shell.shown(id), {
        status: "SUCCESSFUL",
        result: 'no answer\n{"forgotten":["/3303/0/5700"]}',
      });
      const [{ token }] = shell.device.asked as [Asked];
      assert.equal((await shell.device.notify({ token, sequence: 2, payload: "21" }))?.type, 3);
    });

    it("an Observe that takes the place of another and gets no answer is delivered again as the same request", async () => {
      await shell.world.wait(
        shell.world.platform.inventory.update(TENANT, shell.deviceId, { lwm2mRequestTimeout: 10_000 }),
      );
      for (const text of ["observe /3303/0/5700", "cobserve /3303/0/5700 /3304"]) {
        await shell.run(text);
        shell.device.asked.splice(0);
        shell.device.script = asked => (asked.observe === 1 ? accept(asked) : undefined);
        const id = await shell.command(text);
        await shell.world.clock.advance(11_000);
        const first = shell.device.asked.find(({ observe }) => observe === 0)!;
        shell.device.asked.splice(0);
        shell.device.script = accept;
        await shell.register("ep=dev&lwm2m=1.1", "</>;ct=110,</3303/0>,</3304/0>");
        assert.equal((await shell.shown(id)).status, "SUCCESSFUL");
        const [again] = shell.device.asked as [Asked];
        assert.deepEqual([again.messageId, again.observe, again.path], [first.messageId, 0, first.path]);
      }
    });

    it("a composite observation of one path is cancelled by that path", async () => {
      await shell.run("cobserve /3303/0/5700");
      assert.equal((await shell.run("cancelobservation /3303/0/5700")).status, "SUCCESSFUL");
    });

    it("writeattr with cancel: attributes first, then the observation ends", async () => {
      await shell.run("observe /3303/0/5700");
      shell.device.script = asked => (asked.method === "PUT" ? { code: CHANGED } : accept(asked));
      assert.equal((await shell.run("writeattr /3303/0/5700 pmin=5&cancel")).status, "SUCCESSFUL");
      assert.deepEqual(shell.paths().slice(1), ["PUT /3303/0/5700", "GET /3303/0/5700"]);
      assert.match((await shell.run("writeattr /3303/0/5700 cancel")).failureReason!, /is not observed/);
    });
  });

  describe("writeb with a stored file", () => {
    async function store(bytes: Uint8Array): Promise<string> {
      const { binaries } = shell.world.platform;
      const keep = async () => {
        await using upload = await binaries.begin(TENANT);
        await upload.write(bytes);
        return await upload.create({ body: { name: "config.bin" }, owner: "admin" });
      };
      return (await shell.world.wait(keep())).id;
    }
    const whole = ({ payload, contentFormat }: Asked) => ({ contentFormat, length: payload.length });

    it("is written whole, in the format that is set for binaries", async () => {
      shell = await openShellWorld();
      await shell.register();
      shell.device.script = () => ({ code: CHANGED });
      const id = await store(fromHex("00ff17"));
      assert.equal((await shell.run(`writeb /19/0/0 binary:${id}`)).result, "2.04 Changed");
      await shell.world.wait(
        shell.world.platform.inventory.update(TENANT, shell.deviceId, { binaryDeliveryEncoding: "TLV" }),
      );
      await shell.run(`writeb /19/0/0 binary:${id}`);
      assert.deepEqual(shell.device.asked.map(whole), [
        { contentFormat: OPAQUE, length: 3 },
        { contentFormat: TLV, length: 5 },
      ]);
    });

    it("bad input: one that is not there, or too large, is refused with its place, and nothing is sent", async () => {
      shell = await openShellWorld({}, { agent: { maxFileBytes: 2 } });
      await shell.register();
      const id = await store(fromHex("00ff17"));
      const refused = async (text: string): Promise<Shown> => shell.run(text);
      assert.include(
        (await refused("writeb /19/0/0 binary:77")).failureReason!,
        '"77" is no stored file (character 23)',
      );
      const { failureReason, result } = await refused(`writeb /19/0/0 binary:${id}`);
      assert.include(failureReason!, "has 3 bytes");
      assert.include(result!, `\n${" ".repeat(22)}^^^^`);
      assert.isEmpty(shell.device.asked);
    });
  });

  it("20-30: serialization chooses the format for what follows, where the device offers it; DEFAULT takes it back", async () => {
    shell = await openShellWorld();
    await shell.register("ep=dev&lwm2m=1.1", ALL_FORMATS);
    shell.device.script = () => ({ code: NOT_FOUND });
    const accepts: (number | undefined)[] = [];
    for (const text of [
      "serialization SENML_JSON",
      "read /3/0",
      "serialization CBOR",
      "read /3/0",
      "serialization default",
      "read /3/0",
    ]) {
      const { result } = await shell.run(text);
      if (text.startsWith("read")) accepts.push(shell.device.asked.at(-1)!.accept);
      else assert.match(result!, /^0\.00 Nothing sent\n\{"serializationFormat":/);
    }
    assert.deepEqual(accepts, [SENML_JSON, TLV, TLV]);
    assert.notProperty(
      (await shell.world.platform.inventory.get(TENANT, shell.deviceId)).fragments,
      "serializationFormat",
    );
  });

  it("results show opaque values as early agents do where that is asked for", async () => {
    shell = await openShellWorld({}, { agent: { binaryForm: "legacy" } });
    await shell.register();
    shell.device.script = () => ({ code: CONTENT, contentFormat: OPAQUE, payload: fromHex("0c20") });
    assert.equal((await shell.run("read /19/0/0")).result, '2.05 Content\n{"/19/0/0":"[12, 32]"}');
  });

  it("help is answered without the device, also while it is away", async () => {
    shell = await openShellWorld();
    const { status, result } = await shell.run("help");
    assert.equal(status, "SUCCESSFUL");
    assert.match(result!, /^Commands:\nread +Reads/);
    assert.include(result!, "fwupdate");
    assert.match((await shell.run("help WriteB")).result!, /^writeb \/object/);
  });

  it("coap: an error of the device is a failure that shows its answer; nothing of it goes up", async () => {
    shell = await openShellWorld();
    await shell.register();
    shell.device.script = () => ({ code: NOT_FOUND, payload: "gone" });
    assert.deepEqual(await shell.run('coap {"method":"get","uri":"/3/0"}'), {
      status: "FAILED",
      failureReason: "4.04 Not Found",
      result: '4.04 Not Found\n{"payloadHex":"676f6e65","text":"gone"}',
    });
    shell.device.script = () => ({ code: CONTENT, contentFormat: LINK, payload: "</3>" });
    await shell.run('coap {"method":"get","uri":"/.well-known/core"}');
    assert.isEmpty(shell.world.batches);
  });

  describe("20-29: what a device of 1.0 does not have fails at once, and nothing is sent", () => {
    const texts = [
      "read /3/0/11/0",
      "write /16/0/0/1 a",
      "observe /3/0/11/0",
      "cread /3",
      "cwrite /3/0/15 a",
      "writeattr /3/0/9 epmin=1",
    ];
    for (const text of texts) {
      it(text, async () => {
        shell = await openShellWorld({ awakeTimeRegistrationParameter: 1000 });
        await shell.register("ep=dev&lwm2m=1.0&lt=300");
        // Asleep: it is known all the same.
        await shell.world.clock.advance(2000);
        const { status, failureReason } = await shell.run(text);
        assert.equal(status, "FAILED");
        assert.match(failureReason!, /needs? LwM2M 1\.1, the device has 1\.0; nothing was sent/);
        assert.isEmpty(shell.device.asked);
      });
    }
  });

  it("bad input: what is wrong with a value is pointed at, for people and for programs", async () => {
    shell = await openShellWorld();
    await shell.register();
    const id = await shell.command("write /1/0/1 soon");
    await shell.world.settle();
    const { status, failureReason, fragments } = await shell.world.operation(id);
    assert.equal(status, "FAILED");
    assert.equal(failureReason, '"soon" is no INTEGER for /1/0/1 (character 14): a whole number of 64 bits');
    assert.deepEqual(fragments["c8y_Command"], {
      text: "write /1/0/1 soon",
      result: `write /1/0/1 soon\n             ^^^^\n${failureReason}`,
      error: { code: "VALUE_TYPE", word: "soon", position: 14, length: 4, rule: "a whole number of 64 bits" },
    });
    assert.isEmpty(shell.device.asked);
  });
});
