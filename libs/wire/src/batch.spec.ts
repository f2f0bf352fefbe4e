import {
  decodeBatchRequest,
  decodeBatchResponse,
  encodeBatchRequest,
  encodeBatchResponse,
  type BatchCall,
} from "./batch";

const kinds: readonly BatchCall["kind"][] = ["range", "put", "delete-range", "txn", "compact"];

describe("batches of calls", () => {
  it("come back as they were sent, empty requests included", () => {
    const calls = kinds.map((kind, length) => ({ kind, bytes: new Uint8Array(length) }));
    const decoded = decodeBatchRequest(encodeBatchRequest(calls));
    expect(decoded.map(({ kind, bytes }) => [kind, bytes.length])).toEqual(
      kinds.map((kind, length) => [kind, length]),
    );
  });

  it("are answered one by one", () => {
    const error = {
      ok: false,
      code: 14,
      message: "etcdserver: request timed out",
      unknownOutcome: true,
    } as const;
    const [first, second] = decodeBatchResponse(
      encodeBatchResponse([{ ok: true, bytes: new Uint8Array(0) }, error]),
    );
    expect(first).toMatchObject({ ok: true });
    expect(second).toEqual(error);
  });

  it("are malformed with a call of no known kind", () => {
    expect(() => decodeBatchRequest(Uint8Array.of(0x0a, 0))).toThrow("its kind is not known");
    expect(() => decodeBatchResponse(Uint8Array.of(0x0a, 0))).toThrow("it is neither");
  });
});
