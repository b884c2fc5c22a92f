/** tshark, the command line of Wireshark (Debian `tshark`): what a dissector that nobody here wrote makes of a capture file. */
import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensurePrograms } from "./programs.ts";

export const prepareWireshark = (): void => ensurePrograms(["tshark"], ["tshark"]);

export interface Dissected {
  /** Of each packet, from the lowest layer up: `raw:ip:udp:coap`. */
  readonly protocols: string;
  /** `GET`, `2.05` ... as numbers of the code byte; empty where it is no CoAP. */
  readonly code: string;
  readonly comment: string;
  /** What Wireshark finds wrong, and how bad that is; empty: nothing. */
  readonly expert: string;
}

const FIELDS = ["frame.protocols", "coap.code", "frame.comment", "_ws.expert.message"] as const;

/** @throws Error with what tshark says when it does not read the file to its end without a word */
export async function dissect(file: Uint8Array): Promise<Dissected[]> {
  const folder = await mkdtemp(join(tmpdir(), "mooring-tshark-"));
  try {
    const path = join(folder, "recording.pcapng");
    await writeFile(path, file);
    // Checksums are checked too, which Wireshark leaves out unless told.
    const checks = ["ip.check_checksum:TRUE", "udp.check_checksum:TRUE"].flatMap(name => ["-o", name]);
    const args = ["-r", path, "-T", "fields", "-E", "separator=\t", ...checks, ...FIELDS.flatMap(name => ["-e", name])];
    const { status, stdout, stderr } = spawnSync("tshark", args, { encoding: "utf8" });
    const complaints = stderr.split("\n").filter(line => line !== "" && !line.startsWith("Running as user"));
    if (status !== 0 || complaints.length > 0) throw new Error(`tshark: ${status} ${complaints.join("\n")}`);
    return stdout
      .trimEnd()
      .split("\n")
      .map(line => {
        const [protocols = "", code = "", comment = "", expert = ""] = line.split("\t");
        // A comment is shown among what it finds as well.
        return { protocols, code, comment, expert: expert === comment ? "" : expert };
      });
  } finally {
    await rm(folder, { recursive: true });
  }
}
