/** Runs one of the load programs of this folder with a plan and reads its result. */
import { join } from "node:path";
import { startProcess } from "../harness/process.ts";

/** @throws Error with its output when it fails or is not done in time */
export async function generateLoad<Result>(program: string, plan: unknown, withinMs: number): Promise<Result> {
  const generator = startProcess({
    name: program,
    command: process.execPath,
    args: [join(import.meta.dirname, program), JSON.stringify(plan)],
  });
  try {
    return JSON.parse(await generator.line(/^\{/, withinMs)) as Result;
  } finally {
    await generator.stop();
  }
}
