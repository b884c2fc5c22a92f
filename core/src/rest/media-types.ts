/** Media types of the platform: `application/vnd.com.nsn.cumulocity.<type>+json` beside plain JSON (platform API 2.1). */

const VENDOR = /^application\/vnd\.com\.nsn\.cumulocity\.[\w.-]{1,80}\+json$/i;
const PARAMETERS = ";charset=UTF-8;ver=0.9";

export type VendorType =
  | "managedObject"
  | "managedObjectCollection"
  | "managedObjectReference"
  | "managedObjectReferenceCollection"
  | "externalId"
  | "externalIdCollection"
  | "measurement"
  | "measurementCollection"
  | "alarm"
  | "alarmCollection"
  | "event"
  | "eventCollection"
  | "operation"
  | "operationCollection"
  | "currentTenant"
  | "currentUser"
  | "loginOptionCollection"
  | "option"
  | "optionCollection"
  | "error";

const vendorType = (name: VendorType): string =>
  `application/vnd.com.nsn.cumulocity.${name.toLowerCase()}+json${PARAMETERS}`;

/** The bare types of an Accept header, in its order; anything unreadable is passed over, never refused. */
function acceptedTypes(accept: string): string[] {
  return accept
    .split(",")
    .map(part => part.split(";", 1)[0]!.trim().toLowerCase())
    .filter(type => type !== "");
}

/**
 * The Content-Type of an answer. Plain JSON is answered with plain JSON, a vendor type with that vendor type, anything
 * else (also an absent header) with the resource's own type; a browser gets JSON that it can show.
 * @param accept the request's Accept header, however malformed
 */
export function answerType(accept: string | undefined, own: VendorType): string {
  for (const type of acceptedTypes(accept ?? "")) {
    if (type === "application/json" || type === "text/html") return "application/json;charset=UTF-8";
    if (VENDOR.test(type)) return `${type}${PARAMETERS}`;
  }
  return vendorType(own);
}

/** The same for an error: never under the vendor type of the resource that there is none of. */
export function errorType(accept: string | undefined): string {
  const answered = answerType(accept, "error");
  return answered.startsWith("application/json") ? answered : vendorType("error");
}

/** Whether a Content-Type names that vendor type, whatever its case and parameters. */
export function isVendorType(contentType: string | undefined, name: VendorType): boolean {
  const bare = (contentType ?? "").split(";", 1)[0]!.trim().toLowerCase();
  return bare === `application/vnd.com.nsn.cumulocity.${name.toLowerCase()}+json`;
}
