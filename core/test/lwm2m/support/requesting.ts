/** Requests to a scripted device that is registered. */
import { fromHex } from "../../../src/base/bytes.ts";
import type { ValuesAnswer } from "../../../src/lwm2m/operations/requests.ts";
import { formatPath, parsePath } from "../../../src/lwm2m/path.ts";
import { callDevice, createLwm2mWorld, failureOf, type Lwm2mWorld, type WorldOptions } from "./lwm2m-world.ts";
import type { Answer, ScriptedDevice } from "./scripted-device.ts";

export const CONTENT = 69;
export const CHANGED = 68;
/** Resource 0 of the path's level, "ACME". */
export const TLV_ACME = fromHex("c40041434d45");

/** For one suite: each test opens a world of its own, which is closed after it. */
export function withRequests() {
  const on = {} as { world: Lwm2mWorld; device: ScriptedDevice };
  afterEach(() => on.world[Symbol.asyncDispose]());

  async function open(query = "ep=dev&lwm2m=1.1", links = "</>;ct=11542,</3/0>", options: WorldOptions = {}) {
    on.world = await createLwm2mWorld(options);
    on.device = on.world.device(5000);
    await on.device.register(query, links);
  }
  const answerWith = (answer: Answer): void => {
    on.device.script = () => answer;
  };
  const call = <T>(job: Parameters<typeof callDevice<T>>[1], stepMs = 0): Promise<T> =>
    callDevice(on.world, job, stepMs);
  const read = (path: string, stepMs = 0): Promise<ValuesAnswer> =>
    call((requests, registration, signal) => requests.read(registration, parsePath(path), { signal }), stepMs);
  const codeOfFailure = async (promise: Promise<unknown>): Promise<string> => (await failureOf(promise)).code;
  const shown = ({ values }: ValuesAnswer) => values.map(({ path, value }) => [formatPath(path), value]);

  return { on, open, answerWith, call, read, codeOfFailure, shown };
}
