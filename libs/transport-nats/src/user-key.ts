import { createPrivateKey, createPublicKey, randomBytes, sign, type KeyObject } from "node:crypto";

/** First byte of what a user's key is written as, so that base32 shows it as U; of a seed the five bits before it are S. */
const USER = 20 << 3;
const SEED = 18 << 3;
/** What comes before the 32 bytes of an Ed25519 key in PKCS #8 (RFC 8410). */
const PKCS8 = Buffer.from("302e020100300506032b657004220420", "hex");
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const SEED_BYTES = 36;

/**
 * What a user of a broker proves who he is by: an nkey, which is an Ed25519 key in writing of its own. The package's signatures are
 * JavaScript, and hold up everything else for a tenth of a second and more at each connection.
 */
export class UserKey {
  /** What the broker knows the user by. */
  readonly publicKey: string;
  readonly #private: KeyObject;

  private constructor(raw: Uint8Array) {
    this.#private = createPrivateKey({ key: Buffer.concat([PKCS8, raw]), format: "der", type: "pkcs8" });
    const spki = createPublicKey(this.#private).export({ format: "der", type: "spki" });
    this.publicKey = written([USER], spki.subarray(-32));
  }

  /** @returns `undefined` if it is no seed of a user, or a damaged one. */
  static ofSeed(seed: string): UserKey | undefined {
    const bytes = fromBase32(seed);
    if (bytes?.length !== SEED_BYTES || bytes[0] !== (SEED | (USER >> 5)) || bytes[1] !== (USER & 31) << 3)
      return undefined;
    const content = bytes.subarray(0, -2);
    return bytes.readUInt16LE(SEED_BYTES - 2) === crc16(content)
      ? new UserKey(content.subarray(2))
      : undefined;
  }

  /** The secret of a user that did not exist. */
  static newSeed(): string {
    return written([SEED | (USER >> 5), (USER & 31) << 3], randomBytes(32));
  }

  /** The answer to what a broker wants signed. */
  sign(nonce: string): string {
    return sign(undefined, Buffer.from(nonce), this.#private).toString("base64url");
  }
}

function written(prefix: readonly number[], raw: Uint8Array): string {
  const content = Buffer.from([...prefix, ...raw]);
  const check = crc16(content);
  return toBase32(Buffer.from([...content, check & 0xff, check >> 8]));
}

/** With the polynomial 0x1021, from 0 on ("XMODEM"). */
function crc16(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1) crc = ((crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff;
  }
  return crc;
}

function toBase32(bytes: Uint8Array): string {
  const bits = Array.from(bytes, (byte) => byte.toString(2).padStart(8, "0")).join("");
  return bits.replaceAll(/.{1,5}/g, (five) => ALPHABET[parseInt(five.padEnd(5, "0"), 2)]!);
}

function fromBase32(text: string): Buffer | undefined {
  if (!/^[A-Z2-7]*$/.test(text)) return undefined;
  const bits = Array.from(text, (letter) => ALPHABET.indexOf(letter).toString(2).padStart(5, "0")).join("");
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((eight) => parseInt(eight, 2)));
}
