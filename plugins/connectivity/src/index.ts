/** Connectivity monitoring, object 4: cell, network codes and signal strength (agent specification 1.1 and 8.4). */
import type { DefaultHandler, Effect, MappingAction, Plugin, ResourceValue } from "@mooring/sdk";
import { COPIED_FRAGMENT, signalStrength } from "./rssi.ts";

const CONNECTIVITY_MONITORING = 4;
const RADIO_SIGNAL_STRENGTH = 2;

type MobileMember = "cellId" | "mnc" | "mcc";

/** Resources of object 4 that are members of `c8y_Mobile`. */
const MEMBERS: ReadonlyMap<number, MobileMember> = new Map([
  [8, "cellId"],
  [9, "mnc"],
  [10, "mcc"],
]);

const setMobile = (member: MobileMember, { value }: ResourceValue): readonly Effect[] =>
  typeof value === "object" || value === ""
    ? []
    : [{ kind: "inventory", set: { [`c8y_Mobile.${member}`]: String(value) } }];

const mobileAction = (name: string, member: MobileMember, aliases: readonly string[] = []): MappingAction => ({
  name,
  aliases,
  run: ({ value }) => setMobile(member, value),
});

const ACTIONS: readonly MappingAction[] = [
  mobileAction("connectivity:updateCellId", "cellId"),
  // Existing device protocols may hold the misspelt name.
  mobileAction("connectivity:updateSmnc", "mnc", ["connectiviy:updateSmnc"]),
  mobileAction("connectivity:updateSmcc", "mcc"),
  {
    name: "connectivity:updateRssi",
    deviceFragments: [COPIED_FRAGMENT],
    run: ({ value, atMs, device }) => signalStrength(value, atMs, device),
  },
];

const HANDLER: DefaultHandler = {
  objectId: CONNECTIVITY_MONITORING,
  resources: [RADIO_SIGNAL_STRENGTH, ...MEMBERS.keys()],
  deviceFragments: [COPIED_FRAGMENT],
  run: ({ values, atMs, device }) =>
    values.flatMap(value => {
      const resourceId = value.path[2]!;
      if (resourceId === RADIO_SIGNAL_STRENGTH) return signalStrength(value, atMs, device);
      const member = MEMBERS.get(resourceId);
      return member ? setMobile(member, value) : [];
    }),
};

export default {
  activate(host) {
    for (const action of ACTIONS) host.actions.add(action);
    host.handlers.add(HANDLER);
  },
} satisfies Plugin;
