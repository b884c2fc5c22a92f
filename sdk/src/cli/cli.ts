/** From arguments to a command, and from what it throws to an exit code. */
import { type ParseArgsConfig, parseArgs } from "node:util";
import { MooringError } from "@mooring/core";
import { createClient } from "./client.ts";
import { type CliCall, type CliCommand, CliError, type CliOption, EXIT, type ExitCode } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { namesOf } from "./field-names.ts";
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

function callOf(command: CliCommand, { values, positionals }: ReturnType<typeof parse>, io: CliIo): CliCall {
  const text = (name: string): string | undefined => {
    const value = values[name];
    return typeof value === "string" ? value : undefined;
  };
  const flag = (name: string): boolean => values[name] === true;
  return {
    args: positionals,
    text,
    texts: name => (values[name] ?? []) as readonly string[],
    flag,
    connect: async () => createClient(await readLogin({ text }, io), io, namesOf(command, { text, flag })),
    io,
  };
}

async function run(command: CliCommand, argv: readonly string[], io: CliIo): Promise<ExitCode> {
  const parsed = parse(command, argv);
  const { values, positionals } = parsed;
  if (values["help"] === true) {
    say(io.output, commandHelp(command));
    return EXIT.ok;
  }
  const [least, most] = command.arguments;
  if (positionals.length < least || positionals.length > most) {
    throw new CliError(EXIT.usage, `Usage: mooring ${command.name} ${command.usage}`);
  }
  return command.run(callOf(command, parsed, io));
}

const isHelp = (word: string | undefined): boolean => word === "help" || word === "--help" || word === "-h";

/** Names have one word or two (`decoder test`); of a group alone, or with a word that is none of it, its commands are shown. */
function find(
  argv: readonly string[],
  commands: readonly CliCommand[],
): { command: CliCommand; rest: readonly string[] } {
  const [first = "", second = ""] = argv;
  for (const [name, words] of [
    [`${first} ${second}`, 2],
    [first, 1],
  ] as const) {
    const command = commands.find(each => each.name === name);
    if (command) return { command, rest: argv.slice(words) };
  }
  const group = commands.filter(({ name }) => name.startsWith(`${first} `));
  const wrong = group.length > 0 ? `${first} ${second}`.trim() : first;
  const shown = overview(group.length > 0 ? group : commands);
  throw new CliError(EXIT.usage, `"${wrong}" is no command of mooring\n\n${shown}`);
}

function help(argv: readonly string[], commands: readonly CliCommand[]): string {
  const asked = argv.filter(word => !isHelp(word)).join(" ");
  const command = commands.find(({ name }) => name === asked);
  const group = commands.filter(({ name }) => name.startsWith(`${asked} `));
  return command ? commandHelp(command) : overview(group.length > 0 ? group : commands);
}

/** @param argv what follows `mooring`. Never rejects. */
export async function runCli(
  argv: readonly string[],
  io: CliIo,
  commands: readonly CliCommand[] = COMMANDS,
): Promise<ExitCode> {
  try {
    const isGroup = commands.some(({ name }) => name.startsWith(`${argv[0]} `));
    if (argv.length === 0 || isHelp(argv[0]) || (isGroup && (argv.length === 1 || isHelp(argv[1])))) {
      say(io.output, help(argv, commands));
      return argv.some(isHelp) ? EXIT.ok : EXIT.usage;
    }
    const { command, rest } = find(argv, commands);
    return await run(command, rest, io);
  } catch (error) {
    if (error instanceof CliError) {
      say(io.errors, error.message);
      return error.exitCode;
    }
    if (error instanceof MooringError) {
      say(io.errors, error.message);
      return EXIT.failed;
    }
    say(io.errors, error instanceof Error ? (error.stack ?? error.message) : String(error));
    return EXIT.failed;
  }
}
