import { type ClientRequest, request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { connect } from "node:net";
import type { TLSSocket } from "node:tls";
import { assert } from "chai";
import { systemClock } from "../../src/base/clock.ts";
import { MooringError } from "../../src/base/errors.ts";
import { createRecordingLog } from "../../src/base/log.ts";
import { createSeededRandom } from "../../src/base/random.ts";
import type { ServedFirmware } from "../../src/firmware/downloads.ts";
import { type FirmwareHttpServers, openFirmwareServers } from "../../src/firmware/http-servers.ts";
import { readPrivateKey } from "../../src/x509/pem.ts";
import { failing } from "../platform/failing.ts";
import { certificate, keyPem } from "../x509/support/certificates.ts";
import { firmwareBytes } from "./support.ts";

const TOKEN = "aaaaaaaaaaaaaaaaaaaaaa";
const BYTES = firmwareBytes(300_000);
const OPTIONS = { host: "127.0.0.1", httpPort: 0, httpsPort: 0, address: "localhost", maxConnections: 10 };

interface Got {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly bytes: Uint8Array;
  readonly socket: IncomingMessage["socket"];
}

describe("firmware/http-servers", () => {
  const log = createRecordingLog();
  let servers: FirmwareHttpServers;
  let find: (token: string) => Promise<ServedFirmware | undefined>;
  let reads: string[];
  let read: ServedFirmware["read"];

  const open = (options: Partial<typeof OPTIONS> = {}): Promise<FirmwareHttpServers> =>
    openFirmwareServers({
      clock: systemClock,
      random: createSeededRandom(1),
      log,
      options: { ...OPTIONS, ...options },
    });

  beforeEach(async () => {
    reads = [];
    read = async (protocol, offset, length) => {
      reads.push(`${protocol} ${offset}`);
      return BYTES.subarray(offset, offset + length);
    };
    const served: ServedFirmware = {
      tenant: "t1",
      deviceId: "1",
      operationId: "7",
      length: BYTES.length,
      sha256: "abcdef",
      read: (...args) => read(...args),
    };
    find = async token => (token === TOKEN ? served : undefined);
    servers = await open();
    servers.start({ find: token => find(token) });
  });
  afterEach(() => servers[Symbol.asyncDispose]());

  const answerOf = (sent: ClientRequest): Promise<Got> =>
    new Promise((resolve, reject) => {
      sent.on("error", reject);
      sent.on("response", async answer => {
        const chunks: Uint8Array[] = [];
        const { statusCode: status = 0, headers, socket } = answer;
        try {
          for await (const chunk of answer) chunks.push(chunk);
          resolve({ status, headers, bytes: new Uint8Array(Buffer.concat(chunks)), socket });
        } catch (error) {
          reject(error);
        }
      });
      sent.end();
    });
  const get = (path = `/fw/${TOKEN}`, headers: Record<string, string> = {}, method = "GET"): Promise<Got> =>
    answerOf(httpRequest({ host: "127.0.0.1", port: servers.ports.http, path, headers, method, agent: false }));
  const getSecured = (ca?: string): Promise<Got> =>
    answerOf(
      httpsRequest({
        host: "127.0.0.1",
        port: servers.ports.https,
        path: `/fw/${TOKEN}`,
        servername: "localhost",
        agent: false,
        ...(ca === undefined ? { rejectUnauthorized: false } : { ca }),
      }),
    );
  const peerPem = ({ socket }: Got): string => {
    const der = (socket as TLSSocket).getPeerCertificate().raw.toString("base64");
    return `-----BEGIN CERTIFICATE-----\n${der}\n-----END CERTIFICATE-----\n`;
  };

  it("20-20: the whole over HTTP, read piece by piece", async () => {
    const { status, headers, bytes } = await get();
    assert.equal(status, 200);
    assert.deepEqual(bytes, BYTES);
    assert.equal(headers["content-length"], "300000");
    assert.equal(headers["content-type"], "application/octet-stream");
    assert.equal(headers.etag, '"abcdef"');
    assert.deepEqual(reads.slice(0, 2), ["http 0", "http 65536"]);
  });

  it("goes on in the middle, of the same bytes only", async () => {
    const part = await get(undefined, { range: "bytes=299990-", "if-range": '"abcdef"' });
    assert.deepEqual([part.status, part.headers["content-range"]], [206, "bytes 299990-299999/300000"]);
    assert.deepEqual(part.bytes, BYTES.slice(299_990));
    assert.equal((await get(undefined, { range: "bytes=0-9", "if-range": '"other"' })).status, 200);
    const past = await get(undefined, { range: "bytes=300000-" });
    assert.deepEqual([past.status, past.headers["content-range"]], [416, "bytes */300000"]);
  });

  it("HEAD tells the length and hands out nothing", async () => {
    const { status, headers, bytes } = await get(undefined, {}, "HEAD");
    assert.deepEqual([status, headers["content-length"], bytes.length, reads.length], [200, "300000", 0, 0]);
  });

  for (const [path, method, status] of [
    [`/fw/${"b".repeat(22)}`, "GET", 404],
    ["/fw/", "GET", 404],
    ["/fw", "GET", 404],
    [`/fw/${TOKEN}/`, "GET", 404],
    [`/fw/../fw/${TOKEN}`, "GET", 404],
    [`/FW/${TOKEN}`, "GET", 404],
    ["/", "GET", 404],
    ["/inventory/binaries", "GET", 404],
    ["/", "POST", 404],
    [`/fw/${TOKEN}`, "POST", 405],
    [`/fw/${TOKEN}?x=1`, "GET", 200],
  ] as const) {
    it(`${method} ${path} is ${status}`, async () => {
      assert.equal((await get(path, {}, method)).status, status);
    });
  }

  it("too many unknown tokens: 503 and when to come again; a fault tells nothing", async () => {
    find = () => Promise.reject(new MooringError("OVERLOADED", "too many"));
    const { status, headers } = await get();
    assert.deepEqual([status, headers["retry-after"]], [503, "1"]);
    find = () => Promise.reject(new TypeError("secret"));
    const fault = await get();
    assert.deepEqual([fault.status, fault.bytes.length], [500, 0]);
  });

  it("is cut where bytes cannot be read any more, so that the device sees it", async () => {
    read = async (_protocol, offset, length) => {
      if (offset > 0) throw new MooringError("NOT_FOUND", "withdrawn");
      return BYTES.subarray(offset, offset + length);
    };
    const error = await get().then(
      () => assert.fail("an answer that is whole"),
      (reason: unknown) => reason,
    );
    assert.match(String(error), /aborted|ECONNRESET|hang up/);
  });

  it("what is no HTTP ends its connection and nothing else", async () => {
    const socket = connect(servers.ports.http, "127.0.0.1");
    socket.write("\u0000\u0001 no request\r\n\r\n");
    socket.resume();
    await new Promise(resolve => socket.on("close", resolve));
    assert.equal((await get()).status, 200);
  });

  it("before it is started: 503", async () => {
    await using fresh = await open();
    const sent = httpRequest({ host: "127.0.0.1", port: fresh.ports.http, path: "/fw/x", agent: false });
    assert.equal((await answerOf(sent)).status, 503);
  });

  it("a port that is taken is said at once", async () => {
    await failing("CONFIG_INVALID", () => open({ httpsPort: servers.ports.http }));
  });

  describe("over HTTPS", () => {
    it("agent specification 2: with a certificate of its own, which a client that trusts it accepts for that name", async () => {
      const first = await getSecured();
      assert.deepEqual(first.bytes, BYTES);
      assert.equal(reads[0], "https 0");
      const trusted = await getSecured(peerPem(first));
      assert.equal(trusted.status, 200);
      assert.isTrue((trusted.socket as TLSSocket).authorized);
    });

    it("with the one that is given, from the next connection on, and back", async () => {
      const own = peerPem(await getSecured());
      const { der } = certificate("server");
      servers.useCertificate({ chain: [der], privateKey: readPrivateKey(keyPem("server")) });
      const given = await getSecured();
      assert.isTrue((given.socket as TLSSocket).getPeerCertificate().raw.equals(Buffer.from(der)));
      const refused = await getSecured(own).then(
        () => "taken",
        (error: NodeJS.ErrnoException) => error.code,
      );
      assert.notEqual(refused, "taken");
      servers.useCertificate(undefined);
      assert.equal((await getSecured(own)).status, 200);
    });

    it("TLS 1.1 is not spoken", async () => {
      const old = httpsRequest({
        host: "127.0.0.1",
        port: servers.ports.https,
        path: "/",
        maxVersion: "TLSv1.1",
        minVersion: "TLSv1",
        ciphers: "DEFAULT@SECLEVEL=0",
        rejectUnauthorized: false,
        agent: false,
      });
      const error = await answerOf(old).then(
        () => assert.fail("a connection"),
        (reason: NodeJS.ErrnoException) => reason,
      );
      assert.match(String(error.code), /SSL|TLS|EPROTO/);
    });
  });
});
