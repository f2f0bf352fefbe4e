import { nkeys } from "nats";
import { UserKey } from "./user-key";

/** What the broker would use to look at a signature. */
const reference = nkeys as {
  fromSeed(seed: Uint8Array): { getPublicKey(): string };
  fromPublic(key: string): { verify(input: Uint8Array, signature: Uint8Array): boolean };
  createAccount(): { getSeed(): Uint8Array };
};

describe("UserKey", () => {
  it("makes keys and signatures that are those of the nkeys package", () => {
    const seed = UserKey.newSeed();
    const key = UserKey.ofSeed(seed)!;
    expect(seed).toMatch(/^SU[A-Z2-7]{56}$/);
    expect(key.publicKey).toBe(reference.fromSeed(Buffer.from(seed)).getPublicKey());
    const signature = Buffer.from(key.sign("nonce"), "base64url");
    const known = reference.fromPublic(key.publicKey);
    expect(known.verify(Buffer.from("nonce"), signature)).toBe(true);
    expect(UserKey.newSeed()).not.toBe(seed);
  });

  it("takes nothing else for a seed, nor one with a letter wrong", () => {
    const seed = UserKey.newSeed();
    const wrong = `${seed.slice(0, 20)}${seed[20] === "A" ? "B" : "A"}${seed.slice(21)}`;
    const { publicKey } = UserKey.ofSeed(seed)!;
    const account = Buffer.from(reference.createAccount().getSeed()).toString();
    for (const text of ["", "SU", wrong, seed.toLowerCase(), seed.slice(1), publicKey, account])
      expect(UserKey.ofSeed(text)).toBeUndefined();
  });
});
