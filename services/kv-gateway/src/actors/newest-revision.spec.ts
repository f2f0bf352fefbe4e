import { etcdserverpb } from "@quorate/wire";
import { NewestRevision } from "./newest-revision";

function answer(revision: number): { ok: true; bytes: Uint8Array } {
  return {
    ok: true,
    bytes: etcdserverpb.PutResponse.encode({ header: { clusterId: 7, revision } }).finish(),
  };
}

describe("NewestRevision", () => {
  it("is that of the last response that came, and never falls", () => {
    const newest = new NewestRevision();
    expect(newest.value).toBe(0);
    newest.note([answer(5), answer(6), { ok: false }]);
    expect(newest.value).toBe(6);
    newest.note([answer(4)]);
    newest.note([{ ok: false }]);
    newest.note([{ ok: true, bytes: new Uint8Array(0) }]);
    expect(newest.value).toBe(6);
  });
});
