/** Who changed which version is in force, and when, as events of the tenant; the decoder's own history says the same. */
import { isFailure, messageOf } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { Events } from "../../platform/platform.ts";
import { formatTime } from "../../platform/time.ts";
import type { DecoderCatalog } from "./catalog.ts";
import type { HistoryEntry } from "./decoder-machine.ts";

export interface ChangeEventsParts {
  readonly catalog: Pick<DecoderCatalog, "onChanged">;
  readonly events: Pick<Events, "create">;
  /** The managed object that they stand at. */
  source(tenant: string): Promise<string>;
  readonly log: Log;
}

const TYPE = "c8y_LWM2MDecoderChanged";
const PAST: Readonly<Record<HistoryEntry["action"], string>> = {
  upload: "uploaded",
  stage: "staged",
  unstage: "taken from the stage",
  activate: "activated",
  rollback: "put in force again",
  delete: "deleted",
};
function textOf(key: string, { action, version, by, forced }: HistoryEntry): string {
  const what = version ?? (action === "delete" ? "with all its versions" : "the version of all tenants");
  return `Decoder ${key}: ${what} ${PAST[action]} by ${by}${forced ? ", in spite of its report" : ""}`;
}

export interface ChangeEvents extends AsyncDisposable {
  /** Resolves when all are stored. */
  idle(): Promise<void>;
}

/** A change waits for none of them; one that cannot be stored is in the log. */
export function tellChanges({ catalog, events, source, log }: ChangeEventsParts): ChangeEvents {
  const underWay = new Set<Promise<void>>();
  async function tell(tenant: string, key: string, change: HistoryEntry): Promise<void> {
    const { atMs, ...rest } = change;
    try {
      await events.create(tenant, {
        source: { id: await source(tenant) },
        type: TYPE,
        text: textOf(key, change),
        time: formatTime(atMs),
        c8y_LWM2MDecoder: { key, ...rest },
      });
    } catch (error) {
      if (!isFailure(error, "CLOSED")) log.warn("decoder.changeNotTold", { tenant, key, reason: messageOf(error) });
    }
  }
  catalog.onChanged((tenant, key, change) => {
    if (!change) return;
    const telling = tell(tenant, key, change);
    underWay.add(telling);
    void telling.then(() => underWay.delete(telling));
  });
  const idle = async (): Promise<void> => void (await Promise.all(underWay));
  return { idle, [Symbol.asyncDispose]: idle };
}
