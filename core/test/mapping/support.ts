/** Small values for the tests of the mapping. */
import type { DefaultHandler, DeviceView, Effect, MappingAction } from "../../src/contract/action.ts";
import type { Plugin } from "../../src/contract/plugin.ts";
import type { DeviceProtocol, ResourceMapping } from "../../src/device-protocols/device-protocol.ts";
import type { ObjectModel, ResourceModel } from "../../src/lwm2m/model/object-model.ts";
import { parsePath } from "../../src/lwm2m/path.ts";
import type { ResourceType, ResourceValue, ScalarValue } from "../../src/lwm2m/resource-value.ts";
import { createActionRegistry } from "../../src/mapping/action-registry.ts";
import { type MapInput, type MapParts, type MapResult, mapMessage } from "../../src/mapping/engine.ts";
import { openTestPlugins } from "../plugin-host/support.ts";

/** 2026-01-01T00:00:00Z */
export const NOW_MS = Date.UTC(2026, 0, 1);

export const device: DeviceView = { id: "4711", tenant: "t1", endpoint: "urn:dev:1", name: "meter 7", fragments: {} };

const typeOf = (value: ScalarValue): ResourceType => {
  if (typeof value === "string") return "STRING";
  if (typeof value === "boolean") return "BOOLEAN";
  if (value instanceof Uint8Array) return "OPAQUE";
  if (typeof value === "object") return "OBJECTLINK";
  return typeof value === "bigint" || Number.isInteger(value) ? "INTEGER" : "FLOAT";
};

export function value(
  path: string,
  scalar: ScalarValue,
  options: { atMs?: number; type?: ResourceType } = {},
): ResourceValue {
  return {
    path: parsePath(path),
    type: options.type ?? typeOf(scalar),
    value: scalar,
    ...(options.atMs === undefined ? {} : { atMs: options.atMs }),
  };
}

function resource(id: number, units: string): ResourceModel {
  const base = { name: `Resource ${id}`, description: "", operations: "R", multiple: false, mandatory: false } as const;
  return { ...base, id, units, dataType: "FLOAT", rangeEnumeration: "" };
}

export type ObjectProtocol = Pick<DeviceProtocol, "objectModel" | "resourceMappings">;

export function protocol(
  objectId: number,
  mappings: Readonly<Record<string, Omit<ResourceMapping, "resourceID">>> = {},
  units: Readonly<Record<number, string>> = {},
): ObjectProtocol {
  const resources = Object.fromEntries(Object.entries(units).map(([id, unit]) => [id, resource(Number(id), unit)]));
  const objectModel: ObjectModel = {
    id: objectId,
    name: `Object ${objectId}`,
    description: "",
    version: "1.0",
    multiple: true,
    mandatory: false,
    urn: `urn:oma:lwm2m:ext:${objectId}`,
    resources,
  };
  const resourceMappings = Object.entries(mappings).map(([id, one]) => [id, { ...one, resourceID: Number(id) }]);
  return { objectModel, resourceMappings: Object.fromEntries(resourceMappings) };
}

export interface Setup {
  readonly protocols?: readonly ObjectProtocol[];
  readonly actions?: readonly MappingAction[];
  readonly handlers?: readonly DefaultHandler[];
}

export function parts({ protocols = [], actions = [], handlers = [] }: Setup): MapParts {
  const registry = createActionRegistry();
  for (const action of actions) registry.addAction(action);
  for (const handler of handlers) registry.addHandler(handler);
  const byId = new Map(protocols.map(one => [one.objectModel.id, one]));
  return { protocol: (_tenant, objectId) => byId.get(objectId), actions: registry };
}

function inputOf(values: readonly ResourceValue[], over: Partial<MapInput>): MapInput {
  return {
    values,
    requestPath: [],
    fullRead: false,
    receivedAtMs: NOW_MS,
    device,
    settings: { sourceTimes: false, defaultHandlers: true },
    openAlarms: new Set(),
    lastValue: () => undefined,
    ...over,
  };
}

export const map = (setup: Setup, values: readonly ResourceValue[], over: Partial<MapInput> = {}): MapResult =>
  mapMessage(parts(setup), inputOf(values, over));

export const ofKind = <K extends Effect["kind"]>(result: MapResult, kind: K): Extract<Effect, { kind: K }>[] =>
  result.effects.filter((effect): effect is Extract<Effect, { kind: K }> => effect.kind === kind);

/** Activates a plugin as the host does and maps one message with what it brought. */
export async function mapWithPlugin(
  plugin: Plugin,
  protocols: readonly ObjectProtocol[],
  values: readonly ResourceValue[],
  over: Partial<MapInput> = {},
): Promise<MapResult> {
  const registry = createActionRegistry();
  const { plugins, activate } = openTestPlugins({ registry });
  await using _ended = plugins;
  await activate(plugin);
  const byId = new Map(protocols.map(one => [one.objectModel.id, one]));
  return mapMessage({ protocol: (_tenant, objectId) => byId.get(objectId), actions: registry }, inputOf(values, over));
}

/** Needs what the device said before: Latitude and Longitude come alone. */
export const position: DefaultHandler = {
  objectId: 6,
  resources: [0, 1],
  needsLastValues: true,
  run: ({ value: known, atMs }): readonly Effect[] => [
    { kind: "event", type: "position", text: `${known(0)} ${known(1)}`, atMs },
  ],
};

/** Sets what the value says in the inventory. */
export const maker: MappingAction = {
  name: "test:maker",
  run: ({ value: { value: made } }) => [{ kind: "inventory", set: { maker: made as string } }],
};
