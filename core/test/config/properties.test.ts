import { assert } from "chai";
import { loadConfig } from "../../src/config/load.ts";
import { readProperties } from "../../src/config/properties.ts";

/** All properties of the agent (agent specification 19), each with a value that is not its default where it has an effect here. */
const PROPERTIES: Readonly<Record<string, string>> = {
  "C8Y.baseUrl": "http://localhost",
  "C8Y.bootstrap.password": "p",
  "C8Y.bootstrap.tenant": "management",
  "C8Y.bootstrap.user": "u",
  "C8Y.coapThreadCount": "10",
  "C8Y.event.retry.fixedDelay": "10",
  "C8Y.event.retry.maxRetryCount": "10",
  "C8Y.forceInitialHost": "true",
  "C8Y.httpClient.pool.awaitTimeout": "10",
  "C8Y.httpClient.pool.max": "10",
  "C8Y.httpClient.pool.perHost": "10",
  "C8Y.lwm2m.additionalGracePeriodForAsyncRegMigration": "10",
  "C8Y.lwm2m.client_awake_time": "1000",
  "C8Y.lwm2m.clustertenant.cleanup.expiredDelete.delayInDays": "10",
  "C8Y.lwm2m.clustertenant.cleanup.staleCheck.enable": "false",
  "C8Y.lwm2m.connector.tenantLockTimeout": "60000",
  "C8Y.lwm2m.decoder.execution.fixedDelay": "5000",
  "C8Y.lwm2m.decoder.maxQueueSizeOfDecoderEvents": "500",
  "C8Y.lwm2m.decoder.maxRetries": "10",
  "C8Y.lwm2m.decoder.processEventForMonths": "10",
  "C8Y.lwm2m.decoder.retryDelayMinutes": "10",
  "C8Y.lwm2m.decoder.serviceUnavailabilityDelayInMinutes": "10",
  "C8Y.lwm2m.deduplicateObservationPaths": "true",
  "C8Y.lwm2m.failStarvedOperation.enable": "false",
  "C8Y.lwm2m.failStarvedOperation.fixedDelay": "43200000",
  "C8Y.lwm2m.fwupdate.address": "192.0.2.1",
  "C8Y.lwm2m.fwupdate.httpPort": "9773",
  "C8Y.lwm2m.fwupdate.httpsPort": "9774",
  "C8Y.lwm2m.gracePeriodOfRegistrationLifetime": "7200",
  "C8Y.lwm2m.hazelcast.backupCount": "10",
  "C8Y.lwm2m.hazelcast.environment": "Kubernetes",
  "C8Y.lwm2m.operation.legacyBinarySerialization": "true",
  "C8Y.lwm2m.operationMaxAgeHours": "10",
  "C8Y.lwm2m.postReg.maxPendingOperationExecutions": "10",
  "C8Y.lwm2m.realtimeDisabledTenants": "*",
  "C8Y.lwm2m.sinks.crossCheck.enabled": "true",
  "C8Y.lwm2m.sinks.flush.failedElements.fixedDelay": "10",
  "C8Y.lwm2m.sinks.flush.initialDelay": "10",
  "C8Y.lwm2m.sinks.flush.measurements.fixedDelay": "10",
  "C8Y.lwm2m.sinks.measurements.flushPauseSecondsInCaseOfError": "10",
  "C8Y.lwm2m.supportDeprecatedContentFormat": "true",
  "C8Y.lwm2mEventLoggingEnabled": "false",
  "C8Y.lwm2mMaxRequestTimeout": "700000",
  "C8Y.lwm2mMinRequestTimeout": "5000",
  "C8Y.lwm2mRequestTimeout": "60000",
  "C8Y.mqtt.messaging.service.enabledForTenants": "t1",
  "C8Y.mqtt.messaging.service.url": "mqtt://localhost",
  "C8Y.objectmappings.fetch.fixedDelay": "10",
  "C8Y.objectmappings.setdefault": "false",
  "bootstrap.device.lifetime.default": "86400",
  "c8y.coap.security.settings.ignoredSrcPorts": "53,123",
  "c8y.lwm2m.autoManageAvailabilityRequiredInterval": "false",
  "c8y.lwm2m.bulkoperation.executorCorePoolSize": "10",
  "c8y.lwm2m.bulkoperation.executorMaxPoolSize": "10",
  "c8y.lwm2m.bulkoperation.maxAwaitTerminationSeconds": "10",
  "c8y.lwm2m.bulkoperation.maxSizeOfPendingOperations": "5",
  "c8y.lwm2m.decoderexec.executorCorePoolSize": "10",
  "c8y.lwm2m.decoderexec.executorMaxPoolSize": "10",
  "c8y.lwm2m.notification.provider": "realtime",
  "c8y.lwm2m.notification.websocketUrl": "10",
  "c8y.lwm2m.opexec.executionTimeoutMils": "300000",
  "c8y.lwm2m.opexec.executorCorePoolSize": "10",
  "c8y.lwm2m.opexec.executorMaxPoolSize": "10",
  "c8y.lwm2m.opexec.maxOperationQueueSizePerDevice": "500",
  "c8y.lwm2m.opexec.realtimeSubscriptionTtl": "10",
  "c8y.lwm2m.opexec.realtimeSubscriptionTtlExtension": "10",
  "c8y.lwm2m.rest.publicHealthEndpoint": "false",
  "c8y.lwm2m.sinks.flush.alarmSinkExecutorCorePoolSize": "10",
  "californium3.properties.COAP.ACK_INIT_RANDOM": "2.0",
  "californium3.properties.COAP.ACK_TIMEOUT": "3000",
  "californium3.properties.COAP.ACK_TIMEOUT_SCALE": "10",
  "californium3.properties.COAP.MAX_ACK_TIMEOUT": "10",
  "californium3.properties.COAP.MAX_RETRANSMIT": "5",
  "californium3.properties.DTLS.CONNECTION_ID_LENGTH": "6",
  "californium3.properties.DTLS.MAX_CONNECTIONS": "1000",
  "californium3.properties.DTLS.MAX_RETRANSMISSIONS": "5",
  "californium3.properties.DTLS.MAX_RETRANSMISSION_TIMEOUT": "30000",
  "californium3.properties.DTLS.RETRANSMISSION_TIMEOUT": "3000",
  "eclipse.californium.bootstrap.coap.host": "127.0.0.1",
  "eclipse.californium.bootstrap.coap.port": "6683",
  "eclipse.californium.bootstrap.coaps.host": "127.0.0.1",
  "eclipse.californium.bootstrap.coaps.port": "6684",
  "eclipse.californium.coap.port": "6783",
  "eclipse.californium.coaps.port": "6784",
  "eclipse.leshan.cluster.c8y.tenant": "management",
  "server.port": "9068",
};

/** Groups and members of the configuration that come from one of them. */
const EFFECTS = {
  http: { port: 9068, publicHealth: false },
  coap: { port: 6783, ignoredSrcPorts: [53, 123] },
  coaps: { port: 6784 },
  bootstrap: { coapPort: 6683, coapsPort: 6684, host: "127.0.0.1", lifetimeSeconds: 86_400 },
  dtls: {
    cidLength: 6,
    retransmissionTimeoutMs: 3000,
    maxRetransmissionTimeoutMs: 30_000,
    maxRetransmissions: 5,
    maxSessions: 1000,
  },
  transmission: { ackTimeoutMs: 3000, ackRandomFactor: 2, maxRetransmit: 5 },
  registration: { gracePeriodSeconds: 7200, awakeTimeMs: 1000, manageAvailability: false, maxPending: 10 },
  operations: {
    requestTimeoutMs: 60_000,
    minRequestTimeoutMs: 5000,
    maxRequestTimeoutMs: 700_000,
    executionTimeoutMs: 300_000,
    queueSize: 500,
    failStarved: false,
    starvedAfterHours: 10,
    starvedCheckMs: 43_200_000,
    legacyBinary: true,
  },
  deviceProtocols: { setDefault: false },
  bulk: { maxPending: 5 },
  connector: { lockTimeoutMs: 60_000 },
  decoding: { maxQueued: 500, sweepMs: 5000 },
  firmware: { address: "192.0.2.1", httpPort: 9773, httpsPort: 9774 },
};

const names = Object.keys(PROPERTIES);
const file = Object.entries(PROPERTIES)
  .map(([name, value]) => `${name}=${value}\n`)
  .join("");

function loadProperties(text: string, env: Readonly<Record<string, string>> = {}) {
  const loaded = loadConfig({ argv: ["--config", "agent.properties"], env, readText: () => text });
  if (loaded.kind !== "config") return assert.fail("no configuration");
  return loaded;
}

function assertEffects(config: object): void {
  for (const [group, members] of Object.entries(EFFECTS)) {
    assert.deepInclude(config[group as keyof typeof config], members, group);
  }
}

describe("config: properties of the agent under their own names (agent specification 19)", () => {
  it("all of them in a properties file", () => assertEffects(loadProperties(file).config));

  it("all of them in the environment, in upper case with _", () => {
    const env = Object.entries(PROPERTIES).map(([name, value]) => [name.replaceAll(".", "_").toUpperCase(), value]);
    assertEffects(loadProperties("", Object.fromEntries(env)).config);
  });

  it("each is known: it has an effect, or is told with the reason why it has none", () => {
    for (const name of names) assert.doesNotThrow(() => loadProperties(`${name}=${PROPERTIES[name]}`));
    for (const { reason } of loadProperties(file).ignored) assert.isAbove(reason.length, 10);
  });

  it("a name that is none is refused, with the one that is meant", () => {
    assert.throws(
      () => loadProperties("C8Y.lwm2mRequestTimout=1000"),
      /C8Y\.lwm2mRequestTimout is not known; did you mean C8Y\.lwm2mRequestTimeout\?/,
    );
  });

  it("a value that is none is refused by name", () => {
    assert.throws(() => loadProperties("server.port = http"), /server\.port = "http" must be a whole number/);
  });

  it("older names of the DTLS options count where both are given, in whatever order", () => {
    const older = "eclipse.californium.scandium.dtlsConnector.CONNECTION_ID_LENGTH";
    const newer = "californium3.properties.DTLS.CONNECTION_ID_LENGTH";
    for (const text of [`${older}=4\n${newer}=5`, `${newer}=5\n${older}=4`]) {
      const { config, ignored } = loadProperties(text);
      assert.equal(config.dtls.cidLength, 4);
      assert.deepEqual(ignored, [{ option: newer, reason: `${older} counts where both are given` }]);
    }
    const env = [newer, older].map((name, at) => [name.replaceAll(".", "_").toUpperCase(), `${5 - at}`]);
    assert.equal(loadProperties("", Object.fromEntries(env)).config.dtls.cidLength, 4);
  });
});

describe("config/properties", () => {
  it("java.util.Properties: separators, comments, blanks, escapes and continued lines", () => {
    const text = [
      "# a comment",
      "! another = one that goes on nowhere \\",
      "",
      "a=1",
      "b : 2",
      "c 3",
      "  d\t=  four words here  ",
      "e=first, \\",
      "    second",
      "f=back\\\\slash",
      "g\\ h\\:i=\\u00e9\\t!",
      "empty=",
      "alone",
      "url=http://host:80/a=b#c",
    ].join("\r\n");
    assert.deepEqual(readProperties(`\uFEFF${text}`), [
      ["a", "1"],
      ["b", "2"],
      ["c", "3"],
      ["d", "four words here"],
      ["e", "first, second"],
      ["f", "back\\slash"],
      ["g h:i", "\u00e9\t!"],
      ["empty", ""],
      ["alone", ""],
      ["url", "http://host:80/a=b#c"],
    ]);
  });
});
