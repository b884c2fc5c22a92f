/** Settings of one device that the LwM2M layer obeys (agent specification 3.3, 6.4). Absent: the host's default. */
export interface DeviceSettings {
  /** ms a device stays awake after a message; 0: always online. */
  readonly awakeTimeMs?: number;
  /** Whole-exchange limit of one request, ms. */
  readonly requestTimeoutMs?: number;
  /** Content-Format preferred for reads and writes. */
  readonly contentFormat?: number;
  /** Content-Format that binary values and firmware are written in; absent: opaque. */
  readonly binaryContentFormat?: number;
  /** How much of the device's life is written down as events (15.2); at VERBOSE its exchanges are told as well. */
  readonly logLevel?: "NONE" | "LIFECYCLE" | "VERBOSE";
}

/** Who a device turned out to be when it asked to register. */
export interface AdmittedDevice {
  readonly tenant: string;
  /** Managed object id. */
  readonly deviceId: string;
  readonly settings: DeviceSettings;
}
