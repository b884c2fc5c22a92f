import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert } from "chai";
import { isFailure, type MooringError } from "../../src/base/errors.ts";
import type { PluginPage } from "../../src/contract/plugin-web.ts";
import { createPages } from "../../src/plugin-host/pages.ts";

const PAGE: PluginPage = { name: "meters", title: "Meters", folder: "pages/meters" };

describe("plugin-host/pages", () => {
  let home: string;
  before(async () => {
    home = await mkdtemp(join(tmpdir(), "mooring-pages-"));
    await mkdir(join(home, "pages/meters/sub"), { recursive: true });
    await mkdir(join(home, "pages/meters-more"));
    await writeFile(join(home, "secret.js"), "secret");
    await writeFile(join(home, "pages/meters-more/x.js"), "secret");
    await writeFile(join(home, "pages/meters/index.html"), "<p>");
    await writeFile(join(home, "pages/meters/app.js"), "1");
    await writeFile(join(home, "pages/meters/.env"), "secret");
    await writeFile(join(home, "pages/meters/sub/a.bin"), "2");
    await symlink(join(home, "secret.js"), join(home, "pages/meters/link.js"));
    await symlink(home, join(home, "pages/meters/up"));
  });
  after(() => rm(home, { recursive: true }));

  function open(page: PluginPage = PAGE) {
    const pages = createPages();
    const added = pages.add("acme", home, page);
    return { pages, added };
  }

  for (const [path, contentType, text] of [
    ["", "text/html;charset=UTF-8", "<p>"],
    ["index.html", "text/html;charset=UTF-8", "<p>"],
    ["app.js", "text/javascript;charset=UTF-8", "1"],
    ["sub/a.bin", "application/octet-stream", "2"],
    ["%61pp.js", "text/javascript;charset=UTF-8", "1"],
  ] as const) {
    it(`serves "${path}" as ${contentType}`, async () => {
      const file = await open().pages.file("acme", "meters", path);
      assert.deepEqual([file.contentType, Buffer.from(file.bytes).toString()], [contentType, text]);
    });
  }

  for (const path of [
    "../../secret.js",
    "..%2f..%2fsecret.js",
    "%2e%2e/%2e%2e/secret.js",
    "sub/../../../secret.js",
    "..\\..\\secret.js",
    "/etc/passwd",
    "%2Fetc%2Fpasswd",
    "../meters-more/x.js",
    "link.js",
    "up/secret.js",
    ".env",
    "app.js%00.html",
    "app.js/",
    "sub",
    "sub/",
    "none.js",
    "%ff",
  ]) {
    it(`serves nothing at "${path}"`, async () => {
      const error = await open()
        .pages.file("acme", "meters", path)
        .catch((failure: unknown) => failure);
      assert.isTrue(isFailure(error, "NOT_FOUND"), String(error));
    });
  }

  it("another index; a page that is gone; one of another plugin", async () => {
    const { pages, added } = open({ ...PAGE, index: "app.js" });
    assert.equal((await pages.file("acme", "meters", "")).contentType, "text/javascript;charset=UTF-8");
    assert.deepEqual(
      pages.list().map(({ plugin, page }) => [plugin, page.name, page.title]),
      [["acme", "meters", "Meters"]],
    );
    const other = await pages.file("other", "meters", "").catch((failure: unknown) => failure);
    assert.isTrue(isFailure(other, "NOT_FOUND"));
    added[Symbol.dispose]();
    const gone = await pages.file("acme", "meters", "").catch((failure: unknown) => failure);
    assert.isTrue(isFailure(gone, "NOT_FOUND"));
  });

  for (const [what, page, field] of [
    ["a name with a slash", { ...PAGE, name: "a/b" }, "name"],
    ["no title", { ...PAGE, title: "" }, "title"],
    ["a folder above", { ...PAGE, folder: "../x" }, "folder"],
    ["the plugin's own folder", { ...PAGE, folder: "." }, "folder"],
    ["an absolute folder", { ...PAGE, folder: "/etc" }, "folder"],
    ["a hidden folder", { ...PAGE, folder: "a/.git" }, "folder"],
    ["an index elsewhere", { ...PAGE, index: "../x" }, "index"],
    ["a name that is taken", PAGE, "name"],
  ] as const) {
    it(`bad input: ${what}`, () => {
      const { pages } = open();
      try {
        pages.add("acme", home, page);
      } catch (error) {
        assert.isTrue(isFailure(error, "PLUGIN_INVALID"), String(error));
        assert.equal((error as MooringError).details["field"], field);
        return;
      }
      assert.fail("was accepted");
    });
  }
});
