/** libcoap's client as a device: the registration interface and block-wise transfer of another CoAP stack. */
import { assert } from "chai";
import { registerDevice } from "../harness/agent.ts";
import { eventsOf } from "../harness/documents.ts";
import { withHost } from "../harness/with-host.ts";
import { type LibcoapAnswer, type LibcoapRequest, libcoapRequest } from "./libcoap.ts";

const LINK_FORMAT = 40;
const REGISTRATION = "c8y_LWM2MDeviceRegistration";
const UPDATE = "c8y_LWM2MDeviceRegistrationUpdate";
const DEREGISTRATION = "c8y_LWM2MDeviceDeRegistration";

describe("interop/libcoap's client", () => {
  const suite = withHost();
  let endpoint: string;
  let deviceId: string;
  let count = 0;

  beforeEach(async () => {
    endpoint = `libcoap-${++count}`;
    deviceId = (await registerDevice(suite.api, { endpointId: endpoint })).id;
  });

  const ask = async (request: LibcoapRequest): Promise<LibcoapAnswer> => {
    const answer = await libcoapRequest(suite.host.coapPort, request);
    suite.onFailure(() => answer.output);
    return answer;
  };
  const register = (extra: Partial<LibcoapRequest> = {}): Promise<LibcoapAnswer> =>
    ask({
      method: "post",
      uri: `/rd?ep=${endpoint}&lt=60&lwm2m=1.0&b=U`,
      payload: "</1/0>,</3/0>,</3303/0>",
      contentFormat: LINK_FORMAT,
      ...extra,
    });
  const happenedOnce = (type: string) => eventsOf(suite.api, deviceId, type);

  it("registers, updates and de-registers, each from another port", async () => {
    const registered = await register();
    assert.equal(registered.code, "2.01");
    assert.match(registered.location!, /^\/rd\/[\w-]{10,}$/);
    assert.equal((await ask({ method: "post", uri: `${registered.location}?lt=120` })).code, "2.04");
    assert.equal((await ask({ method: "delete", uri: registered.location! })).code, "2.02");
    assert.equal((await ask({ method: "post", uri: registered.location! })).code, "4.04");
    for (const type of [REGISTRATION, UPDATE, DEREGISTRATION]) await happenedOnce(type);
  });

  it("registers with 3 kB of links in 64-byte blocks (RFC 7959 section 2.2)", async () => {
    const links = Array.from({ length: 300 }, (_, instance) => `</3303/${instance}>`);
    const payload = ["</1/0>", "</3/0>", ...links].join(",");
    assert.isAbove(payload.length, 3000);
    const { code, location } = await register({ payload, blockBytes: 64 });
    assert.equal(code, "2.01");
    assert.isString(location);
    await happenedOnce(REGISTRATION);
  });

  it("a Register whose first two datagrams are lost registers once (RFC 7252 section 4.2)", async () => {
    const { code } = await register({ lose: "1,2" });
    assert.equal(code, "2.01");
    await happenedOnce(REGISTRATION);
  });

  it("a non-confirmable Register is answered", async () => {
    assert.equal((await register({ confirmable: false })).code, "2.01");
  });

  it("an endpoint that nobody registered is refused with 4.03", async () => {
    assert.equal((await register({ uri: "/rd?ep=stranger&lt=60&lwm2m=1.0" })).code, "4.03");
  });

  it("a Register without an endpoint name is refused with 4.00", async () => {
    assert.equal((await register({ uri: "/rd?lt=60&lwm2m=1.0" })).code, "4.00");
  });

  it("a path that is not there is 4.04", async () => {
    assert.equal((await ask({ method: "get", uri: "/nothing/here" })).code, "4.04");
  });
});
