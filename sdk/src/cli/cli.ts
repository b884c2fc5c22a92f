/** From arguments to a command, and from what it throws to an exit code. */
import { type ParseArgsConfig, parseArgs } from "node:util";
import { createClient } from "./client.ts";
import { type CliCall, type CliCommand, CliError, type CliOption, EXIT, type ExitCode } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { COMMON_OPTIONS, commandHelp, overview } from "./help.ts";
import { type CliIo, say } from "./io.ts";
import { readLogin } from "./login.ts";

type Parsed = Readonly<Record<string, string | boolean | readonly (string | boolean)[] | undefined>>;

const forParser = (options: Readonly<Record<string, CliOption>>): NonNullable<ParseArgsConfig["options"]> =>
  Object.fromEntries(
    Object.entries(options).map(([name, { type, short, multiple }]) => [
      name,
      { type, ...(short && { short }), ...(multiple && { multiple }) },
    ]),
  );

function parse(command: CliCommand, argv: readonly string[]): { values: Parsed; positionals: readonly string[] } {
  const options = forParser({ ...command.options, ...COMMON_OPTIONS });
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: true });
  } catch (error) {
    // Its first sentence says what is wrong, the rest speaks to programmers.
    const [what] = (error as Error).message.split(". ");
    throw new CliError(EXIT.usage, `${what}\nmooring ${command.name} --help explains the command`);
  }
}

function callOf(values: Parsed, args: readonly string[], io: CliIo): CliCall {
  const text = (name: string): string | undefined => {
    const value = values[name];
    return typeof value === "string" ? value : undefined;
  };
  return {
    args,
    text,
    texts: name => (values[name] ?? []) as readonly string[],
    flag: name => values[name] === true,
    connect: async () => createClient(await readLogin({ text }, io), io),
    io,
  };
}

async function run(command: CliCommand, argv: readonly string[], io: CliIo): Promise<ExitCode> {
  const { values, positionals } = parse(command, argv);
  if (values["help"] === true) {
    say(io.output, commandHelp(command));
    return EXIT.ok;
  }
  const [least, most] = command.arguments;
  if (positionals.length < least || positionals.length > most) {
    throw new CliError(EXIT.usage, `Usage: mooring ${command.name} ${command.usage}`);
  }
  return command.run(callOf(values, positionals, io));
}

/** @param argv what follows `mooring`. Never rejects. */
export async function runCli(
  argv: readonly string[],
  io: CliIo,
  commands: readonly CliCommand[] = COMMANDS,
): Promise<ExitCode> {
  const [name, ...rest] = argv;
  try {
    if (name === undefined || name === "help" || name === "--help" || name === "-h") {
      const asked = commands.find(each => each.name === rest[0]);
      say(io.output, asked ? commandHelp(asked) : overview(commands));
      return name === undefined ? EXIT.usage : EXIT.ok;
    }
    const command = commands.find(each => each.name === name);
    if (!command) throw new CliError(EXIT.usage, `"${name}" is no command of mooring\n\n${overview(commands)}`);
    return await run(command, rest, io);
  } catch (error) {
    if (error instanceof CliError) {
      say(io.errors, error.message);
      return error.exitCode;
    }
    say(io.errors, error instanceof Error ? (error.stack ?? error.message) : String(error));
    return EXIT.failed;
  }
}
