/**
 * The operations of LwM2M on one registered device, as typed calls (LwM2M Core 1.1.1 section 6.3, 6.4). Each is one exchange at a time by
 * the caller's care (device-queue.ts). A device's error code is an answer, not a rejection.
 */
import type { Clock } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import type {
  BodySource,
  CoapEndpoint,
  ObserveOptions as CoapObserveOptions,
  NameSupply,
  UploadOptions,
} from "../../coap/endpoint.ts";
import type { CoapRequest, CoapResponse } from "../../coap/request.ts";
import type { DecodePayload } from "../codecs/codec-table.ts";
import type { ObjectLink } from "../codecs/link-format.ts";
import type { ModelView } from "../model/object-model.ts";
import type { Observations, Observed } from "../observation/observations.ts";
import type { Lwm2mPath } from "../path.ts";
import type { Registration } from "../registration/registration.ts";
import type { ResourceValue } from "../resource-value.ts";
import type { NotificationAttributes } from "../wire/to-coap.ts";
import type { RequestLimits } from "./exchange.ts";

export interface DeviceAnswer {
  /** The device's code, raw. */
  readonly code: number;
  /** Whether it is a success of this operation: 2.00, which some devices send, is none. */
  readonly ok: boolean;
  readonly contentFormat: number | undefined;
  /** Diagnostic text of an error, where the device sent one. */
  readonly text: string | undefined;
}

export interface ValuesAnswer extends DeviceAnswer {
  /** Decoded by the Content-Format that came; empty without success. */
  readonly values: readonly ResourceValue[];
}

export interface ObserveAnswer extends ValuesAnswer {
  /** False when the device took the request for a plain Read. */
  readonly kept: boolean;
  /** The observation is stored. */
  readonly saved: Promise<void>;
}

export interface RawAnswer extends CoapResponse {
  /** Of 2.05 to GET or FETCH, where its path and format are LwM2M's; none of objects that hold keys. */
  readonly values?: readonly ResourceValue[];
}

export interface DiscoverAnswer extends DeviceAnswer {
  readonly links: readonly ObjectLink[];
}

export interface CreateAnswer extends DeviceAnswer {
  /** Of the new instance, where the device named it (Location-Path). */
  readonly path: Lwm2mPath | undefined;
}

export interface DeviceRequestsParts {
  readonly coap: CoapEndpoint;
  readonly observations: Observations;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits: RequestLimits;
  /** Whether the numbers 1542 and 1543 of early devices are spoken. */
  readonly deprecatedFormats: boolean;
  readonly decode: DecodePayload;
  /** The device answered. */
  heard(registration: Registration): void;
  models(registration: Registration): ModelView;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** Names that the requests of the call go under, the same requests each time; default: names of their own. */
  readonly names?: NameSupply;
}

export interface WriteOptions extends CallOptions {
  /**
   * PUT (default) or POST. A partial Update goes to the object instance, whatever level `path` has: POST on a resource is Execute
   * (LwM2M Transport 1.1.1 section 6.4.4).
   */
  readonly mode?: "replace" | "partial";
  /** The one format to write in, whatever the device offers; default: chosen, and another one where the device refuses the first. */
  readonly contentFormat?: number;
}

export interface UploadContentOptions extends CallOptions, Pick<UploadOptions, "blockSzx" | "from" | "onPosition"> {
  readonly contentFormat: number;
}

/** `offerAfter`: what has to be done with the answer before a notification may be told. */
export type ObserveCompositeOptions = CallOptions & Pick<CoapObserveOptions, "offerAfter">;

export interface ObserveOptions extends ObserveCompositeOptions {
  /** Sent with Write-Attributes before the Observe. */
  readonly attributes?: NotificationAttributes;
}

export interface CreateOptions extends CallOptions {
  /**
   * "any": the device chooses, whatever the paths of the values say; only TLV and LwM2M CBOR can do so, unless there are no values. A
   * number stands for the paths where there are no values; that takes TLV. @throws MooringError CONTENT_FORMAT_UNSUPPORTED for a device that has none
   */
  readonly instanceId?: number | "any";
}

/** How an observation ends: with Observe 1, or by forgetting it, so that the next notification gets Reset; nothing is sent then. */
export type CancelMethod = "request" | "reset";

/** A request that is sent as it is; `query` is empty by default. The device's alternate root is not put before `path`. */
export type RawRequest = Pick<CoapRequest, "method" | "path" | "contentFormat" | "accept" | "payload"> &
  Partial<Pick<CoapRequest, "query">>;

/**
 * All reject with EXCHANGE_TIMEOUT, EXCHANGE_RESET, EXCHANGE_CANCELLED, TRANSFER_FAILED, codec errors, or before anything is sent with
 * UNSUPPORTED for what came with a later version of LwM2M than the device has.
 */
export interface DeviceRequests {
  read(registration: Registration, path: Lwm2mPath, options?: CallOptions): Promise<ValuesAnswer>;
  /** @param path that all values lie at or below */
  write(
    registration: Registration,
    path: Lwm2mPath,
    values: readonly ResourceValue[],
    options?: WriteOptions,
  ): Promise<DeviceAnswer>;
  /** Replaces a resource by a body that is sent block by block, for as long as its blocks are acknowledged. @param body in the format given */
  upload(
    registration: Registration,
    path: Lwm2mPath,
    body: BodySource,
    options: UploadContentOptions,
  ): Promise<DeviceAnswer>;
  /** @param args the argument text, empty for none */
  execute(registration: Registration, path: Lwm2mPath, args: string, options?: CallOptions): Promise<DeviceAnswer>;
  discover(registration: Registration, path: Lwm2mPath, options?: CallOptions): Promise<DiscoverAnswer>;
  /** An observation of the same path is cancelled first. */
  observe(registration: Registration, path: Lwm2mPath, options?: ObserveOptions): Promise<ObserveAnswer>;
  /** `code` is 0.00 where nothing is sent. Undefined: not observed. */
  cancelObservation(
    registration: Registration,
    path: Lwm2mPath,
    how: CancelMethod,
    options?: CallOptions,
  ): Promise<DeviceAnswer | undefined>;
  writeAttributes(
    registration: Registration,
    path: Lwm2mPath,
    attributes: NotificationAttributes,
    options?: CallOptions,
  ): Promise<DeviceAnswer>;
  /** @param values of the new instance; their paths name it, unless the options do */
  create(
    registration: Registration,
    objectId: number,
    values: readonly ResourceValue[],
    options?: CreateOptions,
  ): Promise<CreateAnswer>;
  delete(registration: Registration, path: Lwm2mPath, options?: CallOptions): Promise<DeviceAnswer>;

  /**
   * FETCH with a list of paths, from LwM2M 1.1. What the device does not have is left out of its answer.
   * @param paths of any level, the root included; at least one, a repeated one counts once
   * @throws MooringError VALIDATION without a path
   */
  readComposite(registration: Registration, paths: readonly Lwm2mPath[], options?: CallOptions): Promise<ValuesAnswer>;
  /**
   * iPATCH with values of any objects, in the order given, from LwM2M 1.1.
   * @param values those of a multiple resource by the paths of its instances
   * @throws MooringError VALIDATION without a value, VALUE_TYPE for the path of a multiple resource as a whole
   */
  writeComposite(
    registration: Registration,
    values: readonly ResourceValue[],
    options?: CallOptions,
  ): Promise<DeviceAnswer>;
  /** FETCH with Observe. An observation of the same set of paths is cancelled first. @throws MooringError as {@link readComposite} */
  observeComposite(
    registration: Registration,
    paths: readonly Lwm2mPath[],
    options?: ObserveCompositeOptions,
  ): Promise<ObserveAnswer>;
  /** @param paths the set that was observed, in any order. Answers as {@link cancelObservation} does. */
  cancelComposite(
    registration: Registration,
    paths: readonly Lwm2mPath[],
    how: CancelMethod,
    options?: CallOptions,
  ): Promise<DeviceAnswer | undefined>;
  /** One exchange; nothing is reported or repeated. */
  raw(registration: Registration, request: RawRequest, options?: CallOptions): Promise<RawAnswer>;

  observed(registration: Registration): readonly Observed[];
  /** The registration has ended. */
  forget(registrationId: string): void;
}

export { createDeviceRequests } from "./create-requests.ts";
