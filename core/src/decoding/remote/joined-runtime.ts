/** One runtime for all decoders: those with a source go to the sandbox, services to where they are. */
import type { SecretBox } from "../../base/secret-box.ts";
import type { DecodeFailureReason, DecoderRuntime, DecoderStats } from "../../sandbox/decoder-runtime.ts";
import { ownerOf } from "../decoder-directory.ts";
import type { CallReason, RemoteRuntime, ServiceStats } from "./remote-runtime.ts";
import { openService } from "./sealed-service.ts";

const REASONS: Readonly<Record<Exclude<CallReason, "ok">, DecodeFailureReason>> = {
  invalidResult: "invalidResult",
  address: "unavailable",
  unreachable: "unavailable",
  timeout: "callFailed",
  status: "callFailed",
  redirect: "callFailed",
  tooLarge: "callFailed",
  closed: "callFailed",
  notJson: "callFailed",
};

function statsOf({ id, calls, pause: _, ...figures }: ServiceStats): DecoderStats {
  const { ok = 0, ...faults } = calls;
  const failed: Partial<Record<DecodeFailureReason, number>> = {};
  for (const [fault, count] of Object.entries(faults)) {
    const reason = REASONS[fault as keyof typeof REASONS];
    failed[reason] = (failed[reason] ?? 0) + count;
  }
  const none = { batches: 0, cpuMs: 0, onProbation: false, hostDeaths: 0 };
  return { ...figures, ...none, id, owner: ownerOf({ id }), kind: "remote", decoded: ok, failed };
}

export function joinRuntimes(sandbox: DecoderRuntime, remote: RemoteRuntime, box: SecretBox): DecoderRuntime {
  return {
    async load(id, decoder) {
      const { manifest, source, language } = decoder;
      if (language !== "service") return sandbox.load(id, decoder);
      remote.load(id, manifest, openService(source, id, box));
    },
    unload(id) {
      remote.unload(id);
      sandbox.unload(id);
    },
    release(id) {
      remote.release(id);
      sandbox.release(id);
    },
    has: id => remote.has(id) || sandbox.has(id),
    decode: (id, input, options) =>
      remote.has(id) ? remote.decode(id, input, options) : sandbox.decode(id, input, options),
    stats() {
      const stats = sandbox.stats();
      return { ...stats, decoders: [...stats.decoders, ...remote.stats().map(statsOf)] };
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([sandbox[Symbol.asyncDispose](), remote[Symbol.asyncDispose]()]);
    },
  };
}
