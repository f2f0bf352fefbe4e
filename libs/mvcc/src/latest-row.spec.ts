import { utf8 } from "@quorate/base";
import { OWN_MEMORY } from "./byte-arena";
import { encodeLatest, keyValueOfLatest } from "./latest-row";
import { lease, revision } from "./testing/requests";

describe("a latest row", () => {
  it.each([0n, 1n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 0x1_0000_0000n])("carries lease %d", (id) => {
    const row = encodeLatest(revision(2), revision(2 ** 53 - 1), 3, lease(id), utf8("value"), OWN_MEMORY);
    expect(keyValueOfLatest(utf8("key"), row)).toEqual({
      key: utf8("key"),
      createRevision: 2,
      modRevision: 2 ** 53 - 1,
      version: 3,
      value: utf8("value"),
      lease: id,
    });
  });
});
