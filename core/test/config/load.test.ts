import { assert } from "chai";
import { MooringError } from "../../src/base/errors.ts";
import type { EndpointLimits } from "../../src/coap/endpoint.ts";
import { DEFAULT_TRANSMISSION, type TransmissionParameters } from "../../src/coap/transmission.ts";
import { type ConfigSources, loadConfig } from "../../src/config/load.ts";
import { NAMED_OPTIONS } from "../../src/config/names.ts";
import { checkValue } from "../../src/config/option.ts";
import type { Config } from "../../src/config/schema.ts";
import type { RequestLimits } from "../../src/lwm2m/operations/exchange.ts";
import type { FollowAddress } from "../../src/lwm2m/registration/update.ts";

interface Given extends Partial<ConfigSources> {
  readonly file?: unknown;
}

function sources({ argv = [], env = {}, file }: Given): ConfigSources {
  const text = typeof file === "string" ? file : JSON.stringify(file);
  return {
    argv: file === undefined ? argv : ["--config", "mooring.json", ...argv],
    env,
    readText: path => {
      assert.equal(path, "mooring.json");
      return text;
    },
  };
}

function load(given: Given): Config {
  const loaded = loadConfig(sources(given));
  if (loaded.kind !== "config") throw new MooringError("CONFIG_INVALID", "help instead of a config");
  return loaded.config;
}

function refusal(given: Given): MooringError {
  try {
    loadConfig(sources(given));
  } catch (error) {
    assert.instanceOf(error, MooringError);
    const refused = error as MooringError;
    assert.equal(refused.code, "CONFIG_INVALID");
    return refused;
  }
  return assert.fail("was accepted");
}

describe("config/load: defaults", () => {
  it("every default keeps its own rule", () => {
    for (const { key, option } of NAMED_OPTIONS) {
      if (option.default !== undefined) assert.property(checkValue(option, option.default), "value", key);
    }
  });

  it("names of environment, file and arguments are unique", () => {
    const names = NAMED_OPTIONS.flatMap(({ key, environment }) => [key, environment]);
    assert.equal(new Set(names).size, names.length);
    const agent = NAMED_OPTIONS.flatMap(({ option }) => option.agent ?? []);
    assert.equal(new Set(agent).size, agent.length);
  });

  it("the names fixed for everyone exist with their defaults", () => {
    const fixed: Readonly<Record<string, unknown>> = {
      MOORING_HTTP_PORT: 8068,
      MOORING_HTTP_HOST: "127.0.0.1",
      MOORING_BOOTSTRAP_COAP_PORT: 5683,
      MOORING_BOOTSTRAP_COAPS_PORT: 5684,
      MOORING_COAP_PORT: 5783,
      MOORING_COAPS_PORT: 5784,
      MOORING_COAP_HOST: "0.0.0.0",
      MOORING_FIRMWARE_HTTP_PORT: 8773,
      MOORING_FIRMWARE_ADDRESS: "127.0.0.1",
      MOORING_DATA_DIR: "./data",
      MOORING_STORE: "sqlite",
      MOORING_TENANT: "t1",
      MOORING_ADMIN_USER: "admin",
      MOORING_ADMIN_PASSWORD: undefined,
    };
    for (const [name, value] of Object.entries(fixed)) {
      const named = NAMED_OPTIONS.find(({ environment }) => environment === name);
      assert.isDefined(named, name);
      assert.equal(named?.option.default, value, name);
    }
  });

  it("groups fit the parts that they are for (RFC 7252 section 4.8)", () => {
    const config = load({});
    const limits: EndpointLimits = config.coap;
    const transmission: TransmissionParameters = config.transmission;
    const requests: RequestLimits = config.operations;
    const follow: FollowAddress = config.registration.followAddress;
    assert.equal(follow, "same-ip");
    assert.equal(requests.requestTimeoutMs, 180_000);
    assert.isAbove(limits.maxBodyBytes, 0);
    assert.deepEqual(transmission, DEFAULT_TRANSMISSION);
  });

  for (const [host, port] of [
    ["::", "coap"],
    ["fe80::1%eth0", "coap"],
    ["::ffff:192.0.2.1", "coap"],
    ["127.0.0.1", "coap"],
    ["gateway.example.com", "http"],
  ] as const) {
    it(`${host} is a host for ${port}`, () => {
      assert.equal(load({ file: { [`${port}.host`]: host } })[port].host, host);
    });
  }

  it("is frozen throughout", () => {
    const config = load({ env: { C8Y_COAP_SECURITY_SETTINGS_IGNOREDSRCPORTS: "53,123" } });
    assert.isFrozen(config);
    for (const group of Object.values(config)) assert.isFrozen(group);
    assert.isFrozen(config.coap.ignoredSrcPorts);
    assert.deepEqual(config.coap.ignoredSrcPorts, [53, 123]);
  });
});

describe("config/load: sources", () => {
  it("file, environment, arguments: the later one wins", () => {
    const file = { http: { port: 1, host: "::1" }, "coap.port": 2, store: "mongodb://db/x" };
    const config = load({ file, env: { MOORING_HTTP_PORT: "3", MOORING_COAP_PORT: "4" }, argv: ["--coap.port", "5"] });
    assert.deepEqual([config.http.port, config.http.host, config.coap.port], [3, "::1", 5]);
    assert.equal(config.store.engine, "mongodb://db/x");
  });

  it("agent specification 19: properties in the file as they are, in the environment in upper case with _", () => {
    const file = {
      "C8Y.lwm2mRequestTimeout": 20_000,
      "californium3.properties.COAP.ACK_INIT_RANDOM": 2,
      "C8Y.lwm2m.gracePeriodOfRegistrationLifetime": 60,
    };
    const env = { C8Y_LWM2M_CLIENT_AWAKE_TIME: "5000", C8Y_LWM2MREQUESTTIMEOUT: "30000" };
    const config = load({ file, env });
    assert.equal(config.operations.requestTimeoutMs, 30_000);
    assert.equal(config.transmission.ackRandomFactor, 2);
    assert.equal(config.registration.gracePeriodSeconds, 60);
    assert.equal(config.registration.awakeTimeMs, 5000);
  });

  it("agent properties without effect are named with the reason", () => {
    const loaded = loadConfig(sources({ file: { "C8Y.coapThreadCount": 1000, "C8Y.lwm2m.hazelcast.backupCount": 4 } }));
    assert.equal(loaded.kind, "config");
    if (loaded.kind === "config") {
      assert.deepEqual(
        loaded.ignored.map(({ option }) => option),
        ["C8Y.coapThreadCount", "C8Y.lwm2m.hazelcast.backupCount"],
      );
      for (const { reason } of loaded.ignored) assert.isAbove(reason.length, 5);
    }
  });

  it("what is given and has no effect is named with the reason, wherever it comes from", () => {
    const loaded = loadConfig(
      sources({
        file: { "C8Y.baseUrl": "http://platform" },
        env: {
          C8Y_LWM2M_DECODER_PROCESSEVENTFORMONTHS: "3",
          C8Y_BOOTSTRAP_TENANT: "management",
          HOME: "/",
        },
      }),
    );
    assert.equal(loaded.kind, "config");
    if (loaded.kind !== "config") return;
    assert.deepEqual(
      loaded.ignored.map(({ option }) => option),
      ["C8Y.baseUrl", "C8Y_LWM2M_DECODER_PROCESSEVENTFORMONTHS", "C8Y_BOOTSTRAP_TENANT"],
    );
    assert.include(loaded.ignored[0]?.reason, "the same process");
  });

  for (const [argv, enabled] of [
    [["--demo"], true],
    [["--demo", "true"], true],
    [["--demo", "false"], false],
    [["--demo=true", "--http.port=1"], true],
    [[], false],
  ] as const) {
    it(`${argv.join(" ") || "no argument"}: demo is ${enabled}`, () =>
      assert.equal(load({ argv: [...argv] }).demo.enabled, enabled));
  }

  it("--help lists every option with its environment name", () => {
    const loaded = loadConfig({ argv: ["--nonsense", "--help"], env: { MOORING_NONSENSE: "1" } });
    assert.equal(loaded.kind, "help");
    if (loaded.kind !== "help") return;
    for (const { key, environment } of NAMED_OPTIONS) {
      assert.include(loaded.text, `--${key}  ${environment}`);
    }
    assert.include(loaded.text, "0 to 65535; default 5783");
  });
});

describe("config/load: refusals name option, value and rule", () => {
  const CASES: readonly [name: string, given: Given, option: string, message: RegExp][] = [
    ["Boolean is strict in the environment", { env: { MOORING_DEMO: "yes" } }, "MOORING_DEMO", /"yes" must be true or/],
    ["Boolean is strict in the file", { file: { demo: "true" } }, "demo", /"true" must be true or false/],
    ["1 is no Boolean", { file: { demo: 1 } }, "demo", /must be true or false/],
    ["number as text in the file", { file: { http: { port: "8068" } } }, "http.port", /whole number of 0 to 65535/],
    ["fraction", { env: { MOORING_HTTP_PORT: "80.5" } }, "MOORING_HTTP_PORT", /whole number/],
    ["exponent", { env: { MOORING_HTTP_PORT: "1e3" } }, "MOORING_HTTP_PORT", /whole number/],
    ["empty number", { env: { MOORING_HTTP_PORT: "" } }, "MOORING_HTTP_PORT", /whole number/],
    ["out of range", { argv: ["--http.port", "65536"] }, "--http.port", /"65536" must be a whole number of 0 to 65535/],
    ["enumeration", { env: { MOORING_LOG_LEVEL: "loud" } }, "MOORING_LOG_LEVEL", /one of debug, info, warn/],
    [
      "list",
      { env: { C8Y_COAP_SECURITY_SETTINGS_IGNOREDSRCPORTS: "53,x" } },
      "C8Y_COAP_SECURITY_SETTINGS_IGNOREDSRCPORTS",
      /whole numbers/,
    ],
    ["tenant", { env: { MOORING_TENANT: "My Tenant" } }, "MOORING_TENANT", /lower-case letters/],
    ["unknown variable", { env: { MOORING_HTTP_PRT: "1" } }, "MOORING_HTTP_PRT", /did you mean MOORING_HTTP_PORT\?/],
    ["unknown file key", { file: { http: { prot: 1 } } }, "http.prot", /did you mean http\.port\?/],
    [
      "unknown agent property",
      { file: { "C8Y.lwm2mRequestTimeut": 1 } },
      "C8Y.lwm2mRequestTimeut",
      /did you mean C8Y\.lwm2mRequestTimeout\?/,
    ],
    ["group that is no object", { file: { http: 8068 } }, "http", /is not known/],
    ["unknown argument", { argv: ["--dem"] }, "--dem", /did you mean --demo\?/],
    ["stray word", { argv: ["start"] }, "start", /is not known/],
    ["argument without value", { argv: ["--http.port"] }, "--http.port", /needs a value/],
    ["--config without path", { argv: ["--config"] }, "--config", /needs the path/],
    ["file that is no JSON", { file: "{" }, "--config", /is not JSON/],
    ["file that is a list", { file: "[]" }, "--config", /must hold a JSON object/],
    [
      "two names, two values",
      { file: { "http.port": 1, "server.port": 2 } },
      "server.port",
      /same option as http\.port/,
    ],
    [
      "request timeout outside its bounds",
      { env: { C8Y_LWM2MREQUESTTIMEOUT: "5000" } },
      "operations.requestTimeoutMs",
      /must lie between/,
    ],
    ["two servers on one port", { env: { MOORING_COAP_PORT: "5683" } }, "bootstrap.coapPort", /must differ/],
  ];
  for (const [name, given, option, message] of CASES) {
    it(name, () => {
      const error = refusal(given);
      assert.equal(error.details["option"], option);
      assert.match(error.message, message);
      assert.isString(error.details["rule"]);
    });
  }

  it("a file that cannot be read", () => {
    const readText = (): string => {
      throw new MooringError("NOT_FOUND", "no such file");
    };
    assert.throws(
      () => loadConfig({ argv: ["--config=x.json"], env: {}, readText }),
      MooringError,
      /x\.json cannot be read: no such file/,
    );
  });

  it("variables of the test programs are passed over", () => {
    assert.equal(load({ env: { MOORING_TEST_COUNTS: "/tmp/counts", PATH: "/bin" } }).http.port, 8068);
  });

  it("variables of the mooring command line are passed over", () => {
    const env = {
      MOORING_URL: "http://host",
      MOORING_USER: "t1/admin",
      MOORING_PASSWORD: "x",
      MOORING_HISTORY: "file",
    };
    assert.equal(load({ env }).admin.user, "admin");
  });

  it("two names, one value: accepted", () => {
    assert.equal(load({ file: { "http.port": 1, "server.port": 1 } }).http.port, 1);
  });

  it("all mistakes at once, a line each", () => {
    const error = refusal({ file: { nonsense: 1 }, env: { MOORING_HTTP_PORT: "x" }, argv: ["--log.level", "loud"] });
    assert.lengthOf(error.message.split("\n"), 3);
    assert.lengthOf(error.details["problems"] as unknown[], 3);
  });

  it("16.4: streaming takes the agent's names, and says what is wrong without showing what may hold a password", () => {
    const named = {
      C8Y_MQTT_MESSAGING_SERVICE_URL: "tcp://broker:1883",
      C8Y_MQTT_MESSAGING_SERVICE_ENABLEDFORTENANTS: "t1,t2",
    };
    assert.deepInclude(load({ env: named }).streaming, { mqttUrl: "tcp://broker:1883", tenants: "t1,t2" });
    for (const [name, value, rule] of [
      ["MQTT_URL", "broker:1883", /MQTT_URL must be an URL such as/],
      ["WEBHOOK_URL", "ftp://x", /WEBHOOK_URL must be an http:\/\/ or https:\/\/ URL/],
      ["WEBHOOK_URL", "https://user:pass@x/", /WEBHOOK_URL .*streaming\.webhookAuthorization/],
      ["WEBHOOK_AUTHORIZATION", "Bearer a\nb", /WEBHOOK_AUTHORIZATION must be a value for the header/],
      ["TENANTS", "t1, t2", /TENANTS = "t1, t2" must be tenants with commas/],
      ["MAX_QUEUE_BYTES", "10", /MAX_QUEUE_BYTES = .* 1024/],
    ] as const) {
      const { message } = refusal({ env: { [`MOORING_STREAMING_${name}`]: value } });
      assert.match(message, rule);
      assert.notInclude(message, "pass@");
    }
  });

  it("plugins: lists and options, from the file and from the environment; options are never shown and cannot be changed", () => {
    const options = { acme: { factor: 2, target: { password: "secret" } } };
    const packages = ["@acme/plugin", "other"];
    const given = { dir: "/opt/plugins", packages, paths: ["/srv/a", "b"], options };
    assert.deepEqual(load({ file: { plugins: given } }).plugins, given);
    const env = {
      MOORING_PLUGINS_DIR: "/opt/plugins",
      MOORING_PLUGINS_PACKAGES: "@acme/plugin, other",
      MOORING_PLUGINS_PATHS: "/srv/a,b",
      MOORING_PLUGINS_OPTIONS: JSON.stringify(options),
    };
    const loaded = load({ env }).plugins;
    assert.deepEqual(loaded, given);
    assert.isFrozen((loaded.options as typeof options).acme.target);
    assert.deepEqual(load({}).plugins, { dir: undefined, packages: [], paths: [], options: {} });
    assert.deepEqual(load({ env: { MOORING_PLUGINS_PACKAGES: "" } }).plugins.packages, []);
    const wrong = refusal({ env: { MOORING_PLUGINS_OPTIONS: '{"password": "secret"' } });
    assert.equal(wrong.message, "MOORING_PLUGINS_OPTIONS must be a JSON object");
    assert.include(
      refusal({ file: { plugins: { options: ["secret"] } } }).message,
      "plugins.options must be a JSON object",
    );
    const name = refusal({ file: { plugins: { packages: ["../x"] } } });
    assert.include(name.message, 'plugins.packages = ["../x"] must be names of npm packages');
  });

  it("a secret is never shown", () => {
    const error = refusal({ env: { MOORING_ADMIN_PASSWORD: "short", MOORING_STORE: "postgres://u:hunter2@x" } });
    assert.notInclude(error.message, "short");
    assert.notInclude(error.message, "hunter2");
    assert.notInclude(JSON.stringify(error.details), "hunter2");
  });

  it("a long value is cut", () => {
    assert.isBelow(refusal({ env: { MOORING_LOG_LEVEL: "x".repeat(10_000) } }).message.length, 300);
  });
});
