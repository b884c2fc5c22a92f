/** What a device has, for completion and for the names of what it answers. */
import type { DeviceObjects, ShownResource } from "@mooring/core/internal/agent/device-objects.ts";
import type { Client } from "../client.ts";

export interface DeviceTree {
  /** As the host last said it; undefined before the first time, or where it is no LwM2M device. */
  readonly known: DeviceObjects | undefined;
  /** Asks the host again. */
  refresh(): Promise<DeviceObjects | undefined>;
  /** Ids below a path, in order. */
  children(path: readonly number[]): readonly number[];
  resource(path: readonly number[]): ShownResource | undefined;
}

export function createDeviceTree(client: Client, deviceId: string): DeviceTree {
  let known: DeviceObjects | undefined;
  const objectOf = (id: number | undefined) => known?.objects.find(object => object.id === id);
  return {
    get known() {
      return known;
    },
    async refresh() {
      known = await client.find<DeviceObjects>(`/service/lwm2m-agent/v1/device/${deviceId}/objects`);
      return known;
    },
    children([objectId, ...below]) {
      if (objectId === undefined) return known?.objects.map(({ id }) => id) ?? [];
      const object = objectOf(objectId);
      if (!object || below.length > 1) return [];
      return below.length === 0 ? object.instances : object.resources.map(({ id }) => id);
    },
    resource: ([objectId, , resourceId]) => objectOf(objectId)?.resources.find(({ id }) => id === resourceId),
  };
}
