/** The shell at a terminal: prompt, completion, history; Ctrl-C ends the waiting for a command, Ctrl-D the shell. */
import { createInterface } from "node:readline";
import { complete } from "@mooring/core/internal/agent/shell/complete.ts";
import { CliError, EXIT, type ExitCode } from "../command.ts";
import { say } from "../io.ts";
import { openHistory } from "./history.ts";
import { runLine, type ShellSession } from "./run-line.ts";

const LEAVE = ["exit", "quit"];

export async function runInteractive(session: ShellSession): Promise<ExitCode> {
  const { io, device, tree } = session;
  const history = openHistory(io.env);
  const reader = createInterface({
    input: io.input,
    output: io.output,
    terminal: true,
    prompt: `${device.name}> `,
    history: history.lines,
    removeHistoryDuplicates: true,
    completer(line: string) {
      const { candidates, word } = complete(line, tree.children);
      return [[...candidates], word];
    },
  });
  let running: AbortController | undefined;
  reader.on("history", lines => history.save(lines));
  reader.on("SIGINT", () => {
    if (running) {
      running.abort();
      return;
    }
    io.output.write("^C\n");
    // What was typed goes, as at any prompt.
    reader.write(null, { ctrl: true, name: "u" });
    reader.prompt();
  });
  say(io.errors, 'Tab completes, "help" lists the commands, Ctrl-D leaves.');
  reader.prompt();
  try {
    for await (const line of reader) {
      if (LEAVE.includes(line.trim())) break;
      if (line.trim() !== "") {
        running = new AbortController();
        await runLine(session, line, running.signal).catch(error => {
          if (!(error instanceof CliError)) throw error;
          say(io.errors, error.message);
        });
        running = undefined;
      }
      // What was typed meanwhile stays, with its cursor.
      reader.prompt(true);
    }
  } finally {
    reader.close();
  }
  return EXIT.ok;
}
