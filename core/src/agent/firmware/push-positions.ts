/** How far packages have come that go out block by block. One small write without fsync before each block, so that no block that was acknowledged is sent again after `kill -9`. */
import type { TransferPosition } from "../../coap/endpoint.ts";
import type { JsonObject } from "../../store/collection.ts";
import { FIRMWARE_POSITIONS } from "../../store/collections/firmware.ts";
import type { Store } from "../../store/store.ts";

export interface PushPositions {
  /** @param content names the very bytes that go out @returns undefined: nothing of them has */
  find(operationId: string, content: string): Promise<TransferPosition | undefined>;
  keep(operationId: string, deviceId: string, content: string, position: TransferPosition): Promise<void>;
  forget(operationId: string): Promise<void>;
  /** The device is gone. */
  forgetDevice(deviceId: string): Promise<void>;
}

export function createPushPositions(store: Store): PushPositions {
  const positions = store.collection(FIRMWARE_POSITIONS);
  return {
    async find(operationId, content) {
      const found = await positions.findOne({ _id: operationId });
      return found?.content === content ? (found.details as unknown as TransferPosition) : undefined;
    },
    async keep(operationId, deviceId, content, position) {
      const details = { ...position } as JsonObject;
      await positions.replaceOne({ _id: operationId, deviceId, content, details }, { upsert: true });
    },
    async forget(operationId) {
      await positions.deleteMany({ _id: operationId });
    },
    async forgetDevice(deviceId) {
      await positions.deleteMany({ deviceId });
    },
  };
}
