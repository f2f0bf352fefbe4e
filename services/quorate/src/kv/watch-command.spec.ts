import { KeyValue, type WatchEvent } from "@quorate/client";
import { renderEvent } from "./watch-command";

const keyValue = (fields: Partial<KeyValue>): KeyValue =>
  new KeyValue({
    key: Buffer.from("a"),
    value: Buffer.from("8"),
    createRevision: 2,
    modRevision: 28,
    version: 6,
    lease: 0n,
    ...fields,
  });

const put: WatchEvent = {
  type: "put",
  revision: 28,
  keyValue: keyValue({}),
  isNew: false,
  previous: keyValue({ value: Buffer.from("4"), modRevision: 12, version: 5 }),
};
const deletion: WatchEvent = {
  type: "delete",
  revision: 29,
  keyValue: keyValue({ value: Buffer.from(""), createRevision: 0, modRevision: 29, version: 0 }),
  isNew: false,
  previous: undefined,
};

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

describe("the output of watch", () => {
  it("is the type, what was before, and what is now", () => {
    expect(text(renderEvent(put, "simple"))).toBe("PUT\na\n4\na\n8\n");
    expect(text(renderEvent(deletion, "simple"))).toBe("DELETE\na\n\n");
  });

  it("is a response of its own in JSON, with its revision as the header", () => {
    expect(text(renderEvent(put, "json"))).toBe(
      '{"Header":{"revision":28},"Events":[{"kv":{"key":"YQ==","create_revision":2,"mod_revision":28,"version":6,' +
        '"value":"OA=="},"prev_kv":{"key":"YQ==","create_revision":2,"mod_revision":12,"version":5,"value":"NA=="}}],' +
        '"CompactRevision":0,"Canceled":false,"Created":false}\n',
    );
    expect(text(renderEvent(deletion, "json"))).toContain(
      '"Events":[{"type":1,"kv":{"key":"YQ==","mod_revision":29}}]',
    );
  });

  it("is fields, the type unquoted as etcdctl has it", () => {
    expect(text(renderEvent(deletion, "fields"))).toBe(
      '"Revision" : 29\n"Type" : DELETE\n"Key" : "a"\n"CreateRevision" : 0\n"ModRevision" : 29\n' +
        '"Version" : 0\n"Value" : ""\n"Lease" : 0\n',
    );
  });
});
