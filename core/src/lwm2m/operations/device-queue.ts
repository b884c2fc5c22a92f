/**
 * One job at a time per device, in order. Jobs wait while the device is asleep or not registered and go on when it is heard again. Devices
 * in the field answer 5.03 to a second request while a first is open, so nothing runs beside it.
 */
import { MooringError } from "../../base/errors.ts";
import type { Registration } from "../registration/registration.ts";

/** @param signal aborted when the registration ends or the host stops: the job ends at once with EXCHANGE_CANCELLED or CLOSED */
export type DeviceJob<T> = (registration: Registration, signal: AbortSignal) => Promise<T>;

export interface DeviceQueueParts {
  /** Most jobs that wait for one device. */
  readonly maxJobs: number;
  /** The registration when the device can be reached now, else undefined. */
  reachable(endpoint: string): Registration | undefined;
  /** The device was heard while a job runs: what it may have slept through is sent again. */
  repeat(endpoint: string): void;
}

export interface DeviceQueues extends Disposable {
  /** @throws MooringError OVERLOADED when the queue is full, EXCHANGE_CANCELLED when it was emptied, CLOSED; else as the job does */
  run<T>(endpoint: string, job: DeviceJob<T>): Promise<T>;
  /** The device was heard: what waits may run. It starts after the current message has been answered. */
  wake(endpoint: string): void;
  /** Ends the running job with EXCHANGE_CANCELLED, `details {ended}`; those that wait stay for the next registration. */
  interrupt(endpoint: string, ended: string): void;
  /** Ends the running job and those that wait. */
  clear(endpoint: string, ended: string): void;
  /** Jobs of one device, the running one included. */
  length(endpoint: string): number;
}

interface Waiting {
  start(registration: Registration, signal: AbortSignal): Promise<void>;
  refuse(error: MooringError): void;
}

interface Queue {
  readonly waiting: Waiting[];
  running: AbortController | undefined;
}

const cancelled = (ended: string): MooringError =>
  new MooringError("EXCHANGE_CANCELLED", `the registration has ended (${ended})`, { ended });
const closedError = (): MooringError => new MooringError("CLOSED", "the host is stopping");

export function createDeviceQueues(parts: DeviceQueueParts): DeviceQueues {
  const queues = new Map<string, Queue>();
  let closed = false;

  function pump(endpoint: string): void {
    const queue = queues.get(endpoint);
    if (!queue || queue.running || closed) return;
    if (queue.waiting.length === 0) {
      queues.delete(endpoint);
      return;
    }
    const registration = parts.reachable(endpoint);
    if (!registration) return;
    const next = queue.waiting.shift()!;
    queue.running = new AbortController();
    void next.start(registration, queue.running.signal).then(() => {
      queue.running = undefined;
      pump(endpoint);
    });
  }

  /** After the answer to the current message has left: the device listens only then. */
  const pumpSoon = (endpoint: string): void => void setImmediate(() => pump(endpoint));

  function refuseAll(queue: Queue, error: MooringError): void {
    for (const waiting of queue.waiting.splice(0)) waiting.refuse(error);
    queue.running?.abort(error);
  }

  return {
    run<T>(endpoint: string, job: DeviceJob<T>): Promise<T> {
      if (closed) return Promise.reject(closedError());
      const queue = queues.get(endpoint) ?? { waiting: [], running: undefined };
      queues.set(endpoint, queue);
      if (queue.waiting.length >= parts.maxJobs) {
        return Promise.reject(
          new MooringError("OVERLOADED", `${parts.maxJobs} requests wait for ${endpoint} already`, { endpoint }),
        );
      }
      return new Promise<T>((resolve, reject) => {
        queue.waiting.push({
          start: async (registration, signal) => {
            try {
              resolve(await job(registration, signal));
            } catch (error) {
              reject(error);
            }
          },
          refuse: reject,
        });
        pumpSoon(endpoint);
      });
    },
    wake(endpoint) {
      if (queues.size === 0 || !queues.has(endpoint)) return;
      setImmediate(() => {
        if (queues.get(endpoint)?.running) parts.repeat(endpoint);
        else pump(endpoint);
      });
    },
    interrupt: (endpoint, ended) => queues.get(endpoint)?.running?.abort(cancelled(ended)),
    clear(endpoint, ended) {
      const queue = queues.get(endpoint);
      if (!queue) return;
      refuseAll(queue, cancelled(ended));
      if (!queue.running) queues.delete(endpoint);
    },
    length(endpoint) {
      const queue = queues.get(endpoint);
      return queue ? queue.waiting.length + (queue.running ? 1 : 0) : 0;
    },
    [Symbol.dispose]() {
      closed = true;
      for (const queue of queues.values()) refuseAll(queue, closedError());
    },
  };
}
