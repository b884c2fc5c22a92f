/**
 * Every collection of the host: what a document holds, which of its members are typed columns and indexes, and how much it must
 * survive. Ids of managed objects, alarms, events and operations come from `Store.nextIds` and are unique over all tenants.
 *
 * `custom` holds what users named (fragments, free properties) apart from our own members, so that no user's name can collide
 * with one of ours. `details` holds members that one part of the host alone reads. `...Words` are the words of a text in lower
 * case, for full text search.
 *
 * Durability: what is rare and never said again is `full` - inventory, registrations, operations, and also events and alarms, since
 * a device raises or clears an alarm once. What is frequent and followed by a newer value is `normal`: measurements, last values,
 * raw payloads, value history.
 */
import type { CollectionSpec } from "../collection.ts";
import { DECODER_SOURCES, DECODER_VERSIONS, DECODERS, RAW_PAYLOADS, REDECODES, SHADOW_REPORTS } from "./decoding.ts";
import { DEVICES, DTLS_SESSIONS, OBSERVATIONS, REGISTRATIONS } from "./devices.ts";
import { CAMPAIGN_DEVICES, CAMPAIGNS, FIRMWARE_DOWNLOADS, FIRMWARE_POSITIONS } from "./firmware.ts";
import { COUNTERS, PLUGIN_STATES } from "./host.ts";
import {
  ALARMS,
  BINARIES,
  BINARY_CHUNKS,
  CHILD_REFERENCES,
  EVENTS,
  EXTERNAL_IDS,
  MANAGED_OBJECTS,
  OPERATIONS,
} from "./platform.ts";
import { TENANT_OPTIONS, TENANTS, TRUSTED_CERTIFICATES, USERS } from "./tenants.ts";
import { LAST_VALUES, VALUE_HISTORY } from "./values.ts";

/** What a store is opened with unless told otherwise; the store adds those of its series. */
export const COLLECTIONS: readonly CollectionSpec[] = [
  COUNTERS,
  MANAGED_OBJECTS,
  CHILD_REFERENCES,
  EXTERNAL_IDS,
  ALARMS,
  EVENTS,
  OPERATIONS,
  DEVICES,
  REGISTRATIONS,
  OBSERVATIONS,
  LAST_VALUES,
  RAW_PAYLOADS,
  REDECODES,
  TENANTS,
  USERS,
  TENANT_OPTIONS,
  TRUSTED_CERTIFICATES,
  BINARIES,
  BINARY_CHUNKS,
  FIRMWARE_DOWNLOADS,
  FIRMWARE_POSITIONS,
  CAMPAIGNS,
  CAMPAIGN_DEVICES,
  DECODERS,
  DECODER_VERSIONS,
  DECODER_SOURCES,
  SHADOW_REPORTS,
  DTLS_SESSIONS,
  PLUGIN_STATES,
  VALUE_HISTORY,
];
