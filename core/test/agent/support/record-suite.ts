/** What records of devices promise over every engine of the store. */
import { assert } from "chai";
import { createDeviceRecords, type NewDeviceRecord } from "../../../src/agent/device-records.ts";
import type { SealedAccounts, SealedSecurity } from "../../../src/agent/sealed-accounts.ts";
import { isFailure } from "../../../src/base/errors.ts";
import type { Store } from "../../../src/store/store.ts";

const psk = (pskIdentity: string): SealedSecurity => ({ mode: "PSK", pskIdentity, pskKey: "sealed" });
const accountsOf = (server: SealedSecurity, bootstrap: SealedSecurity = { mode: "NO_SEC" }): SealedAccounts => ({
  bootstrap,
  servers: [{ id: "0", security: server }],
});
const recordOf = (endpoint: string, accounts: SealedAccounts): NewDeviceRecord => ({
  endpoint,
  tenant: "t1",
  settings: {},
  groups: [],
  accounts,
});
const fieldOf = async (work: Promise<unknown>): Promise<unknown> => {
  try {
    await work;
  } catch (error) {
    assert(isFailure(error, "DUPLICATE"), String(error));
    return error.details["field"];
  }
  return assert.fail("nothing was thrown");
};

export function recordSuite(open: () => Promise<Store>): void {
  let store: Store;
  let records: ReturnType<typeof createDeviceRecords>;
  before(async () => {
    store = await open();
    records = createDeviceRecords(store);
    await records.reserve(recordOf("a", accountsOf(psk("id-a"), psk("bs-a"))));
    await records.complete("a", "1");
    await records.reserve(recordOf("b", accountsOf({ mode: "NO_SEC" })));
    await records.complete("b", "2");
  });
  after(() => store.close());

  it("endpoint and PSK identities are taken once, the field is named", async () => {
    assert.equal(await fieldOf(records.reserve(recordOf("a", accountsOf(psk("x"))))), "endpointId");
    const taken = [accountsOf(psk("id-a")), accountsOf(psk("y"), psk("bs-a"))];
    assert.equal(await fieldOf(records.reserve(recordOf("c", taken[0]!))), "serverSecurity.publicKeyOrId");
    assert.equal(await fieldOf(records.reserve(recordOf("c", taken[1]!))), "bootstrapSecurity.bootstrapId");
    assert.isUndefined(await records.find("c"));
  });

  it("the two connections are apart, and devices without identities do not hinder each other", async () => {
    await records.reserve(recordOf("d", accountsOf(psk("bs-a"), psk("id-a"))));
    await records.reserve(recordOf("e", accountsOf({ mode: "NO_SEC" })));
    assert.equal((await records.findByPsk("server", "bs-a"))?.endpoint, "d");
    assert.equal((await records.findByPsk("bootstrap", "bs-a"))?.endpoint, "a");
  });

  it("a change is one step, counted, and refused for what is taken or was changed meanwhile", async () => {
    const read = (await records.findByDevice("t1", "2"))!;
    assert.equal(await fieldOf(records.change(read, accountsOf(psk("id-a")))), "serverSecurity.publicKeyOrId");
    const changed = await records.change(read, accountsOf(psk("id-b")));
    assert.deepInclude(changed, { endpoint: "b", revision: 1, settling: true, accounts: accountsOf(psk("id-b")) });
    assert.isUndefined(await records.change(read, accountsOf(psk("id-c"))));
    assert.deepEqual(await records.unsettled(), [changed]);
    await records.settled(changed!);
    assert.isEmpty(await records.unsettled());
    assert.equal((await records.findByPsk("server", "id-b"))?.revision, 1);
  });
}
