import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Publisher, startPublisher, whole } from "../../test/support/publisher.ts";
import { expectedChecksum, findChecksum } from "./checksums.ts";

const hex = "a".repeat(64);
const { signal } = new AbortController();

test.each([
  [`${hex}  tool.zip\n`, "as sha256sum writes it"],
  [`${"b".repeat(64)}  other.zip\n${hex} *tool.zip\n`, "in binary mode"],
  [`${hex.toUpperCase()}  ./tool.zip`, "in capitals, with a folder, without a last newline"],
  [`${hex}\n`, "alone"],
  [
    `{"releases": [{"archive": "beta/other.zip", "sha256": "${"b".repeat(64)}"}, {\n"archive": "stable/tool.zip",\n "sha256": "${hex}"}]}`,
    "in a list of releases",
  ],
])("finds a file's checksum %#: %s", (list) => {
  expect(findChecksum(list, "tool.zip")).toBe(hex);
});

test.each([`${hex}  tool.zip.sig\n`, `${hex.slice(1)}  tool.zip\n`, "<html>not found</html>", ""])(
  "finds nothing in a list that does not name it: %s",
  (list) => {
    expect(findChecksum(list, "tool.zip")).toBeUndefined();
  },
);

describe("the expected checksum", () => {
  let publisher: Publisher;
  beforeEach(async () => {
    publisher = await startPublisher();
  });
  afterEach(() => publisher[Symbol.asyncDispose]());

  test("is the locked one, and the publisher is not asked", async () => {
    const download = { url: `${publisher.url}/tool.zip`, checksums: `${publisher.url}/SUMS`, sha256: hex };
    expect(await expectedChecksum(download, signal)).toBe(hex);
    expect(publisher.requests).toEqual([]);
  });

  test("comes from the publisher's list when none is locked", async () => {
    publisher.routes.set("/SUMS", [whole(`${hex}  tool.zip\n`)]);
    expect(
      await expectedChecksum({ url: `${publisher.url}/tool.zip`, checksums: `${publisher.url}/SUMS` }, signal),
    ).toBe(hex);
  });

  test("is unknown for a publisher without a list", async () => {
    expect(await expectedChecksum({ url: `${publisher.url}/tool.zip` }, signal)).toBeUndefined();
  });

  test.each([undefined, `${hex}  another.zip\n`])(
    "cannot be had from a list that is missing or silent: %s",
    async (list) => {
      if (list !== undefined) publisher.routes.set("/SUMS", [whole(list)]);
      const download = { url: `${publisher.url}/tool.zip`, checksums: `${publisher.url}/SUMS` };
      await expect(expectedChecksum(download, signal)).rejects.toMatchObject({ code: "E-DOWNLOAD" });
    },
  );
});
