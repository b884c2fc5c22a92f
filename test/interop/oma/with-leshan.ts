/** One host and one device on Leshan's client for the cases of a file. */
import { type DeviceRegistration, describeObject, registerDevice } from "../../harness/agent.ts";
import type { HostOptions } from "../../harness/host.ts";
import { type NatProxy, openNatProxy } from "../../harness/nat-proxy.ts";
import { type HostInTest, withHost } from "../../harness/with-host.ts";
import { type LeshanDevice, type LeshanOptions, startLeshanDevice } from "../leshan/leshan.ts";
import { type Operator, operatorOf } from "./operator.ts";

export const JAVA_STARTS_WITHIN_MS = 60_000;
/** Object files of the device and the host. */
export const DDFS = ["3303.xml", "oma-objects.xml"];

export interface Telling {
  /** Lines of the device that begin with the word, oldest first. */
  told(word: string): readonly string[];
  /** Waits until there are more lines that begin with the word than `before`. @returns the newest */
  tells(word: string, before: number): Promise<string>;
}

export interface LeshanInTest extends Telling {
  readonly suite: HostInTest;
  readonly device: LeshanDevice;
  readonly operator: Operator;
  readonly proxy: NatProxy | undefined;
  /** The device starts anew, with all values as at first. */
  restarted(options?: Partial<LeshanOptions>): Promise<void>;
}

export interface WithLeshanOptions {
  readonly endpoint: string;
  readonly host?: HostOptions;
  readonly device?: Partial<LeshanOptions>;
  readonly registration?: Partial<DeviceRegistration>;
  /** A router between the two keeps what passes. */
  readonly isProxied?: boolean;
}

export function tellingOf({ process }: Pick<LeshanDevice, "process">): Telling {
  const told = (word: string): readonly string[] =>
    process.lines.filter(line => line === word || line.startsWith(`${word} `));
  return {
    told,
    async tells(word, before) {
      await process.line(() => told(word).length > before, JAVA_STARTS_WITHIN_MS);
      return told(word).at(-1)!;
    },
  };
}

/** Registers a device whose exchanges are written down. */
export async function operatorFor(suite: HostInTest, registration: DeviceRegistration): Promise<Operator> {
  const { id } = await registerDevice(suite.api, { logLevel: "VERBOSE", ...registration });
  return operatorOf(suite.api, id, registration.endpointId);
}

/** Starts both before the suite it is called in, waits for the first registration, and ends them after. */
export function withLeshan({ endpoint, ...options }: WithLeshanOptions): LeshanInTest {
  const suite = withHost(options.host);
  let device: LeshanDevice | undefined;
  let operator: Operator | undefined;
  let proxy: NatProxy | undefined;

  before(async function () {
    this.timeout(JAVA_STARTS_WITHIN_MS);
    for (const ddf of DDFS) await describeObject(suite.api, ddf);
    operator = await operatorFor(suite, { endpointId: endpoint, ...options.registration });
    if (options.isProxied) proxy = await openNatProxy({ serverPort: suite.host.coapPort });
    const port = proxy?.port ?? suite.host.coapPort;
    device = startLeshanDevice({ endpoint, port, ddfs: DDFS, ...options.device });
    await device.process.line(/^registered \/rd\//, JAVA_STARTS_WITHIN_MS);
  });
  beforeEach(() => suite.onFailure(() => device!.process.tail()));
  after(async () => {
    await device?.stop();
    await proxy?.close();
  });

  return {
    suite,
    told: word => tellingOf(device!).told(word),
    tells: (word, before) => tellingOf(device!).tells(word, before),
    async restarted(changed = {}) {
      const { told, tells } = tellingOf(device!);
      const before = told("registered").length;
      device!.replace(changed);
      await tells("registered", before);
    },
    get device() {
      return device!;
    },
    get operator() {
      return operator!;
    },
    get proxy() {
      return proxy;
    },
  };
}
