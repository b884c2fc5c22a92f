/** The payloads of one tenant for one decoder, as the queue holds them. State alone: the queue decides. */
import type { LineName } from "./backlog.ts";
import type { RawPayload } from "./raw-payload.ts";

export interface Pause {
  /** By the monotonic clock. */
  readonly untilMs: number;
  readonly reason: string;
  /** Version that could not run; another one in force is not meant. */
  readonly decoderId: string | undefined;
}

export interface DecodeLine extends LineName {
  /** Taken and not begun, in order. */
  waiting: RawPayload[];
  /** Waiting and under way. */
  taken: number;
  underWay: number;
  /** Payloads are in the store only: until it has caught up, all go that way, so that they keep their order. */
  behind: boolean;
  /** One was left to the store since the last look began: it needs another. */
  skipped: boolean;
  pause: Pause | undefined;
  /** Whether a pause has been told and not taken back; undefined: it is not known from before the start. */
  isToldPaused: boolean | undefined;
  filling: Promise<void> | undefined;
  /** Ids that ended since the last look began, whose pages may show them as they were. */
  readonly ended: Set<string>;
}

export interface DecodeLines extends Iterable<DecodeLine> {
  of(name: LineName): DecodeLine;
}

export function createDecodeLines(): DecodeLines {
  const lines = new Map<string, DecodeLine>();
  return {
    of({ tenant, decoder }) {
      const key = `${tenant} ${decoder}`;
      let line = lines.get(key);
      if (!line) {
        line = {
          tenant,
          decoder,
          waiting: [],
          taken: 0,
          underWay: 0,
          behind: false,
          skipped: false,
          pause: undefined,
          isToldPaused: undefined,
          filling: undefined,
          ended: new Set(),
        };
        lines.set(key, line);
      }
      return line;
    },
    [Symbol.iterator]: () => lines.values(),
  };
}
