import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { assert } from "chai";
import { runCli } from "../../src/cli/cli.ts";
import { EXIT } from "../../src/cli/command.ts";
import { createFakeHost, createFakeIo } from "./fake-host.ts";

const koa = fileURLToPath(import.meta.resolve("koa/package.json")).replace(/package\.json$/, "");

describe("cli: decoder create -t service", () => {
  let folder: string;
  let server: Server;
  let url: string;
  before(async () => {
    const parent = mkdtempSync(join(tmpdir(), "mooring-service-"));
    folder = join(parent, "acme");
    const run = async (...argv: string[]): Promise<void> => {
      const { io, errors } = createFakeIo(createFakeHost());
      assert.equal(await runCli(["decoder", ...argv], io), EXIT.ok, errors());
    };
    await run("create", folder, "-t", "service");
    await run("test", folder);
    await run("pack", folder, "--module", join(folder, "service/decoder.js"));
    // What `npm install` in the folder `service` would bring.
    mkdirSync(join(folder, "service/node_modules"));
    symlinkSync(koa, join(folder, "service/node_modules/koa"), "junction");
    const { createService } = await import(join(folder, "service/server.js"));
    server = createService().listen(0, "127.0.0.1");
    await once(server, "listening");
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => {
    server?.close();
    rmSync(join(folder, ".."), { recursive: true });
  });

  async function post(body: unknown) {
    const answer = await fetch(`${url}/decode`, {
      method: "POST",
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
    return { status: answer.status, body: (await answer.json()) as { readonly message?: string } };
  }
  const request = (value: string) => ({
    args: { resourcePath: "/33456/0/123" },
    sourceDeviceId: "12345",
    serviceKey: "acme",
    value,
    status: "IN_PROGRESS",
  });

  it("agent specification 9.3: answers what its vectors say", async () => {
    const vectors = JSON.parse(readFileSync(join(folder, "vectors/frames.json"), "utf8"));
    for (const { value, result } of vectors) {
      assert.deepEqual(await post(request(value.replace(/\s/g, ""))), { status: 200, body: result });
    }
    assert.deepEqual(await (await fetch(`${url}/health`)).json(), { status: "UP" });
  });

  it("names what is wrong with a request", async () => {
    const cases: [unknown, number, RegExp][] = [
      ["{", 400, /the body is no JSON/],
      [{ ...request("0"), value: "0" }, 400, /value must be bytes in hexadecimal/],
      [{ value: "00" }, 400, /args\.resourcePath is missing/],
      ["x".repeat(300_000), 413, /larger than 262144 bytes/],
    ];
    for (const [body, status, message] of cases) {
      const answer = await post(body);
      assert.equal(answer.status, status);
      assert.match(answer.body.message!, message);
    }
    assert.equal((await fetch(`${url}/other`)).status, 404);
  });

  it("its manifest makes it a decoder (agent specification 9.1), its image has all that it imports", () => {
    const { isDecoder, name } = JSON.parse(readFileSync(join(folder, "cumulocity.json"), "utf8"));
    assert.deepEqual([name, isDecoder], ["acme", { name: "acme" }]);
    const copied = /COPY (service\/server.*) \.\//
      .exec(readFileSync(join(folder, "Dockerfile"), "utf8"))![1]!
      .split(" ");
    for (const file of copied) assert.isAbove(readFileSync(join(folder, file)).length, 0);
  });
});
