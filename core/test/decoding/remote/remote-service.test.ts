import { assert } from "chai";
import { MooringError } from "../../../src/base/errors.ts";
import { createSeededRandom } from "../../../src/base/random.ts";
import { createSecretBox } from "../../../src/base/secret-box.ts";
import {
  checkAddress,
  checkRemoteService,
  originOf,
  pathOf,
  type RemoteService,
} from "../../../src/decoding/remote/remote-service.ts";
import { openService, sealService, shownService } from "../../../src/decoding/remote/sealed-service.ts";

const url = "https://decoders.example.com/gauge";
const ruleOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    if (error instanceof MooringError) return error.message;
    throw error;
  }
  return "";
};

describe("decoding/remote/remote-service", () => {
  const refused: readonly (readonly [service: unknown, says: string])[] = [
    [{}, "service.url is missing"],
    [{ url: 5 }, "service.url must be string"],
    [{ url: "decoders.example.com" }, "service.url must be an absolute URL"],
    [{ url: "file:///etc/passwd" }, "service.url must begin with http:// or https://"],
    [{ url: "https://a:b@example.com" }, "service.url must hold no user and password"],
    [{ url: "https://example.com/?" }, "service.url must have neither query nor fragment"],
    [{ url: "https://example.com/#x" }, "service.url must have neither query nor fragment"],
    [{ url, secret: 1 }, "service.secret is not known here"],
    [{ url, headers: { "Content-Length": "1" } }, "service.headers.Content-Length is set by the host"],
    [{ url, headers: { accept: "text/html" } }, "service.headers.accept is set by the host"],
    [{ url, headers: { x: "a\nb: c" } }, "service.headers.x must be printable ASCII"],
    [{ url, headers: { x: "" } }, "service.headers.x must be printable ASCII"],
    [{ url, batch: { maxItems: 1 } }, "service.batch.maxItems"],
    [{ url, batch: { maxItems: 50, path: "decode?x" } }, "service.batch.path must be a path such as /decode/batch"],
  ];
  for (const [service, says] of refused) {
    it(`${JSON.stringify(service)}: ${says}`, () =>
      assert.include(
        ruleOf(() => checkRemoteService(service)),
        says,
      ));
  }

  it("calls go below the path of the URL, with or without a slash at its end", () => {
    for (const [at, path] of [
      ["https://example.com", "/decode"],
      ["https://example.com/", "/decode"],
      ["https://example.com/service/gauge", "/service/gauge/decode"],
      ["https://example.com:8443/a//", "/a/decode"],
    ] as const) {
      assert.equal(pathOf({ url: at }, "/decode"), path);
    }
    assert.equal(originOf({ url: "https://Example.com:443/x" }), "https://example.com");
  });

  it("an address that is not public is refused before any call, in any spelling, but for allowed origins", () => {
    for (const host of ["127.0.0.1", "127.1", "0x7f000001", "[::1]", "[::ffff:10.0.0.1]", "169.254.169.254", "0"]) {
      const service = { url: `http://${host}:8080/x` };
      assert.match(
        ruleOf(() => checkAddress(service, [])),
        /service\.url must not be an? .+ decoding\.allowedOrigins/,
        host,
      );
      checkAddress(service, [originOf(service)]);
    }
    checkAddress({ url: "http://8.8.8.8" }, []);
    checkAddress({ url }, []);
  });

  describe("sealed", () => {
    const box = createSecretBox(new Uint8Array(32), createSeededRandom(1));
    const service: RemoteService = { url, headers: { Authorization: "Bearer abc" }, batch: { maxItems: 50 } };
    const sealed = sealService(service, "t1/gauge@1.0.0", box);

    it("opens as it was, and holds no header's value", () => {
      assert.notInclude(sealed, "Bearer");
      assert.deepEqual(openService(sealed, "t1/gauge@1.0.0", box), service);
    });
    it("is shown with names of headers alone", () => {
      assert.deepEqual(shownService(sealed), { ...service, headers: { Authorization: "<<Encrypted>>" } });
    });
    it("opens for no other decoder, and under no other key", () => {
      const other = createSecretBox(new Uint8Array(32).fill(1), createSeededRandom(1));
      for (const open of [
        () => openService(sealed, "t2/gauge@1.0.0", box),
        () => openService(sealed, "t1/gauge@1.0.0", other),
      ]) {
        assert.throws(open, MooringError, "cannot be opened");
      }
    });
  });
});
