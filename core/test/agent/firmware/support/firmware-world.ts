/** A world with one device that can be updated and one stored image. */
import { createSeededRandom } from "../../../../src/base/random.ts";
import type { Operation } from "../../../../src/platform/platform.ts";
import { type AgentWorld, createAgentWorld, TENANT, USER, type WorldOptions } from "../../support/agent-world.ts";
import { createFirmwareDevice, type FirmwareDevice } from "./firmware-device.ts";

export interface FirmwareWorld extends AsyncDisposable {
  readonly world: AgentWorld;
  readonly device: FirmwareDevice;
  readonly deviceId: string;
  /** Bytes of the stored image. */
  readonly image: Uint8Array;
  /** Of its managed object. */
  readonly binaryId: string;
  readonly url: string;
  /** Creates the operation; nothing is awaited but that it is stored. */
  update(firmware?: Readonly<Record<string, unknown>>): Promise<string>;
  operation(id: string): Promise<Operation>;
  /** `EXECUTING`, `FAILED: reason` */
  status(id: string): Promise<string>;
  /** Sets fragments of the device's managed object. */
  set(fragments: Readonly<Record<string, unknown>>): Promise<void>;
  /** `c8y_Firmware` of the managed object. */
  installed(): Promise<unknown>;
  store(bytes: Uint8Array): Promise<string>;
  /** The state that is stored. */
  step(id: string): Promise<string | undefined>;
}

const LENGTH = 1600;

export async function createFirmwareWorld(options: WorldOptions = {}, length = LENGTH): Promise<FirmwareWorld> {
  const world = await createAgentWorld(options);
  const { id: deviceId } = await world.make("dev");
  const device = createFirmwareDevice(world, "dev");
  const image = createSeededRandom(9).bytes(length);

  async function store(bytes: Uint8Array): Promise<string> {
    const upload = await world.wait(world.platform.binaries.begin(TENANT));
    await world.wait(upload.write(bytes));
    const object = await world.wait(upload.create({ body: { name: "image.bin" }, owner: USER }));
    return object.id;
  }

  const binaryId = await store(image);
  const url = `http://platform.example.com/inventory/binaries/${binaryId}`;
  const operation = (id: string): Promise<Operation> => world.operation(id);
  return {
    world,
    device,
    deviceId,
    image,
    binaryId,
    url,
    store,
    operation,
    async update(firmware = {}) {
      const body = { deviceId, c8y_Firmware: { name: "fw", version: "2.0", url, ...firmware } };
      const { id } = await world.wait(world.platform.operations.create(TENANT, body));
      await device.settle();
      return id;
    },
    async status(id) {
      const { status, failureReason } = await operation(id);
      return failureReason === undefined ? status : `${status}: ${failureReason}`;
    },
    async set(fragments) {
      await world.wait(world.platform.inventory.update(TENANT, deviceId, fragments));
    },
    async installed() {
      const object = await world.wait(world.platform.inventory.get(TENANT, deviceId));
      return object.fragments["c8y_Firmware"];
    },
    async step(id) {
      const { details } = await operation(id);
      return (details?.["firmware"] as { state?: { at?: string } } | undefined)?.state?.at;
    },
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  };
}
