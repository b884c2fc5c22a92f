/** The life of operations beside their commands (agent specification 10.2): lines, limits, starvation, deletion, deliveries. */
import { assert } from "chai";
import { LINE_FRAGMENT } from "../../src/agent/command-operation.ts";
import { MooringError } from "../../src/base/errors.ts";
import type { Fragments, Operation } from "../../src/platform/platform.ts";
import { OPERATIONS } from "../../src/store/collections/platform.ts";
import type { Answer, Asked } from "../lwm2m/support/scripted-device.ts";
import { TENANT } from "./support/agent-world.ts";
import { openShellWorld, type ShellWorld } from "./support/shell-world.ts";

const HOUR_MS = 3_600_000;

describe("agent: the life of operations (agent specification 10.2)", () => {
  let shell: ShellWorld;
  afterEach(() => shell.world[Symbol.asyncDispose]());

  const value = ({ method }: Asked): Answer =>
    method === "GET" ? { code: 69, contentFormat: 0, payload: "5" } : { code: 68 };
  async function open(...options: Parameters<typeof openShellWorld>) {
    shell = await openShellWorld(...options);
    shell.device.script = value;
  }
  async function all(): Promise<readonly Operation[]> {
    const { world, deviceId } = shell;
    const page = { currentPage: 1, pageSize: 2000, withTotal: false };
    return (await world.wait(world.platform.operations.list(TENANT, { deviceId }, page))).items;
  }
  const create = async (fragments: Fragments): Promise<string> => {
    const { world, deviceId } = shell;
    const { id } = await world.wait(world.platform.operations.create(TENANT, { deviceId, ...fragments }));
    await world.settle();
    return id;
  };

  describe("several lines", () => {
    it("become operations of their own, in order, and the operation is SUCCESSFUL when they are there", async () => {
      await open();
      const { status, result } = await shell.run("\n  read /3/0/1 \r\n\n\t\nwrite /3/0/15 x\n read /3/0/2\n");
      const [, ...lines] = await all();
      assert.equal(status, "SUCCESSFUL");
      assert.equal(result, `3 operations\n${JSON.stringify({ operations: lines.map(({ id }) => id) })}`);
      assert.deepEqual(
        lines.map(({ status, fragments }) => [status, fragments["description"], fragments["c8y_Command"]]),
        ["read /3/0/1", "write /3/0/15 x", "read /3/0/2"].map(text => [
          "PENDING",
          `Execute shell command: ${text}`,
          { text },
        ]),
      );
      await shell.register();
      assert.deepEqual(shell.paths(), ["GET /3/0/1", "PUT /3/0/15", "GET /3/0/2"]);
    });

    it("stand where the operation stood: what was created after it comes after them", async () => {
      await open();
      const { world } = shell;
      const before = await shell.command("read /3/0/0");
      // Created at once, so that the later one is there before the lines are.
      const lines = world.platform.operations.create(TENANT, {
        deviceId: shell.deviceId,
        c8y_Command: { text: "read /3/0/1\nread /3/0/2" },
      });
      const later = shell.command("read /3/0/3");
      await world.wait(Promise.all([lines, later]));
      await shell.register();
      assert.deepEqual(shell.paths(), ["GET /3/0/0", "GET /3/0/1", "GET /3/0/2", "GET /3/0/3"]);
      assert.deepEqual(await shell.statuses([before, await later]), ["SUCCESSFUL", "SUCCESSFUL"]);
    });

    it("keep that place over a restart", async () => {
      await open();
      const { world } = shell;
      const body = { deviceId: shell.deviceId, c8y_Command: { text: "read /3/0/1\nread /3/0/2" } };
      const lines = world.platform.operations.create(TENANT, body);
      await world.wait(Promise.all([lines, shell.command("read /3/0/3")]));
      await world.settle();
      await world.restart("crash");
      await shell.register();
      assert.deepEqual(shell.paths(), ["GET /3/0/1", "GET /3/0/2", "GET /3/0/3"]);
    });

    it("bad input: one line that is no command fails them all, named and pointed at, and nothing is made or sent", async () => {
      await open();
      await shell.register();
      const { status, failureReason, result } = await shell.run("read /3/0/1\nreed /3\nread /x");
      assert.equal(status, "FAILED");
      assert.match(failureReason!, /^line 2: "reed" is no command .*\(and 1 more\); nothing was executed$/);
      assert.include(result!, "line 2:\nreed /3\n^^^^\n");
      assert.include(result!, "line 3:\nread /x\n     ^^\n");
      assert.lengthOf(await all(), 1);
      assert.isEmpty(shell.device.asked);
    });

    it("an operation of one line among empty ones is that command", async () => {
      await open();
      await shell.register();
      assert.equal((await shell.run("\n\n read /3/0/1 \n")).status, "SUCCESSFUL");
      assert.lengthOf(await all(), 1);
    });

    it("a host that died before all lines were made makes those that are missing, and none twice", async () => {
      await open();
      const text = "read /3/0/1\nread /3/0/2\nread /3/0/3";
      await shell.command(text);
      await shell.world.settle();
      const [parent, first] = (await all()) as [Operation, Operation];
      const { store } = shell.world;
      // As a kill would have left it.
      await shell.world.wait(
        store.collection(OPERATIONS).deleteMany({ deviceId: shell.deviceId, _id: { $gt: first.id } }),
      );
      await shell.world.wait(
        store
          .collection(OPERATIONS)
          .updateOne({ _id: parent.id }, { $set: { status: "PENDING" }, $unset: { custom: true } }),
      );
      await shell.world.wait(
        store.collection(OPERATIONS).updateOne({ _id: parent.id }, { $set: { custom: { c8y_Command: { text } } } }),
      );
      await shell.world.restart("crash");
      await shell.world.settle();
      await shell.register();
      assert.deepEqual(shell.paths(), ["GET /3/0/1", "GET /3/0/2", "GET /3/0/3"]);
      assert.equal((await shell.shown(parent.id)).status, "SUCCESSFUL");
    });

    it("a store that does not take them is asked again; what came later waits", async () => {
      await open();
      await shell.register();
      const { operations } = shell.world.platform;
      const make = operations.create;
      let refusals = 0;
      operations.create = async (tenant, body) => {
        const { [LINE_FRAGMENT]: of } = body as Fragments;
        if ((of as { line?: number } | undefined)?.line === 2 && refusals++ === 0) {
          throw new MooringError("STORE_FULL", "too much waits");
        }
        return make(tenant, body);
      };
      await shell.command("read /3/0/1\nread /3/0/2");
      const later = await shell.command("read /3/0/3");
      await shell.world.settle();
      assert.equal((await shell.shown(later)).status, "PENDING");
      await shell.world.clock.advance(11_000);
      await shell.world.settle();
      assert.deepEqual(shell.paths(), ["GET /3/0/1", "GET /3/0/2", "GET /3/0/3"]);
      assert.equal(refusals, 2);
    });
  });

  it("an operation without a command text fails at once; deliveryType and other fragments are tolerated and kept", async () => {
    await open();
    for (const fragments of [
      { c8y_Restart: {} },
      { c8y_Command: {} },
      { c8y_Command: "read /3" },
      { c8y_Command: { text: 5 } },
    ]) {
      const { status, failureReason } = await shell.shown(await create(fragments));
      assert.deepEqual([status, failureReason], ["FAILED", "the operation has no command (c8y_Command.text)"]);
    }
    await shell.register();
    const id = await create({ c8y_Command: { text: "read /3/0/1", more: 1 }, deliveryType: "SMS" });
    const { status, fragments } = await shell.world.operation(id);
    assert.equal(status, "SUCCESSFUL");
    assert.equal(fragments["deliveryType"], "SMS");
    assert.deepInclude(fragments["c8y_Command"], { text: "read /3/0/1", more: 1 });
    await shell.run("read /3/0/1\nread /3/0/2");
    const lines = await create({ c8y_Command: { text: "read /3/0/1\nread /3/0/2" }, deliveryType: "SMS" });
    assert.isTrue(
      (await all())
        .filter(({ id }) => Number(id) > Number(lines))
        .every(each => each.fragments["deliveryType"] === "SMS"),
    );
  });

  describe("the limit of what may wait for one device", () => {
    it("a further operation fails with the reason, lines count each, and room comes back", async () => {
      await open({}, { agent: { maxWaiting: 3 } });
      const ids = [await shell.command("read /3/0/0"), await shell.command("read /3/0/1")];
      await shell.world.settle();
      const tooMany = await shell.run("read /3/0/2\nread /3/0/3");
      assert.deepEqual(
        [tooMany.status, tooMany.failureReason],
        ["FAILED", "2 operations wait for the device already, 3 may"],
      );
      ids.push(await shell.command("read /3/0/2"));
      assert.equal((await shell.run("read /3/0/3")).status, "FAILED");
      await shell.register();
      assert.deepEqual(await shell.statuses(ids), ["SUCCESSFUL", "SUCCESSFUL", "SUCCESSFUL"]);
      assert.equal((await shell.run("read /3/0/3")).status, "SUCCESSFUL");
      const lines = Array.from({ length: 3 }, (_, i) => `read /3/0/${i}`).join("\n");
      assert.equal((await shell.run(lines)).status, "SUCCESSFUL");
      assert.deepEqual(shell.paths().slice(-3), ["GET /3/0/0", "GET /3/0/1", "GET /3/0/2"]);
    });

    it("of two devices one does not use up the other's", async () => {
      await open({}, { agent: { maxWaiting: 1 } });
      const other = await shell.world.make("other");
      await shell.command("read /3/0/0");
      const { id } = await shell.world.command(other.id, "read /3/0/0");
      await shell.world.settle();
      assert.equal((await shell.shown(id)).status, "PENDING");
    });
  });

  describe("starvation", () => {
    const age = (id: string, hours: number) =>
      shell.world.wait(
        shell.world.store.collection(OPERATIONS).updateOne(
          { _id: id },
          {
            $set: {
              status: "EXECUTING",
              creationTime: shell.world.clock.now() - hours * HOUR_MS,
              lastUpdated: shell.world.clock.now() - hours * HOUR_MS,
            },
          },
        ),
      );
    const states = async (ids: readonly string[]) => {
      await shell.world.clock.advance(24 * HOUR_MS);
      await shell.world.settle();
      return shell.statuses(ids);
    };

    it("what is EXECUTING for more than 48 hours fails at the daily look, nothing else does", async () => {
      await open();
      const foreign = await shell.world.platform.inventory.create(TENANT, { name: "other" }, { owner: "admin" });
      const ids = [
        await shell.command("read /3/0/0"),
        await shell.command("read /3/0/1"),
        await shell.command("read /3/0/2"),
      ];
      const other = (await shell.world.command(foreign.id, "read /3/0/0")).id;
      await age(ids[0]!, 49);
      await age(ids[1]!, 5);
      await age(other, 49);
      assert.deepEqual(await states([...ids, other]), ["FAILED", "EXECUTING", "PENDING", "EXECUTING"]);
      const { failureReason } = await shell.shown(ids[0]!);
      assert.equal(failureReason, "the operation is EXECUTING for more than 48 hours");
    });

    it("can be switched off", async () => {
      await open({}, { agent: { failStarved: false } });
      const id = await shell.command("read /3/0/0");
      await age(id, 100);
      assert.deepEqual(await states([id]), ["EXECUTING"]);
    });
  });

  describe("deletion", () => {
    const removeAll = async () => {
      const { world, deviceId } = shell;
      await world.wait(world.platform.operations.deleteMatching(TENANT, { deviceId }));
      await world.settle();
    };

    it("ends the request of the one that runs, and the next one goes on at once", async () => {
      await open();
      await shell.register();
      shell.device.script = () => "ack";
      await shell.command("read /3/0/0");
      await shell.command("read /3/0/1");
      await shell.world.settle();
      await removeAll();
      assert.equal(shell.world.agent.figures.operationsWaiting, 0);
      shell.device.script = value;
      assert.equal((await shell.run("read /3/0/2")).status, "SUCCESSFUL");
      assert.deepEqual(shell.paths(), ["GET /3/0/0", "GET /3/0/2"]);
      assert.isEmpty(shell.world.log.lines.filter(({ level }) => level === "error"));
    });

    it("so does an end that somebody else gives it; nothing more is written of it", async () => {
      await open();
      await shell.register();
      shell.device.script = () => "ack";
      const ids = [
        await shell.command("read /3/0/0"),
        await shell.command("read /3/0/1"),
        await shell.command("read /3/0/2"),
      ];
      await shell.world.settle();
      shell.device.script = value;
      for (const id of [ids[1]!, ids[0]!]) {
        await shell.world.wait(
          shell.world.platform.operations.update(TENANT, id, { status: "FAILED", failureReason: "not wanted" }),
        );
      }
      await shell.world.settle();
      assert.deepEqual(await shell.statuses(ids), ["FAILED", "FAILED", "SUCCESSFUL"]);
      assert.equal((await shell.shown(ids[0]!)).failureReason, "not wanted");
      assert.deepEqual(shell.paths(), ["GET /3/0/0", "GET /3/0/2"]);
      assert.equal(shell.world.agent.figures.operationsWaiting, 0);
    });

    it("of what waits leaves the rest and the number that may run", async () => {
      await open({}, { agent: { maxPending: 2 } });
      await shell.command("read /3/0/0");
      await shell.world.settle();
      await removeAll();
      const ids = [
        await shell.command("read /3/0/1"),
        await shell.command("read /3/0/2"),
        await shell.command("read /3/0/3"),
      ];
      await shell.register();
      assert.deepEqual(await shell.statuses(ids), ["SUCCESSFUL", "SUCCESSFUL", "PENDING"]);
    });
  });

  describe("deliveries", () => {
    /** Answers a repetition as it answered before, as CoAP endpoints do (RFC 7252 section 4.2). */
    function rememberingDevice(answer: (asked: Asked) => Answer | undefined) {
      const known = new Map<number, Answer | undefined>();
      let done = 0;
      shell.device.script = asked => {
        if (!known.has(asked.messageId)) {
          done++;
          known.set(asked.messageId, answer(asked));
        }
        return known.get(asked.messageId);
      };
      return {
        get done() {
          return done;
        },
        answerAll: () => {
          for (const id of known.keys()) known.set(id, { code: 68 });
        },
      };
    }
    const names = () =>
      new Set(shell.device.asked.map(({ messageId, token }) => `${messageId} ${Buffer.from(token).toString("hex")}`));

    it("an operation whose answer was lost is delivered again under the same names: the device does it once", async () => {
      await open({ lwm2mRequestTimeout: 10_000 });
      const location = await shell.register();
      const device = rememberingDevice(() => undefined);
      const id = await shell.command("execute /3/0/4");
      await shell.world.clock.advance(11_000);
      assert.equal((await shell.shown(id)).status, "PENDING");
      device.answerAll();
      await shell.device.send("POST", `/rd/${location}`);
      await shell.world.settle();
      assert.deepEqual(await shell.shown(id), {
        status: "SUCCESSFUL",
        failureReason: undefined,
        result: "2.04 Changed",
      });
      assert.equal(device.done, 1);
      assert.equal(names().size, 1);
    });

    it("so it is by a host that was killed after the device had done it; the next operation has names of its own", async () => {
      await open();
      await shell.register();
      const device = rememberingDevice(() => undefined);
      const id = await shell.command("execute /3/0/4");
      await shell.world.settle();
      assert.equal((await shell.shown(id)).status, "EXECUTING");
      await shell.world.restart("crash");
      device.answerAll();
      await shell.world.settle();
      await shell.world.clock.advance(4000);
      assert.equal((await shell.shown(id)).status, "SUCCESSFUL");
      assert.equal(device.done, 1);
      assert.isUndefined((await shell.world.operation(id)).details);
      rememberingDevice(() => ({ code: 68 }));
      await shell.run("execute /3/0/5");
      assert.equal(names().size, 2);
    });

    it("after EXCHANGE_LIFETIME the device has forgotten: new names, and it does it again", async () => {
      await open({ lwm2mRequestTimeout: 10_000 });
      const location = await shell.register();
      const device = rememberingDevice(() => undefined);
      await shell.command("execute /3/0/4");
      await shell.world.clock.advance(250_000);
      await shell.device.send("POST", `/rd/${location}`);
      await shell.world.settle();
      assert.equal(device.done, 2);
      assert.equal(names().size, 2);
    });

    it("a second request of the same operation is repeated under its own names", async () => {
      await open();
      await shell.register();
      // The first format is refused, the second is not answered.
      const device = rememberingDevice(({ accept }) => (accept === 11542 ? { code: 134 } : undefined));
      const id = await shell.command("read /3/0/1");
      await shell.world.settle();
      assert.equal(device.done, 2);
      await shell.world.restart("crash");
      await shell.world.settle();
      await shell.world.clock.advance(4000);
      assert.equal(device.done, 2);
      assert.equal(names().size, 2);
      assert.equal((await shell.shown(id)).status, "EXECUTING");
    });

    it("nothing of it is seen in the operation", async () => {
      await open();
      await shell.register();
      shell.device.script = () => undefined;
      const id = await shell.command("read /3/0/1");
      await shell.world.settle();
      const { fragments, details } = await shell.world.operation(id);
      assert.deepEqual(fragments, { c8y_Command: { text: "read /3/0/1" } });
      assert.hasAllKeys(details!["delivery"], ["messageId", "token", "sinceMs"]);
    });

    it("an operation whose end could not be stored is not lost: it is delivered again and the device repeats its answer", async () => {
      await open();
      const location = await shell.register();
      const device = rememberingDevice(() => ({ code: 68 }));
      const { operations } = shell.world.platform;
      const update = operations.update;
      operations.update = async (tenant, id, changes, details) => {
        if (changes["status"] === "SUCCESSFUL" || changes["status"] === "FAILED") {
          throw new MooringError("STORE_FULL", "too much waits");
        }
        return update(tenant, id, changes, details);
      };
      const id = await shell.command("execute /3/0/4");
      await shell.world.clock.advance(60_000);
      operations.update = update;
      await shell.device.send("POST", `/rd/${location}`);
      await shell.world.settle();
      assert.equal((await shell.shown(id)).status, "SUCCESSFUL");
      assert.equal(device.done, 1);
    });
  });

  describe("order", () => {
    it("an operation that a sleeping device did not answer stays before those after it", async () => {
      await open({ awakeTimeRegistrationParameter: 1000, lwm2mRequestTimeout: 10_000 });
      const location = await shell.register();
      shell.device.script = () => undefined;
      const ids = [await shell.command("read /3/0/1"), await shell.command("read /3/0/2")];
      await shell.world.clock.advance(20_000);
      assert.deepEqual(await shell.statuses(ids), ["PENDING", "PENDING"]);
      shell.device.asked.splice(0);
      shell.device.script = value;
      await shell.device.send("POST", `/rd/${location}`);
      await shell.world.settle();
      assert.deepEqual(shell.paths(), ["GET /3/0/1", "GET /3/0/2"]);
    });

    it("a device in queue mode that registers anew gets what follows a registration before what waits for it", async () => {
      await open({ awakeTimeRegistrationParameter: 1000 });
      const { world } = shell;
      await world.wait(world.agent.setPostRegistrationOptions(TENANT, { commands: "read /3/0/9" }));
      await shell.register();
      await world.clock.advance(5000);
      await shell.command("read /3/0/1");
      await world.settle();
      shell.device.asked.splice(0);
      await shell.register();
      assert.deepEqual(shell.paths(), ["GET /3/0/9", "GET /3/0/1"]);
    });

    it("a request that a device slept through goes again when it is heard, without waiting for its time", async () => {
      await open({ awakeTimeRegistrationParameter: 1000 });
      const location = await shell.register();
      shell.device.script = () => undefined;
      const id = await shell.command("read /3/0/1");
      // Sent at 0, 2, 6, 14 and 30 s, more or less; the next one is due at about 62 s.
      await shell.world.clock.advance(50_000);
      shell.device.script = value;
      await shell.device.send("POST", `/rd/${location}`);
      await shell.world.settle();
      assert.equal((await shell.shown(id)).status, "SUCCESSFUL");
    });
  });

  it("20-18: each message of the device keeps it awake: operations are delivered past its first window, with nothing to be renewed", async () => {
    await open({ awakeTimeRegistrationParameter: 1000 });
    await shell.register();
    for (let i = 0; i < 5; i++) {
      await shell.world.clock.advance(900);
      assert.equal((await shell.run(`read /3/0/${i}`)).status, "SUCCESSFUL");
    }
    await shell.world.clock.advance(1100);
    assert.equal((await shell.run("read /3/0/5")).status, "PENDING");
  });
});
