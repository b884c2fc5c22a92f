/** A device protocol that somebody proposes: the stored form (agent specification 7.1), with what differs from the one in force checked as when it is saved. */
import { isDeepStrictEqual } from "node:util";
import { isFailure } from "../base/errors.ts";
import { invalid } from "../platform/body.ts";
import { type DeviceProtocol, PROTOCOL_FRAGMENT } from "./device-protocol.ts";
import { readProtocol, readResourceMappings } from "./schema.ts";

type Members = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Members =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** An error names the place in the proposal. */
function below<T>(at: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!isFailure(error, "VALIDATION")) throw error;
    const { field, rule } = error.details as { readonly field: string; readonly rule: string };
    throw invalid(field.startsWith("[") ? `${at}${field}` : `${at}.${field}`, rule);
  }
}

/**
 * @param value    `{objectId, objectModel?, resourceMappings, objectInstanceActions?}`, or a managed object that holds it; without a model
 *                 the one in force counts
 * @param at       its name in errors
 * @param inForce  the protocol in force for an object
 * @throws MooringError VALIDATION with `details {field, rule}`
 */
export function readProposal(
  value: unknown,
  at: string,
  inForce: (objectId: number) => DeviceProtocol | undefined,
): DeviceProtocol {
  if (!isObject(value)) throw invalid(at, "must be an object");
  const given = isObject(value[PROTOCOL_FRAGMENT]) ? value[PROTOCOL_FRAGMENT] : value;
  const { objectId } = given;
  if (typeof objectId !== "number") throw invalid(`${at}.objectId`, "must be the number of an object");
  const known = inForce(objectId);
  const objectModel = given["objectModel"] ?? known?.objectModel;
  if (objectModel === undefined) throw invalid(`${at}.objectModel`, "is missing, and none is known of this object");
  const stored = {
    ...{ id: known?.id ?? "", owner: "", creationTimeMs: 0, lastUpdatedMs: 0 },
    fragments: { [PROTOCOL_FRAGMENT]: { ...given, objectModel } },
  };
  const protocol = below(at, () => readProtocol(stored as never));
  const changed = Object.entries(protocol.resourceMappings).filter(
    ([id, mapping]) => !isDeepStrictEqual(mapping, known?.resourceMappings[id]),
  );
  if (changed.length > 0) {
    below(`${at}.resourceMappings`, () => readResourceMappings(Object.fromEntries(changed), protocol.objectModel));
  }
  return { ...protocol, id: known?.id, otherVersions: known?.otherVersions ?? [] };
}
