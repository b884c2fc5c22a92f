/** The composite operations of LwM2M 1.1 (Core 1.1.1 sections 6.3.8, 6.3.9 and 6.4.7): several paths of any objects in one exchange. */
import { MooringError } from "../../base/errors.ts";
import { codecFor } from "../codecs/codec-table.ts";
import { encodePathList } from "../codecs/path-list.ts";
import { pathSet } from "../observation/observation-target.ts";
import type { Observations } from "../observation/observations.ts";
import { formatPath, type Lwm2mPath } from "../path.ts";
import type { Registration } from "../registration/registration.ts";
import type { ResourceValue } from "../resource-value.ts";
import { readCompositeRequest, segmentsOf, writeCompositeRequest } from "../wire/to-coap.ts";
import { answerOf, assertVersion, CONTENT_REFUSALS, type DeviceExchange, endEarlier } from "./device-exchange.ts";
import type { FormatChoice } from "./format-choice.ts";
import type { DeviceRequests } from "./requests.ts";

type CompositeRequests = Pick<
  DeviceRequests,
  "readComposite" | "writeComposite" | "observeComposite" | "cancelComposite"
>;

const missing = (what: string): MooringError => new MooringError("VALIDATION", `a composite operation needs ${what}`);

/** Each path once, in the order of first appearance. */
function setOf(paths: readonly Lwm2mPath[]): Lwm2mPath[] {
  const distinct = [...new Map(paths.map(path => [formatPath(path), path])).values()];
  if (distinct.length === 0) throw missing("at least one path");
  return distinct;
}

interface CompositeParts {
  readonly exchange: DeviceExchange;
  readonly observations: Observations;
  readonly choice: FormatChoice;
}

export function createCompositeRequests({ exchange, observations, choice }: CompositeParts): CompositeRequests {
  const rootOf = ({ rootPath }: Registration): readonly string[] => segmentsOf(rootPath, []);

  /** Instances are never gathered under a resource: what is written is what was named, in the order in which it was. */
  function assertWritable(registration: Registration, values: readonly ResourceValue[]): void {
    if (values.length === 0) throw missing("at least one value");
    const { models } = exchange.contextOf(registration, []);
    for (const { path } of values) {
      if (path.length !== 3 || !models.resource(path[0]!, path[2]!)?.multiple) continue;
      const text = formatPath(path);
      const rule = `name the instances, such as ${text}/0`;
      throw new MooringError("VALUE_TYPE", `${text} may have several instances: ${rule}`, { path: text });
    }
  }

  return {
    async readComposite(registration, paths, options = {}) {
      assertVersion(registration, "1.1", "composite reads");
      const target = pathSet(setOf(paths));
      const context = exchange.contextOf(registration, []);
      const { response } = await exchange.withFormats(registration, "answer", CONTENT_REFUSALS, accept => {
        const contentFormat = choice.listFormat(registration, accept);
        const payload = encodePathList(contentFormat, target.paths!, context);
        const request = readCompositeRequest(rootOf(registration), { contentFormat, payload }, accept);
        return exchange.send(registration, request, options);
      });
      return exchange.valuesAnswer(registration, target, response);
    },

    async writeComposite(registration, values, options = {}) {
      assertVersion(registration, "1.1", "composite writes");
      assertWritable(registration, values);
      const context = exchange.contextOf(registration, []);
      const encode = (contentFormat: number) => codecFor(contentFormat).encode(values, context);
      const { response } = await exchange.sendContent(registration, "write", encode, content =>
        exchange.send(registration, writeCompositeRequest(rootOf(registration), content), options),
      );
      return answerOf(response);
    },

    async observeComposite(registration, paths, options = {}) {
      assertVersion(registration, "1.1", "composite observations");
      const target = pathSet(setOf(paths));
      if (observations.find(registration.id, target)) await endEarlier(exchange, registration, target, options);
      return exchange.observe(registration, target, CONTENT_REFUSALS, options);
    },

    async cancelComposite(registration, paths, how, options = {}) {
      assertVersion(registration, "1.1", "composite observations");
      return exchange.cancel(registration, pathSet(setOf(paths)), how, options);
    },
  };
}
