/** The process behind `mooring`. */
import { runCli } from "./cli.ts";
import { processIo } from "./io.ts";

// Who reads has seen enough: `mooring ... | head`.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit();
});

process.exitCode = await runCli(process.argv.slice(2), processIo());
