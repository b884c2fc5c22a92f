/**
 * Properties of the LwM2M agent that may be given and that change nothing here, each with the reason
 * (agent specification 19). A name that ends in `.` stands for all below it.
 */
export const AGENT_PROPERTIES_WITHOUT_EFFECT: Readonly<Record<string, string>> = {
  "C8Y.baseUrl": "the platform is in the same process",
  "C8Y.forceInitialHost": "the platform is in the same process",
  "C8Y.bootstrap.": "the platform is in the same process",
  "C8Y.httpClient.pool.": "the platform is in the same process",
  "C8Y.event.retry.": "the platform is in the same process",
  "C8Y.lwm2m.sinks.": "values are stored before the device is answered",
  "c8y.lwm2m.sinks.": "values are stored before the device is answered",
  "C8Y.coapThreadCount": "there is one event loop",
  "c8y.lwm2m.opexec.executorCorePoolSize": "there is one event loop",
  "c8y.lwm2m.opexec.executorMaxPoolSize": "there is one event loop",
  "c8y.lwm2m.decoderexec.": "there is one event loop",
  "c8y.lwm2m.bulkoperation.executorCorePoolSize": "there is one event loop",
  "c8y.lwm2m.bulkoperation.executorMaxPoolSize": "there is one event loop",
  "c8y.lwm2m.bulkoperation.maxAwaitTerminationSeconds": "there is one event loop",
  "C8Y.objectmappings.fetch.fixedDelay": "changes of mappings are seen at once",
  "C8Y.lwm2m.hazelcast.": "there is no cluster of that kind",
  "eclipse.leshan.cluster.c8y.tenant": "there is no cluster of that kind",
  "C8Y.lwm2m.clustertenant.": "there is no cluster of that kind",
  "C8Y.lwm2m.additionalGracePeriodForAsyncRegMigration": "there is nothing to migrate",
  "C8Y.lwm2mEventLoggingEnabled": "the log level of each device decides",
  "californium3.properties.COAP.MAX_ACK_TIMEOUT": "the wait doubles with each retransmission (RFC 7252 section 4.2)",
  "californium3.properties.COAP.ACK_TIMEOUT_SCALE": "the wait doubles with each retransmission (RFC 7252 section 4.2)",
  "C8Y.lwm2m.deduplicateObservationPaths": "a path is observed once, however many mappings ask for it",
  "C8Y.lwm2m.decoder.processEventForMonths": "raw payloads are kept apart from events (decoding.rawRetentionDays)",
  "C8Y.lwm2m.realtimeDisabledTenants": "operations reach the agent within the process",
  "c8y.lwm2m.opexec.realtimeSubscriptionTtl": "operations reach the agent within the process",
  "c8y.lwm2m.opexec.realtimeSubscriptionTtlExtension": "operations reach the agent within the process",
  "c8y.lwm2m.notification.": "operations reach the agent within the process",
};
