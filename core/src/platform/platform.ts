/**
 * The platform's documents and their rules, as REST, the agent and the mapping call them. One interface per kind;
 * `createPlatform` joins them over a store. Every call names its tenant; ids are strings of decimal digits.
 * Shapes are those of the REST API without `self` and other links, which only `rest/` knows.
 */
import type { JsonObject } from "../store/collection.ts";
import type { WriteOp, WriteResult } from "../store/store.ts";

export type Severity = "CRITICAL" | "MAJOR" | "MINOR" | "WARNING";
export type AlarmStatus = "ACTIVE" | "ACKNOWLEDGED" | "CLEARED";

/** Free-form JSON beside the named members. */
export type Fragments = Readonly<Record<string, unknown>>;

export interface Page<T> {
  readonly items: readonly T[];
  /** Only when asked for. */
  readonly total?: number;
}

export interface PageRequest {
  /** 1-based. */
  readonly currentPage: number;
  /** 1..2000 */
  readonly pageSize: number;
  readonly withTotal: boolean;
}

export interface TimeRange {
  /** Both ends inclusive, ms since the epoch. */
  readonly fromMs?: number;
  readonly toMs?: number;
}

export interface ManagedObject {
  readonly id: string;
  readonly name?: string;
  readonly type?: string;
  readonly owner: string;
  readonly creationTimeMs: number;
  readonly lastUpdatedMs: number;
  readonly fragments: Fragments;
}

export interface ExternalId {
  readonly type: string;
  readonly externalId: string;
  readonly managedObjectId: string;
}

export interface InventoryFilter {
  readonly type?: string;
  readonly fragmentType?: string;
  readonly owner?: string;
  readonly ids?: readonly string[];
  readonly text?: string;
  /** Parents of this object. */
  readonly holding?: { readonly kind: ChildKind; readonly child: string };
}

export interface NewManagedObject {
  /** `name`, `type` and fragments; server-owned members are ignored. */
  readonly body: Fragments;
  readonly owner: string;
  /** A fresh number of the sequence `managedObjects` that the caller has taken; default: the next one. */
  readonly id?: string;
  /** Bound at once. */
  readonly externalIds?: readonly { readonly type: string; readonly externalId: string }[];
}

export interface Inventory {
  /** @throws VALIDATION, DUPLICATE if one of the external ids is taken: nothing is made */
  create(tenant: string, body: Fragments, options: Omit<NewManagedObject, "body">): Promise<ManagedObject>;
  /** At most 50, all or nothing. Answers in the same order. @throws as `create`, VALIDATION names the place */
  createMany(tenant: string, objects: readonly NewManagedObject[]): Promise<readonly ManagedObject[]>;
  /** Includes the last known resource values as fragments `c8y_Lwm2m_<object>!<instance>`, in the form of the objects view. */
  find(tenant: string, id: string): Promise<ManagedObject | undefined>;
  /** @throws NOT_FOUND */
  get(tenant: string, id: string): Promise<ManagedObject>;
  /** Without the last resource values, from memory when it was asked for lately: for the way of the data. */
  findCached(tenant: string, id: string): Promise<ManagedObject | undefined>;
  /** The same without a look into the store: undefined also for one that was not asked for lately. */
  atHand(tenant: string, id: string): ManagedObject | undefined;
  /** Last known values of one object instance: `{instance, "<rid>": value or map by instance id}`. */
  lastValues(tenant: string, id: string, objectId: number, instanceId: number): Promise<Fragments | undefined>;
  /** The same of the object's instances, at most 1000. */
  lastValuesOf(tenant: string, id: string, objectId: number): Promise<readonly Fragments[]>;
  list(tenant: string, filter: InventoryFilter, page: PageRequest): Promise<Page<ManagedObject>>;
  count(tenant: string, filter: InventoryFilter): Promise<number>;
  /**
   * Merges on the top level: a member replaces as a whole, null removes (platform API 5.2). `owner` is ignored unless
   * `mayChangeOwner`. @throws NOT_FOUND
   */
  update(
    tenant: string,
    id: string,
    changes: Fragments,
    options?: { readonly mayChangeOwner?: boolean },
  ): Promise<ManagedObject>;
  /**
   * Removes the object with its measurements, events, alarms, operations, external ids and last values. The object goes
   * last, so that a delete cut short can be repeated. @throws NOT_FOUND
   */
  delete(tenant: string, id: string): Promise<void>;
  /** Told of each object that was created or updated, once it is stored; not of what devices set. Must not throw. */
  onChanged(listener: (tenant: string, object: ManagedObject) => void): Disposable;
  /**
   * Told of each object that is deleted, before its documents go; `delete` waits for all. The agent drops registrations and
   * routes, so that nothing new arrives. A listener that fails ends the delete.
   * @param afterwards the same when everything is gone
   */
  onDeleted(
    listener: (tenant: string, object: ManagedObject) => Promise<void>,
    afterwards?: (tenant: string, object: ManagedObject) => Promise<void>,
  ): Disposable;
}

export type ChildKind = "childDevices" | "childAssets" | "childAdditions";

export interface ParentReference {
  readonly kind: ChildKind;
  readonly id: string;
}

/** Objects below objects (platform API 5.6). */
export interface Children {
  /** Whole, by ascending id. @throws NOT_FOUND unknown parent */
  list(tenant: string, parent: string, kind: ChildKind, page: PageRequest): Promise<Page<ManagedObject>>;
  /** @throws NOT_FOUND unknown parent, VALIDATION where it is none of its children */
  require(tenant: string, parent: string, kind: ChildKind, child: string): Promise<void>;
  /**
   * 1 to 1000, all or none; what is a child already stays one.
   * @throws NOT_FOUND parent or child, VALIDATION for a cycle, and for a second device parent
   */
  add(tenant: string, parent: string, kind: ChildKind, children: readonly string[]): Promise<void>;
  /** All or none. @throws NOT_FOUND unknown parent, VALIDATION where one is none of its children */
  remove(tenant: string, parent: string, kind: ChildKind, children: readonly string[]): Promise<void>;
  /** Ids of children, the first 2000. */
  idsOf(tenant: string, parent: string, kind: ChildKind): Promise<readonly string[]>;
  count(tenant: string, parent: string, kind: ChildKind): Promise<number>;
  /** All objects above, the nearest first, each under the kind of child that leads down from it. */
  ancestors(tenant: string, child: string): Promise<readonly ParentReference[]>;
  /** Ids of all objects below, each once, the nearest first. @param kind only through references of this kind */
  descendants(tenant: string, parent: string, kind?: ChildKind): Promise<readonly string[]>;
}

export interface Identity {
  /** @throws NOT_FOUND unknown object, DUPLICATE bound already, VALIDATION */
  bind(tenant: string, managedObjectId: string, type: string, externalId: string): Promise<ExternalId>;
  find(tenant: string, type: string, externalId: string): Promise<ExternalId | undefined>;
  of(tenant: string, managedObjectId: string): Promise<readonly ExternalId[]>;
  /** @throws NOT_FOUND */
  unbind(tenant: string, type: string, externalId: string): Promise<void>;
}

export interface Measurement {
  readonly id: string;
  readonly sourceId: string;
  readonly type: string;
  readonly timeMs: number;
  readonly fragments: Fragments;
}

export interface MeasurementFilter extends TimeRange {
  readonly sourceId?: string;
  readonly type?: string;
  readonly valueFragmentType?: string;
  readonly valueFragmentSeries?: string;
  /** Newest first. */
  readonly revert?: boolean;
}

export interface SupportedSeries {
  readonly fragment: string;
  readonly series: string;
}

export interface Measurements {
  /** All or nothing on validation (VALIDATION names field and, of several, the place). Answers in the same order. */
  create(tenant: string, bodies: readonly unknown[]): Promise<readonly Measurement[]>;
  get(tenant: string, id: string): Promise<Measurement>;
  list(tenant: string, filter: MeasurementFilter, page: PageRequest): Promise<Page<Measurement>>;
  /** @throws NOT_FOUND */
  delete(tenant: string, id: string): Promise<void>;
  /** @throws VALIDATION without source and without either end of time: nothing is deleted by forgetting a filter */
  deleteMatching(tenant: string, filter: MeasurementFilter): Promise<void>;
  /** All that the source ever sent, by fragment and series. */
  supportedSeries(tenant: string, sourceId: string): Promise<readonly SupportedSeries[]>;
}

export interface Alarm {
  readonly id: string;
  readonly sourceId: string;
  readonly type: string;
  readonly text: string;
  readonly severity: Severity;
  readonly status: AlarmStatus;
  readonly timeMs: number;
  readonly firstOccurrenceTimeMs: number;
  readonly count: number;
  readonly creationTimeMs: number;
  readonly lastUpdatedMs: number;
  readonly fragments: Fragments;
}

export interface AlarmFilter extends TimeRange {
  readonly created?: TimeRange;
  readonly lastUpdated?: TimeRange;
  readonly sourceId?: string;
  /** Only alarms of managed objects that this user owns. */
  readonly sourceOwner?: string;
  readonly types?: readonly string[];
  readonly statuses?: readonly AlarmStatus[];
  readonly severities?: readonly Severity[];
  /** true: CLEARED; false: the other two; beats `statuses`. */
  readonly resolved?: boolean;
}

export interface Alarms {
  /** With de-duplication (platform API 9.2): an open alarm of the same source and type is counted up and given back. */
  create(tenant: string, body: unknown): Promise<Alarm>;
  get(tenant: string, id: string): Promise<Alarm>;
  list(tenant: string, filter: AlarmFilter, page: PageRequest): Promise<Page<Alarm>>;
  count(tenant: string, filter: AlarmFilter): Promise<number>;
  /** @throws NOT_FOUND, VALIDATION, CONFLICT when it would open a second alarm of its source and type */
  update(tenant: string, id: string, changes: Fragments): Promise<Alarm>;
  /**
   * Sets the status of all that match; those that cannot be opened because another one is open stay as they are.
   * @throws VALIDATION without a filter or a status
   */
  updateMatching(tenant: string, filter: AlarmFilter, changes: Fragments): Promise<void>;
  /** @throws VALIDATION without source and without any end of a time */
  deleteMatching(tenant: string, filter: AlarmFilter): Promise<void>;
}

export interface PlatformEvent {
  readonly id: string;
  readonly sourceId: string;
  readonly type: string;
  readonly text: string;
  readonly timeMs: number;
  readonly creationTimeMs: number;
  readonly lastUpdatedMs: number;
  readonly fragments: Fragments;
}

export interface EventFilter extends TimeRange {
  readonly created?: TimeRange;
  readonly lastUpdated?: TimeRange;
  readonly sourceId?: string;
  readonly type?: string;
  readonly fragmentType?: string;
  /** Text that the fragment is; only with `fragmentType`. */
  readonly fragmentValue?: string;
  /** Oldest first (the opposite of measurements). */
  readonly revert?: boolean;
}

export interface Events {
  create(tenant: string, body: unknown): Promise<PlatformEvent>;
  get(tenant: string, id: string): Promise<PlatformEvent>;
  list(tenant: string, filter: EventFilter, page: PageRequest): Promise<Page<PlatformEvent>>;
  update(tenant: string, id: string, changes: Fragments): Promise<PlatformEvent>;
  /** @throws NOT_FOUND */
  delete(tenant: string, id: string): Promise<void>;
  /** @throws VALIDATION without source and without any end of a time */
  deleteMatching(tenant: string, filter: EventFilter): Promise<void>;
}

export type OperationStatus = "PENDING" | "EXECUTING" | "SUCCESSFUL" | "FAILED";

export interface Operation {
  readonly id: string;
  readonly deviceId: string;
  readonly deviceName?: string;
  readonly status: OperationStatus;
  readonly creationTimeMs: number;
  /** Of the last change of any kind. */
  readonly lastUpdatedMs: number;
  readonly failureReason?: string;
  /** `description`, `c8y_Command`, ... */
  readonly fragments: Fragments;
  /** How far it is, for the part that runs it; never shown to people. */
  readonly details?: JsonObject;
}

export interface OperationFilter extends TimeRange {
  /** Beats `agentId`. */
  readonly deviceId?: string;
  /** The agent itself and every device below it. */
  readonly agentId?: string;
  readonly bulkOperationId?: number;
  readonly statuses?: readonly OperationStatus[];
  readonly fragmentType?: string;
  /** Newest first. */
  readonly revert?: boolean;
}

export interface Operations {
  /**
   * PENDING whatever was sent.
   * @param id a fresh number of the sequence `operations` that the caller has taken; default: the next one
   * @throws VALIDATION without or with an unknown deviceId, DUPLICATE_KEY for an id that there is
   */
  create(tenant: string, body: unknown, id?: string): Promise<Operation>;
  get(tenant: string, id: string): Promise<Operation>;
  list(tenant: string, filter: OperationFilter, page: PageRequest): Promise<Page<Operation>>;
  /**
   * `changes.status` is required; fragments merge on the top level (platform API 11.1).
   * @param details replaces those of the operation; null removes them. @throws NOT_FOUND, VALIDATION
   */
  update(tenant: string, id: string, changes: Fragments, details?: JsonObject | null): Promise<Operation>;
  /** Ends FAILED what is PENDING still, with these fragments. @returns whether it was */
  withdraw(tenant: string, id: string, failureReason: string, fragments: Fragments): Promise<boolean>;
  /** @throws VALIDATION without a filter */
  deleteMatching(tenant: string, filter: OperationFilter): Promise<void>;
  /** Told of each new operation after it is stored. */
  onCreated(listener: (tenant: string, operation: Operation) => void): Disposable;
  /** Told of each operation that was changed, once that is stored. */
  onChanged(listener: (tenant: string, operation: Operation) => void): Disposable;
  /** Told of operations that {@link deleteMatching} has deleted; those of a device that is deleted go with it, untold. */
  onDeleted(listener: (tenant: string, ids: readonly string[]) => void): Disposable;
}

export interface NewBinary {
  /** `name`, `type` and fragments of the managed object. */
  readonly body: Fragments;
  /** Of the bytes; else the body's `type`, else `application/octet-stream`. What is no media type counts as absent. */
  readonly contentType?: string;
  readonly owner: string;
}

/** Bytes that are being received. Disposed before it is made an object, nothing of it stays. */
export interface BinaryUpload extends AsyncDisposable {
  /** Bytes taken so far. */
  readonly length: number;
  /** Takes the next bytes, which are copied; resolves when there is room for more. @throws MooringError TOO_LARGE, STORE_FULL, STORE_FAILED */
  write(bytes: Uint8Array): Promise<void>;
  /** The bytes are all there: makes their managed object, which is seen with all of them or not at all. @throws MooringError VALIDATION */
  create(binary: NewBinary): Promise<ManagedObject>;
  /** The same in place of the bytes of an object. @throws MooringError NOT_FOUND */
  replace(id: string, contentType?: string): Promise<ManagedObject>;
}

/** A stored binary, read by offset. What is opened stays what it is: once it is replaced or deleted, `read` fails. */
export interface StoredBinary {
  /** Of its managed object. */
  readonly id: string;
  /** Names these very bytes: another one when they are replaced. */
  readonly content: string;
  readonly name: string;
  readonly contentType: string;
  readonly length: number;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
  /** Bytes [offset, offset + length), fewer only at the end. @throws MooringError NOT_FOUND when they are gone, STORE_FAILED */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** Files that are managed objects (platform API 13). `Inventory.delete` deletes their bytes too. */
export interface Binaries {
  begin(tenant: string): Promise<BinaryUpload>;
  /** @throws MooringError NOT_FOUND */
  open(tenant: string, id: string): Promise<StoredBinary>;
  /** Clears away what an earlier life of this node was receiving. Before anything is received. */
  recover(): Promise<void>;
}

/**
 * Everything over one store. What a device's message becomes is built with the `...Op` functions beside each kind
 * (managed-object.ts, measurement.ts, alarm.ts, event.ts, last-values.ts) and written as one group by `write`.
 */
export interface Platform {
  readonly inventory: Inventory;
  readonly children: Children;
  readonly identity: Identity;
  readonly measurements: Measurements;
  readonly alarms: Alarms;
  readonly events: Events;
  readonly operations: Operations;
  readonly binaries: Binaries;
  /** As `Store.write`; also forgets the managed objects that the group changed. */
  write(ops: readonly WriteOp[]): Promise<readonly WriteResult[]>;
}
