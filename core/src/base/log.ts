/**
 * A log line is a fixed event name plus fields. Levels: `debug` wire detail, `info` life of devices, `warn` one operation
 * harmed, `error` a feature down. No keys at any level, no payloads above `debug`.
 */
import { type Logger, pino } from "pino";

export type LogFields = Readonly<Record<string, unknown>>;
export type LogLevel = "debug" | "info" | "warn" | "error";

export interface Log {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
  /** The same log with fields added to each line. */
  with(fields: LogFields): Log;
  /** Whether a line of that level would be written; ask before building costly fields. */
  enabled(level: LogLevel): boolean;
}

function fromPino(logger: Logger): Log {
  return {
    debug: (event, fields) => logger.debug({ event, ...fields }),
    info: (event, fields) => logger.info({ event, ...fields }),
    warn: (event, fields) => logger.warn({ event, ...fields }),
    error: (event, fields) => logger.error({ event, ...fields }),
    with: fields => fromPino(logger.child(fields)),
    enabled: level => logger.isLevelEnabled(level),
  };
}

/** JSON lines on standard output: `{"level","time","event",...}`, time in ISO 8601. */
export function createLog(level: LogLevel | "silent"): Log {
  return fromPino(
    pino({
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: label => ({ level: label }) },
    }),
  );
}

const nothing = (): void => {};
export const silentLog: Log = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  with: () => silentLog,
  enabled: () => false,
};

export interface LogLine {
  readonly level: LogLevel;
  readonly event: string;
  readonly fields: LogFields;
}

/** Keeps its lines, for tests. */
export function createRecordingLog(): Log & { readonly lines: readonly LogLine[] } {
  const lines: LogLine[] = [];
  const make = (base: LogFields): Log => {
    const write =
      (level: LogLevel) =>
      (event: string, fields: LogFields = {}): void =>
        void lines.push({ level, event, fields: { ...base, ...fields } });
    return {
      debug: write("debug"),
      info: write("info"),
      warn: write("warn"),
      error: write("error"),
      with: fields => make({ ...base, ...fields }),
      enabled: () => true,
    };
  };
  return Object.assign(make({}), { lines });
}
