/** OMA's cases of Firmware Update with Leshan's client, step by step as an operator goes through them in the shell. */
import { assert } from "chai";
import { eventually } from "../../harness/eventually.ts";
import { FIRMWARE } from "./configuration.ts";
import { firmwareImage, type ImageServer, openImageServer } from "./firmware-images.ts";
import { withLeshan } from "./with-leshan.ts";

const VERSION = "2.0.0";
const IDLE = 0;
const DOWNLOADED = 2;

describe("interop/OMA: Firmware Update", () => {
  const leshan = withLeshan({ endpoint: "oma-firmware" });
  let server: ImageServer;
  before(async () => {
    server = await openImageServer(firmwareImage({ version: VERSION }));
  });
  after(() => server[Symbol.asyncDispose]());
  beforeEach(() => leshan.restarted());

  const run = (text: string) => leshan.operator.run(text);
  const read = (path: string) => leshan.operator.read(path);
  const push = async (image: Uint8Array): Promise<void> => {
    assert.equal((await run(`writeb /5/0/0 ${Buffer.from(image).toString("hex")}`)).status, "2.04 Changed");
  };
  const pull = async (uri: string): Promise<void> => {
    assert.equal((await run(`write /5/0/1 ${uri}`)).status, "2.04 Changed");
  };
  /** Polls as the cases have it until State and Result are those. @returns the states seen, one of a kind in a row once */
  const reaches = async (state: number, result: number): Promise<number[]> => {
    const states: number[] = [];
    await eventually(
      async () => {
        const { "/5/0/3": stateNow, "/5/0/5": resultNow } = await read("/5/0");
        if (stateNow !== states.at(-1)) states.push(stateNow as number);
        assert.deepEqual([stateNow, resultNow], [state, result]);
        return true;
      },
      { what: `State ${state} and Result ${result}` },
    );
    return states;
  };
  /** Install what is there; the device comes back with it. */
  const installs = async (): Promise<void> => {
    const before = leshan.told("registered").length;
    assert.equal((await run("execute /5/0/2")).status, "2.04 Changed");
    await leshan.tells("registered", before);
    await reaches(IDLE, 1);
    assert.deepEqual(await read("/3/0/3"), { "/3/0/3": VERSION });
  };

  it("OMA 751: Read: State and Result are 0, protocols and ways of delivery", async () => {
    await leshan.operator.prefer("TLV");
    const { values, exchange } = await leshan.operator.exchange("read /5/0", "GET /5/0");
    assert.match(exchange.answerContent!.contentFormat!, /^TLV /);
    assert.deepEqual(values, FIRMWARE);
    await leshan.operator.prefer(undefined);
  });

  it("OMA 755: a NUL byte resets, an image leads to Downloaded", async () => {
    await push(Buffer.of(0));
    assert.deepEqual(await read("/5/0"), FIRMWARE);
    await push(firmwareImage({ version: VERSION }));
    await reaches(DOWNLOADED, 0);
    assert.deepEqual(await read("/5/0/7"), { "/5/0/7": VERSION });
  });

  it("OMA 756: an empty Package URI resets, a good one leads to Downloaded", async () => {
    await run('write /5/0/1 ""');
    assert.deepEqual(await read("/5/0"), FIRMWARE);
    await pull(server.uri);
    await reaches(DOWNLOADED, 0);
    assert.deepEqual(await read("/5/0/1"), { "/5/0/1": server.uri });
  });

  it("OMA 760: State is observed through a push", async () => {
    await run("writeattr /5/0 pmin=2&pmax=10");
    assert.deepEqual((await run("observe /5/0/3")).values, { "/5/0/3": IDLE });
    await push(firmwareImage({ version: VERSION }));
    await leshan.operator.lastValues({ "/5/0/3": DOWNLOADED }, 15_000);
  });

  it("OMA 770: a push in blocks, the installation and the new version", async () => {
    await push(Buffer.of(0));
    const image = firmwareImage({ version: VERSION });
    const { exchange } = await leshan.operator.exchange(`writeb /5/0/0 ${image.toString("hex")}`, "PUT /5/0/0");
    assert.include(exchange, { answer: "2.04" });
    assert.equal(exchange.content!.bytes, image.length);
    await reaches(DOWNLOADED, 0);
    await installs();
  });

  it("OMA 771: a pull, the installation and the new version", async () => {
    await run('write /5/0/1 ""');
    await pull(server.uri);
    await reaches(DOWNLOADED, 0);
    await installs();
  });

  it("OMA 772: with nothing downloaded Update is refused, and nothing changes", async () => {
    assert.match(await leshan.operator.refused("execute /5/0/2"), /^4\.05 Method Not Allowed/);
    assert.deepEqual(await read("/5/0"), FIRMWARE);
  });

  for (const [id, what, result, image] of [
    [773, "too large for the storage", 2, { bytes: 7000 }],
    [774, "too large for the memory (Result 3 by the object, 2 by the case's text)", 3, { ramKib: 128 }],
    [776, "with a wrong checksum", 5, { isCorrupt: true }],
  ] as const) {
    it(`OMA ${id}: a package ${what}: Result ${result}, back to Idle`, async () => {
      await push(firmwareImage({ version: VERSION, ...image }));
      assert.notInclude(await reaches(IDLE, result), DOWNLOADED);
    });
  }

  it("OMA 775: the connection is lost while the package is pulled: Result 4, back to Idle", async () => {
    await pull(server.brokenUri);
    assert.notInclude(await reaches(IDLE, 4), DOWNLOADED);
  });

  it("OMA 777: a package of another type: Result 6", async () => {
    await push(firmwareImage({ version: VERSION, isImage: false }));
    assert.notInclude(await reaches(IDLE, 6), DOWNLOADED);
  });

  it("OMA 778: a URI where there is nothing: Result 7, back to Idle", async () => {
    await pull(server.absentUri);
    assert.notInclude(await reaches(IDLE, 7), DOWNLOADED);
  });

  it("OMA 779: an installation that fails: Result 8, the version is what it was", async () => {
    await push(firmwareImage({ version: VERSION, installs: false }));
    await reaches(DOWNLOADED, 0);
    assert.equal((await run("execute /5/0/2")).status, "2.04 Changed");
    await reaches(DOWNLOADED, 8);
    assert.deepEqual(await read("/3/0/3"), { "/3/0/3": "1.0.0" });
  });
});
