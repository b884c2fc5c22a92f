/** What an extension may see of the host: types, schemas and constants of the contract. `@mooring/sdk` re-exports it. */

export type { Clock } from "./base/clock.ts";
export { type FailureCode, MooringError, messageOf } from "./base/errors.ts";
export type { Log, LogFields } from "./base/log.ts";
export type { JsonSchema } from "./base/schema.ts";
export type {
  ActionInput,
  DefaultHandler,
  DeviceView,
  Effect,
  InstanceInput,
  MappingAction,
  SeriesValue,
} from "./contract/action.ts";
export type {
  DataFragment,
  DecodedAlarm,
  DecodedEvent,
  DecodedMeasurement,
  DecodedSeries,
  Decoder,
  DecoderFormat,
  DecoderInput,
  DecoderManifest,
  DecoderResult,
  UplinkOptions,
} from "./contract/decoder.ts";
export {
  buildDecoderPackage,
  type DecoderPackage,
  type DecoderSignature,
  generateSigningKey,
  type PackageParts,
  packageFileName,
  readDecoderPackage,
  type SigningKey,
  verifyDecoderSignature,
  writeDecoderPackage,
} from "./contract/decoder-package.ts";
export {
  checkDecoderVector,
  decoderVectorSchema,
  VECTOR_DEFAULTS,
  type VectorDocument,
} from "./contract/decoder-vector.ts";
export {
  checkDecoderManifest,
  checkDecoderResult,
  decoderManifestSchema,
  decoderResultSchema,
} from "./contract/manifest.ts";
export { CONTRACT_VERSION, type Figure, type Plugin, type PluginHost, type PluginTimers } from "./contract/plugin.ts";
export {
  checkPluginManifest,
  PLUGIN_PERMISSIONS,
  type PluginManifest,
  type PluginPermission,
  pluginManifestSchema,
} from "./contract/plugin-manifest.ts";
export type {
  PluginAnswer,
  PluginPage,
  PluginRequest,
  PluginRoute,
  PluginUser,
  RouteMethod,
} from "./contract/plugin-web.ts";
export type { DeviceData, Publisher, ValueSource } from "./contract/publisher.ts";
export { senmlStream } from "./lwm2m/codecs/senml-stream.ts";
export type { ObjectModel, ResourceModel } from "./lwm2m/model/object-model.ts";
export { formatPath, type Lwm2mPath, parsePath } from "./lwm2m/path.ts";
export {
  isObjectLink,
  type ObjectLinkValue,
  type ResourceType,
  type ResourceValue,
  type ScalarValue,
} from "./lwm2m/resource-value.ts";
export type { AlarmStatus, Severity } from "./platform/platform.ts";
