import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readDecoderPackage } from "@mooring/sdk";
import { assert } from "chai";
import { runCli } from "../../src/cli/cli.ts";
import { type CliCall, CliError, EXIT } from "../../src/cli/command.ts";
import { packTested } from "../../src/cli/decoder/pack.ts";
import { bundleWithMap } from "../../src/pack/bundle.ts";
import { createFakeHost, createFakeIo } from "./fake-host.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));

/** Each `decoder test` starts sandbox processes of its own. */
describe("cli: decoder create, test, pack, keygen", function () {
  this.timeout(30_000);
  let parent: string;
  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), "mooring-cli-"));
  });
  afterEach(() => rmSync(parent, { recursive: true }));
  const at = (...names: string[]): string => join(parent, ...names);

  async function run(...argv: string[]) {
    const { io, output, errors } = createFakeIo(createFakeHost());
    return { code: await runCli(["decoder", ...argv], io), output: output(), errors: errors() };
  }
  const edit = (file: string, from: string, to: string): void => {
    const before = readFileSync(file, "utf8");
    assert.include(before, from);
    writeFileSync(file, before.replace(from, to));
  };

  for (const template of ["typescript", "javascript", "chirpstack"]) {
    it(`a decoder from the template ${template} passes its vectors and packs`, async () => {
      const created = await run("create", at("Acme Meter_2"), "-t", template);
      assert.equal(created.code, EXIT.ok, created.errors);
      assert.match(created.output, /Next: cd .*\n {6}npx mooring decoder test\n$/);
      const tested = await run("test", at("Acme Meter_2"));
      assert.equal(tested.code, EXIT.ok, tested.output);
      assert.match(tested.output, /^acme-meter-2 0\.1\.0, in the sandbox( and directly)?:\n {2}ok {4}230\.1 V/);
      assert.match(tested.output, /2 passed, 0 failed, in \d+ ms\nNext: npx mooring decoder pack/);
      const packed = await run("pack", at("Acme Meter_2"), "-o", at("p.json"));
      assert.equal(packed.code, EXIT.ok, packed.errors);
      const { manifest, vectors, readme } = readDecoderPackage(readFileSync(at("p.json")));
      assert.deepEqual([manifest.key, vectors?.length], ["acme-meter-2", 2]);
      assert.notMatch(`${readme}${JSON.stringify(manifest)}`, /__[A-Z]+__/);
    });
  }

  it("its types, and npx mooring, are those of this SDK; npm install makes the same links", async () => {
    await run("create", at("one"));
    const tsc = join(root, "node_modules/.bin/tsc");
    execFileSync(tsc, ["-p", at("one")], { encoding: "utf8" });
    edit(at("one/src/decoder.ts"), "frame.u16()", "frame.u17()");
    assert.throws(() => execFileSync(tsc, ["-p", at("one")], { encoding: "utf8", stdio: "pipe" }), /Command failed/);
    assert.isTrue(existsSync(at("one/node_modules/.bin/mooring")));
    const { devDependencies } = JSON.parse(readFileSync(at("one/package.json"), "utf8"));
    const target = join(at("one"), devDependencies["@mooring/sdk"].slice("file:".length));
    assert.equal(JSON.parse(readFileSync(join(target, "package.json"), "utf8")).name, "@mooring/sdk");
  });

  it("says what is different, member by member, what was printed, and where it threw", async () => {
    await run("create", at("one"));
    const source = at("one/src/decoder.ts");
    edit(source, "frame.i16() / 100", "frame.i16() / 10");
    edit(source, "frame.end();", 'console.log("read", volts);');
    const { code, output } = await run("test", at("one"));
    assert.equal(code, EXIT.failed);
    const lines = output.split("\n").slice(1);
    assert.deepEqual(lines.slice(0, 6), [
      "  FAIL  230.1 V and 21.5 °C",
      "        measurements[0].values[1].value",
      "          expected  21.5",
      "          actual    215",
      "        > read 230.1",
      "  ok    a frame that is cut short",
    ]);
    assert.match(output, /1 passed, 1 failed, in \d+ ms\nNext: npx mooring decoder test .* --watch runs them again/);
    edit(source, 'console.log("read", volts);', 'throw new TypeError("oops");');
    assert.include((await run("test", at("one"))).output, "        threw: TypeError: oops (src/decoder.ts:14)");
    const sandboxed = await run("test", at("one"), "--sandbox");
    assert.match(sandboxed.output, /^one 0\.1\.0, in the sandbox:\n/);
    assert.include(sandboxed.output, "threw: TypeError: oops");
    edit(source, 'throw new TypeError("oops");', "for (;;);");
    assert.include((await run("test", at("one"))).output, "        timeout: ");
  });

  it("a vector whose own result cannot be one is named", async () => {
    await run("create", at("one"), "-t", "javascript");
    edit(at("one/vectors/frames.json"), '"seriesName": "U"', '"seriesNme": "U"');
    const { code, output } = await run("test", at("one"));
    assert.equal(code, EXIT.failed);
    assert.include(
      output,
      "  FAIL  230.1 V and 21.5 °C\n        the vector's own result: measurements[0].values[0].seriesName is missing\n  ok  ",
    );
  });

  it("tells the sandbox from what Node would allow, and a decoder that keeps something", async () => {
    await run("create", at("one"), "-t", "javascript");
    const source = at("one/src/decoder.js");
    edit(source, "frame.end();", 'if (typeof process === "object") throw new TypeError("Node is here");');
    const { output } = await run("test", at("one"));
    assert.include(output, "in the sandbox: as expected\n        directly:\n          threw: TypeError: Node is here");
    writeFileSync(source, "let n = 0; export default { decode: () => ({ success: true, message: String(n++) }) };");
    assert.include((await run("test", at("one"))).output, "a decoder must not keep anything");
  });

  it("bad input names file, field and rule", async () => {
    await run("create", at("one"));
    const cases: [string[], number, RegExp][] = [
      [["create", at("one")], EXIT.usage, /one is not empty: .* is there already/],
      [["create", at("two"), "-t", "rust"], EXIT.usage, /--template "rust" is none of typescript, javascript/],
      [["create", at("two"), "--key", "Ä"], EXIT.failed, /^key must match pattern/],
      [
        ["test", at("none")],
        EXIT.usage,
        /none is no decoder's folder: there is no manifest\.json in it\nnpx mooring decoder create/,
      ],
      [["pack", at("one"), "--key", at("no.pem")], EXIT.usage, /--key .*no\.pem: ENOENT/],
      [["sell"], EXIT.usage, /^"decoder sell" is no command of mooring\n/],
    ];
    for (const [argv, code, errors] of cases) {
      const ran = await run(...argv);
      assert.equal(ran.code, code, ran.errors);
      assert.match(ran.errors, errors);
    }
    const broken: [string, string, RegExp][] = [
      ["manifest.json", '{ "key": "one", "name": "One" }', /manifest\.json: version is missing/],
      [
        "vectors/frames.json",
        '{ "name": "a", "value": "0", "result": {} }',
        /vector file frames\.json: value must be bytes/,
      ],
      ["src/decoder.ts", "export default {", /src\/decoder\.ts:1: /],
      ["src/decoder.ts", "export const decode = 1;", /no default export/],
    ];
    for (const [name, content, errors] of broken) {
      const file = at("one", name);
      const before = readFileSync(file, "utf8");
      writeFileSync(file, content);
      const ran = await run("test", at("one"));
      assert.equal(ran.code, EXIT.failed);
      assert.match(ran.errors, errors);
      writeFileSync(file, before);
    }
  });

  it("a key signs the package; it is its owner's alone and never written over", async () => {
    const made = await run("keygen", at("mine.pem"));
    assert.equal(made.code, EXIT.ok);
    const [, publicKey] = /public key: (\S+)/.exec(made.output)!;
    assert.equal(statSync(at("mine.pem")).mode & 0o777, 0o600);
    assert.match((await run("keygen", at("mine.pem"))).errors, /is there already/);
    await run("create", at("one"));
    const { output } = await run("pack", at("one"), "--key", at("mine.pem"), "-o", at("p.json"));
    assert.include(output, `signed with ${publicKey}`);
    assert.equal(readDecoderPackage(readFileSync(at("p.json"))).signature?.publicKey, publicKey);
  });

  it("pack bundles the source once, for its vectors and for the package, and knows the line of what was thrown", async () => {
    await run("create", at("one"));
    const { io } = createFakeIo(createFakeHost());
    const call: CliCall = {
      args: [at("one")],
      text: () => undefined,
      texts: () => [],
      flag: () => false,
      connect: () => assert.fail("no host is asked"),
      io,
    };
    const bundled: string[] = [];
    const packed = () =>
      packTested(at("one"), call, "not packed", file => {
        bundled.push(file);
        return bundleWithMap(file);
      });
    assert.equal((await packed()).manifest.key, "one");
    assert.deepEqual(bundled.splice(0), [at("one/src/decoder.ts")]);
    edit(at("one/src/decoder.ts"), "frame.end();", 'throw new TypeError("oops");');
    const failure = await packed().catch((error: unknown) => error);
    assert.instanceOf(failure, CliError);
    assert.include((failure as CliError).message, "        threw: TypeError: oops (src/decoder.ts:14)");
    assert.deepEqual(bundled, [at("one/src/decoder.ts")]);
  });

  it("pack runs the vectors first: what fails is told as by test, with its exit code, and nothing is written", async () => {
    await run("create", at("one"));
    const good = await run("pack", at("one"), "-o", at("p.json"));
    assert.equal(good.errors, "one 0.1.0: 2 vectors passed\n");
    rmSync(at("p.json"));
    edit(at("one/src/decoder.ts"), "frame.i16() / 100", "frame.i16() / 10");
    const tested = await run("test", at("one"));
    const packed = await run("pack", at("one"), "-o", at("p.json"));
    const told = (text: string) => text.slice(0, text.indexOf(" failed, in"));
    assert.include(told(tested.output), "FAIL  230.1 V and 21.5 °C");
    assert.deepEqual([packed.code, packed.output], [tested.code, ""]);
    assert.equal(told(packed.errors), told(tested.output));
    assert.match(
      packed.errors,
      /ms\nnot packed: --no-test leaves the vectors out\nNext: npx mooring decoder test .* --watch runs them again/,
    );
    assert.isFalse(existsSync(at("p.json")));
    assert.equal((await run("pack", at("one"), "-o", at("p.json"), "--no-test")).errors, "");
    rmSync(at("one/vectors"), { recursive: true });
    const without = await run("pack", at("one"), "-o", at("p.json"));
    assert.deepInclude(without, { code: EXIT.ok, errors: "there are no vectors: nothing is tested\n" });
    assert.match(without.output, /, 0 vectors, not signed\n/);
  });

  it("--module writes what a service imports", async () => {
    await run("create", at("one"));
    await run("pack", at("one"), "--module", at("dist/decoder.js"));
    assert.deepEqual(readdirSync(at("dist")), ["decoder.js"]);
    writeFileSync(at("dist/package.json"), '{ "type": "module" }');
    const { default: decoder } = await import(at("dist/decoder.js"));
    assert.deepEqual(decoder.decode({ value: new Uint8Array([8, 0xfd, 0, 0]) }).measurements[0].values[0].value, 230.1);
  });
});
