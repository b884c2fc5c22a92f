/** What the platform is told of bootstrap sessions: events of the device (agent specification 15.1). */
import { formatCode } from "../coap/codes.ts";
import type { BootstrapFailure } from "../lwm2m/bootstrap/bootstrap-machine.ts";
import type { SessionInfo, SessionReport } from "../lwm2m/bootstrap/bootstrap-server.ts";
import { contentFormatName } from "../lwm2m/codecs/codec.ts";
import { formatPath } from "../lwm2m/path.ts";
import { toJsonValue } from "../mapping/value-conversion.ts";
import type { Fragments } from "../platform/platform.ts";
import { addressText, type LifecycleEvents } from "./lifecycle-events.ts";
import { storable } from "./response-text.ts";

/** Whom an event is about. */
export type Subject = Pick<SessionInfo, "endpoint" | "tenant" | "deviceId" | "peer" | "logLevel">;

export interface BootstrapEvents {
  started(session: SessionInfo): void;
  ended(report: SessionReport): void;
  failed(session: Subject, failure: BootstrapFailure): void;
}

const LONGEST_REASON = 500;

const fragmentOf = ({ endpoint, peer }: Subject): Fragments => ({ endpoint, address: addressText(peer) });

const withFormat = (session: SessionInfo): Fragments => ({
  ...fragmentOf(session),
  contentFormat: contentFormatName(session.contentFormat),
});

/** What a device showed is text of its own and may be anything. */
const readBackOf = ({ readBack }: SessionReport): Fragments =>
  Object.fromEntries(
    readBack.map(({ path, value }) => {
      const plain = toJsonValue(value);
      return [formatPath(path), typeof plain === "string" ? storable(plain, LONGEST_REASON) : plain];
    }),
  );

export function createBootstrapEvents(events: Pick<LifecycleEvents, "addOther">): BootstrapEvents {
  const add = ({ tenant, deviceId, logLevel }: Subject, type: string, text: string, fragment: Fragments): void =>
    events.addOther({ tenant, deviceId, logLevel, type, text, fragment });

  return {
    started(session) {
      add(session, "c8y_LWM2MDeviceBootstrapStart", "Bootstrap started", withFormat(session));
    },
    ended(report) {
      add(report, "c8y_LWM2MDeviceBootstrapEnd", "Bootstrap finished", {
        ...withFormat(report),
        ...(report.version && { lwm2mVersion: report.version }),
        ...(report.readBack.length > 0 && { readBack: readBackOf(report) }),
      });
    },
    failed(session, { path, code, reason }) {
      const said = storable(reason, LONGEST_REASON);
      add(session, "c8y_LWM2MDeviceBootstrapFailure", `Bootstrap failed: ${said}`, {
        ...fragmentOf(session),
        ...(path !== undefined && { path }),
        ...(code !== undefined && { coapCode: formatCode(code) }),
        reason: said,
      });
    },
  };
}
