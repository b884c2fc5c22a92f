/** What a command of `mooring` is: a file of its own in this folder, and a line in commands.ts. */
import type { Client } from "./client.ts";
import type { CliIo } from "./io.ts";

/** How the process ends. */
export const EXIT = {
  ok: 0,
  /** What was asked for came to a bad end: an operation FAILED. */
  failed: 1,
  /** The command line, or a line of the shell, says what cannot be. */
  usage: 2,
  /** The host cannot be reached, or refuses the login. */
  host: 3,
  /** It did not end in the time that there was for it. */
  late: 4,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Ends the command with a text for people. */
export class CliError extends Error {
  override readonly name = "CliError";
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

export interface CliOption {
  readonly type: "string" | "boolean";
  readonly short?: string;
  /** May be given again and again. */
  readonly multiple?: true;
  /** As help shows what follows it: `<seconds>`. */
  readonly value?: string;
  readonly summary: string;
}

export interface CliCall {
  /** What is no option, in order. */
  readonly args: readonly string[];
  text(option: string): string | undefined;
  texts(option: string): readonly string[];
  flag(option: string): boolean;
  /** Logs in. @throws CliError */
  connect(): Promise<Client>;
  readonly io: CliIo;
}

export interface CliCommand {
  readonly name: string;
  /** What follows the name. */
  readonly usage: string;
  /** One sentence without its stop. */
  readonly summary: string;
  /** Lines of its help, above the options. */
  readonly notes: readonly string[];
  readonly options: Readonly<Record<string, CliOption>>;
  /**
   * Members of requests that the command makes, and the options (`--from`) or arguments (`[version]`, as `usage` has them) behind them: a
   * refusal that names the one shows the other. Of several options that which was given counts. Numbers are `*`: `*.measurementCreation.unit`.
   */
  readonly fields?: Readonly<Record<string, string | readonly string[]>>;
  /** Least and most arguments. */
  readonly arguments: readonly [least: number, most: number];
  /** @throws CliError */
  run(call: CliCall): Promise<ExitCode>;
}
