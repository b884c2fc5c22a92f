import { assert } from "chai";
import {
  createFirmwareRepository,
  type FirmwareRepository,
  type NewFirmwareVersion,
} from "../../src/firmware/repository.ts";
import { addFirmwareFile } from "../../src/firmware/repository-csv.ts";
import type { ManagedObject } from "../../src/platform/platform.ts";
import { failing } from "../platform/failing.ts";
import { PAGE, type PlatformFixture, perTest, TENANT } from "../platform/fixture.ts";
import { storeBinary } from "./support.ts";

const URL = "https://fw.example.com/fw.bin";

describe("firmware/repository", () => {
  let fixture: PlatformFixture;
  let repository: FirmwareRepository;
  perTest(opened => {
    fixture = opened;
    repository = createFirmwareRepository(opened);
  });

  const add = (given: Partial<NewFirmwareVersion> = {}, tenant = TENANT): Promise<string> =>
    repository.add(tenant, { name: "meter", version: "1.0", url: URL, ...given }, "admin");
  const ofType = async (type: string): Promise<readonly ManagedObject[]> =>
    (await fixture.platform.inventory.list(TENANT, { type }, PAGE)).items;

  it("platform API 5.4: a firmware, its versions child additions with version and URL", async () => {
    const first = await add({ description: "for meters", deviceType: "c8y_lwm2m" });
    const second = await add({ version: "2.0" });
    const [firmware, ...others] = await ofType("c8y_Firmware");
    assert.deepEqual(others, []);
    assert.equal(firmware!.name, "meter");
    assert.deepEqual(firmware!.fragments, { description: "for meters", c8y_Filter: { type: "c8y_lwm2m" } });
    const page = await fixture.platform.children.list(TENANT, firmware!.id, "childAdditions", PAGE);
    assert.deepEqual(
      page.items.map(({ id, type, fragments }) => [id, type, fragments]),
      [
        [first, "c8y_FirmwareBinary", { c8y_Firmware: { version: "1.0", url: URL } }],
        [second, "c8y_FirmwareBinary", { c8y_Firmware: { version: "2.0", url: URL } }],
      ],
    );
  });

  it("versions that come at once have one firmware", async () => {
    await Promise.all(["1", "2", "3"].map(version => add({ version })));
    assert.lengthOf(await ofType("c8y_Firmware"), 1);
    assert.lengthOf(await ofType("c8y_FirmwareBinary"), 3);
  });

  it("a version tells its name, version and URL; one that the UI made as well", async () => {
    assert.deepEqual(await repository.version(TENANT, await add()), { name: "meter", version: "1.0", url: URL });
    const { inventory, children } = fixture.platform;
    const own = { owner: "admin" };
    const firmware = await inventory.create(TENANT, { name: "gate", type: "c8y_Firmware", c8y_Global: {} }, own);
    const binary = { type: "c8y_FirmwareBinary", c8y_Firmware: { version: "7", url: "/inventory/binaries/5" } };
    const { id } = await inventory.create(TENANT, { ...binary, c8y_Global: {} }, own);
    await children.add(TENANT, firmware.id, "childAdditions", [id]);
    const found = await repository.version(TENANT, id);
    assert.deepEqual(found, { name: "gate", version: "7", url: "/inventory/binaries/5" });
    await failing("VALIDATION", () => repository.version(TENANT, firmware.id));
    await failing("NOT_FOUND", () => repository.version("t2", id));
  });

  for (const [what, code, given, field] of [
    ["no name", "VALIDATION", { name: "" }, "name"],
    ["blanks for a name", "VALIDATION", { name: "  " }, "name"],
    ["a long name", "VALIDATION", { name: "x".repeat(256) }, "name"],
    ["no version", "VALIDATION", { version: "" }, "version"],
    ["a version of two lines", "VALIDATION", { version: "1\n2" }, "version"],
    ["no URL", "VALIDATION", { url: "" }, "c8y_Firmware.url"],
    ["another scheme", "VALIDATION", { url: "ftp://a/b" }, "c8y_Firmware.url"],
    ["a binary that is not there", "VALIDATION", { url: "/inventory/binaries/815" }, "c8y_Firmware.url"],
    ["a version that is there", "DUPLICATE", {}, "version"],
    ["another type of device", "CONFLICT", { version: "2", deviceType: "other" }, "deviceType"],
  ] as const) {
    it(`refuses ${what} and makes nothing`, async () => {
      await add();
      const error = await failing(code, () => add(given));
      assert.equal(error.details["field"], field);
      assert.lengthOf(await ofType("c8y_FirmwareBinary"), 1);
    });
  }

  it("is each tenant's own", async () => {
    await add();
    await add({}, "t2");
    assert.lengthOf(await ofType("c8y_Firmware"), 1);
    const { id } = await storeBinary(fixture.platform, 5, "t2");
    await failing("VALIDATION", () => add({ version: "3", url: `/inventory/binaries/${id}` }));
  });

  describe("from a file", () => {
    const file = (...lines: readonly string[]) =>
      addFirmwareFile(repository, TENANT, Buffer.from(lines.join("\n")), "admin");

    it("each row a version; separators, quotes and a byte order mark as in any CSV", async () => {
      const { id } = await storeBinary(fixture.platform, 5);
      const result = await file(
        "\uFEFFname;version;url;deviceType;description",
        `meter;1.0;/inventory/binaries/${id};c8y_lwm2m;"first; of all"`,
        `meter;2.0;${URL};;`,
      );
      assert.deepEqual(result, { numberOfAll: 2, numberOfSuccessful: 2, numberOfFailed: 0, failed: [] });
      const [firmware] = await ofType("c8y_Firmware");
      assert.deepInclude(firmware!.fragments, { description: "first; of all" });
      assert.equal((await file("version,name,url", `3,meter,${URL}`)).numberOfSuccessful, 1);
      assert.lengthOf(await ofType("c8y_FirmwareBinary"), 3);
    });

    it("rows that break a rule are named with line and reason, the others are taken", async () => {
      const result = await file(
        "name;version;url",
        `meter;1.0;${URL}`,
        `meter;1.0;${URL}`,
        `;2.0;${URL}`,
        "gate;1.0;nonsense",
        `gate;1.0`,
        `gate;"1.0;${URL}`,
      );
      assert.deepInclude(result, { numberOfSuccessful: 1, numberOfFailed: result.numberOfAll - 1 });
      assert.deepEqual(
        result.failed.slice(0, 4).map(({ line, name, reason }) => [line, name, reason]),
        [
          [3, "meter", "version 1.0 of meter is in the repository already"],
          [4, "", "name is missing"],
          [5, "gate", "url must be the URL of a binary, or begin with coap://, coaps://, http:// or https://"],
          [6, "gate", "row has 2 cells, the header 3"],
        ],
      );
      assert.lengthOf(await ofType("c8y_FirmwareBinary"), 1);
    });

    for (const [what, lines, rule] of [
      ["nothing", [""], /file is empty/],
      ["no column of versions", ["name;url", `a;${URL}`], /no column "version"/],
      ["a column that nobody knows", ["name;version;url;sise", `a;1;${URL};5`], /has the column "sise"/],
      ["a column twice", ["name;version;url;url"], /"url" twice/],
    ] as const) {
      it(`refuses a file with ${what}`, async () => {
        assert.match((await failing("VALIDATION", () => file(...lines))).message, rule);
        assert.lengthOf(await ofType("c8y_Firmware"), 0);
      });
    }

    it("refuses what is no text, and too many rows", async () => {
      const bytes = Uint8Array.of(0xff, 0xfe, 0x00);
      await failing("VALIDATION", () => addFirmwareFile(repository, TENANT, bytes, "admin"));
      const rows = Array.from({ length: 5001 }, (_, i) => `a;${i};${URL}`);
      await failing("TOO_LARGE", () => file("name;version;url", ...rows));
    });
  });
});
