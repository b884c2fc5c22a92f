/** A page that is followed literally: its blocks in order, as files to be written, commands to be run, and what these print. */
import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

export interface Step {
  /** Of the section, and of the block in the page, for failures. */
  readonly heading: string;
  readonly line: number;
  readonly kind: "commands" | "file" | "output";
  readonly text: string;
  /** Of a file, its name; of commands, whether they end badly. */
  readonly file?: string;
  readonly fails?: boolean;
}

/**
 * Blocks of three backticks by what follows these: `sh` is run, `sh fails` too and must end badly, `json name` and the like is the
 * content of a file, `text` is what the commands above it print.
 */
export function stepsOf(page: string): Step[] {
  const steps: Step[] = [];
  let heading = "";
  let open: { readonly info: string; readonly line: number; readonly lines: string[] } | undefined;
  for (const [index, line] of page.split("\n").entries()) {
    if (open && line === "```") {
      const [language = "", more] = open.info.split(" ");
      const kind = language === "sh" ? "commands" : language === "text" ? "output" : "file";
      const named = kind === "file" ? { file: more ?? "" } : { fails: more === "fails" };
      steps.push({ heading, line: open.line, kind, text: open.lines.join("\n"), ...named });
      open = undefined;
    } else if (open) open.lines.push(line);
    else if (line.startsWith("```")) open = { info: line.slice(3), line: index + 1, lines: [] };
    else if (line.startsWith("## ")) heading = line.slice(3);
  }
  return steps;
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** A line of `...` alone stands for any lines, within a line for anything. */
export const outputPattern = (text: string): RegExp =>
  new RegExp(
    `(?:^|\\n)${text
      .split("\n")
      .map(line => (line === "..." ? "(?:.*\\n)*?" : `${escaped(line).replaceAll("\\.\\.\\.", ".*")}\\n`))
      .join("")}`,
  );

export interface Walk {
  /** @returns what was printed, both streams as they came */
  run(commands: string, fails?: boolean): Promise<string>;
  write(file: string, text: string): Promise<void>;
  readonly folder: string;
}

const MARK = "@folder ";

/** Runs blocks one after the other, as one shell would: where one has gone, the next one begins. */
export function startWalk(folder: string, env: Readonly<Record<string, string | undefined>>): Walk {
  let at = folder;
  return {
    get folder() {
      return at;
    },
    run: (commands, fails = false) =>
      new Promise((resolve, reject) => {
        const script = `set -e\n${commands}\necho "${MARK}$PWD"`;
        const options = { cwd: at, env: env as NodeJS.ProcessEnv, timeout: 120_000 };
        const child = execFile("sh", ["-c", `{ ${script}\n} 2>&1`], options, (error, output) => {
          const mark = output.lastIndexOf(MARK);
          if (mark >= 0) at = output.slice(mark + MARK.length).trim();
          if (fails !== (error !== null))
            reject(new Error(`${commands}\n${output}\n${error?.message ?? "ended well"}`));
          else resolve(mark >= 0 ? output.slice(0, mark) : output);
        });
        child.stdin?.end();
      }),
    async write(file, text) {
      await mkdir(dirname(join(at, file)), { recursive: true });
      await writeFile(join(at, file), `${text}\n`);
    },
  };
}
