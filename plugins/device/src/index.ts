/** Device, object 3: manufacturer, model, serial number, firmware version (agent specification 1.1 and 8.4). */
import type { DefaultHandler, Effect, MappingAction, Plugin, ResourceValue } from "@mooring/sdk";

const DEVICE = 3;

/** What becomes of the text of a resource, for the device with that endpoint name. */
type Change = (text: string, endpoint: string) => Readonly<Record<string, string>>;

const hardware =
  (member: "model" | "serialNumber" | "revision"): Change =>
  text => ({ [`c8y_Hardware.${member}`]: text });

const CHANGES: readonly { readonly resourceId: number; readonly action: string; readonly change: Change }[] = [
  {
    resourceId: 0,
    action: "device:updateManufacturer",
    change: (manufacturer, endpoint) => ({ name: `LWM2M ${manufacturer} ${endpoint}` }),
  },
  { resourceId: 1, action: "device:updateModelNumber", change: hardware("model") },
  { resourceId: 2, action: "device:updateSerialNumber", change: hardware("serialNumber") },
  { resourceId: 3, action: "device:updateFirmwareVersion", change: hardware("revision") },
];

/** Nothing for an empty value, so that a device that does not know its own model leaves alone what people wrote. */
function apply(change: Change, { value }: ResourceValue, endpoint: string): readonly Effect[] {
  const text = typeof value === "object" ? "" : String(value).trim();
  return text === "" ? [] : [{ kind: "inventory", set: change(text, endpoint) }];
}

const ACTIONS: readonly MappingAction[] = CHANGES.map(({ action, change }) => ({
  name: action,
  run: ({ value, device }) => apply(change, value, device.endpoint),
}));

const HANDLER: DefaultHandler = {
  objectId: DEVICE,
  resources: CHANGES.map(({ resourceId }) => resourceId),
  run: ({ values, device }) =>
    values.flatMap(value => {
      const known = CHANGES.find(({ resourceId }) => resourceId === value.path[2]);
      return known ? apply(known.change, value, device.endpoint) : [];
    }),
};

export default {
  activate(host) {
    for (const action of ACTIONS) host.actions.add(action);
    host.handlers.add(HANDLER);
  },
} satisfies Plugin;
