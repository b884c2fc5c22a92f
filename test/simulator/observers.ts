/** The observations a device holds (RFC 7641): one per token, with the stream that `coap` sends notifications on. */
import type { ObserveWriteStream } from "coap";
import { covers, type Path } from "./resource.ts";

export interface Observer {
  readonly path: Path;
  readonly accept: number | undefined;
  readonly token: Buffer;
  readonly stream: ObserveWriteStream;
}

export interface Observers {
  /** Replaces the observation of the same token. */
  add(observer: Observer): void;
  /** Forgets the observation silently. */
  remove(token: Buffer): void;
  clear(): void;
  paths(): readonly Path[];
  /** Notifies every observer of `path` or of what holds it; `content` undefined sends nothing. */
  changed(path: Path, content: (observer: Observer) => { format: number; payload: Buffer } | undefined): void;
}

/** @param nextMessageId shared with the device's requests: one server must not see an id twice */
export function createObservers(nextMessageId: () => number): Observers {
  const observers = new Map<string, Observer>();
  const remove = (token: Buffer): void => {
    observers.delete(token.toString("hex"));
  };
  return {
    add(observer) {
      const key = observer.token.toString("hex");
      observers.set(key, observer);
      // `coap` ends the stream when the server answers a notification by Reset, or not at all.
      observer.stream.once("finish", () => {
        if (observers.get(key) === observer) remove(observer.token);
      });
    },
    remove,
    clear: () => observers.clear(),
    paths: () => [...observers.values()].map(observer => observer.path),
    changed(path, content) {
      for (const observer of observers.values()) {
        if (!covers(observer.path, path)) continue;
        const made = content(observer);
        if (!made) continue;
        observer.stream.setOption("Content-Format", made.format);
        observer.stream._packet.messageId = nextMessageId();
        observer.stream.write(made.payload);
      }
    },
  };
}
