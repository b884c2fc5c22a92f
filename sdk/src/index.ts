/** All that a plugin or a decoder needs to see of the host: the contract, and two functions that give it types. */
import type { Decoder, Plugin } from "@mooring/core";

export {
  type ActionInput,
  type AlarmStatus,
  type Clock,
  CONTRACT_VERSION,
  checkDecoderManifest,
  checkDecoderResult,
  type DataFragment,
  type DecodedAlarm,
  type DecodedEvent,
  type DecodedMeasurement,
  type DecodedSeries,
  type Decoder,
  type DecoderInput,
  type DecoderManifest,
  type DecoderResult,
  type DefaultHandler,
  type DeviceData,
  type DeviceView,
  decoderManifestSchema,
  decoderResultSchema,
  type Effect,
  type FailureCode,
  type Figure,
  formatPath,
  type InstanceInput,
  isObjectLink,
  type JsonSchema,
  type Log,
  type LogFields,
  type Lwm2mPath,
  type MappingAction,
  MooringError,
  messageOf,
  type ObjectLinkValue,
  type ObjectModel,
  type Plugin,
  type PluginHost,
  type Publisher,
  parsePath,
  type ResourceModel,
  type ResourceType,
  type ResourceValue,
  type ScalarValue,
  type SeriesValue,
  type Severity,
  senmlStream,
  type ValueSource,
} from "@mooring/core";

/**
 * Gives a decoder's parameters and result their types. For tests and for decoders that are bundled: a decoder's source imports
 * nothing at run time, so there `export default { ... } satisfies Decoder` says the same with a type alone.
 */
export const defineDecoder = (decoder: Decoder): Decoder => decoder;

/** Gives a plugin's members their types. */
export const definePlugin = (plugin: Plugin): Plugin => plugin;
