/** The NAT proxy of the tests, against a server that sends everything back with the port that it came from. */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { assert } from "chai";
import { eventually } from "../harness/eventually.ts";
import { type NatProxy, type NatProxyOptions, openNatProxy } from "../harness/nat-proxy.ts";

async function openSocket(): Promise<Socket> {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return socket;
}

describe("harness/nat-proxy", () => {
  let server: Socket;
  let device: Socket;
  let proxy: NatProxy;
  let answers: string[];
  const seenPorts = new Set<number>();

  const open = async (options: Omit<NatProxyOptions, "serverPort"> = {}): Promise<void> => {
    proxy = await openNatProxy({ serverPort: server.address().port, ...options });
  };
  const send = (text: string): void => void device.send(text, proxy.port, "127.0.0.1");
  const answered = (count: number): Promise<true> =>
    eventually(() => {
      assert.lengthOf(answers, count);
      return true as const;
    });
  const passedToServer = (count: number): Promise<true> =>
    eventually(() => {
      assert.equal(proxy.counters.toServer, count);
      return true as const;
    });

  beforeEach(async () => {
    answers = [];
    seenPorts.clear();
    server = await openSocket();
    server.on("message", (bytes, { port }) => {
      seenPorts.add(port);
      server.send(bytes, port, "127.0.0.1");
    });
    device = await openSocket();
    device.on("message", bytes => void answers.push(bytes.toString()));
  });
  afterEach(async () => {
    await proxy.close();
    server.close();
    device.close();
  });

  it("carries both ways and keeps what passed, with its time", async () => {
    await open();
    for (const text of ["a", "b"]) send(text);
    await answered(2);
    const texts = (direction: string): string[] =>
      proxy.passed.filter(each => each.direction === direction).map(each => each.bytes.toString());
    assert.deepEqual(
      [texts("toServer"), texts("toDevice")],
      [
        ["a", "b"],
        ["a", "b"],
      ],
    );
    assert.isTrue(proxy.passed.every(each => each.devicePort === device.address().port && each.atMs >= 0));
  });

  it("shows the server another port after each rebinding", async () => {
    await open();
    send("a");
    await answered(1);
    await proxy.rebind();
    send("b");
    await answered(2);
    assert.equal(seenPorts.size, 2);
    assert.isTrue(seenPorts.has(proxy.ports.get(device.address().port)!));
  });

  it("rebinds by itself", async () => {
    await open({ rebindEveryMs: 20 });
    send("a");
    // An answer may meet a port that has just gone; the next one does not.
    await eventually(() => {
      send("b");
      return answers.includes("b") && seenPorts.size >= 3 ? true : undefined;
    });
    assert.isAtLeast(proxy.counters.rebinds, 2);
  });

  it("loses exactly one of four in each direction", async () => {
    await open({ faults: { losesOneOf: 4 } });
    for (let count = 1; count <= 16; count++) {
      send(String(count));
      await passedToServer(count);
    }
    await answered(9);
    assert.equal(proxy.counters.lost, 4 + 3);
  });

  it("loses, repeats and delays by chance", async () => {
    await open({ faults: { loss: 1 } });
    send("a");
    await passedToServer(1);
    assert.equal(proxy.counters.lost, 1);
    proxy.setFaults({ duplication: 1, delayMs: [1, 5] });
    send("b");
    await answered(4);
    assert.deepEqual(new Set(answers), new Set(["b"]));
  });

  it("sends what it kept once more, from the device's port or from a stranger's", async () => {
    await open();
    send("a");
    await answered(1);
    await proxy.replay(proxy.passed[0]!);
    await answered(2);
    await proxy.replay(proxy.passed[0]!, "stranger");
    await eventually(() => (seenPorts.size === 2 ? true : undefined));
  });
});
