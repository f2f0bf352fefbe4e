import { readFileSync, statSync } from "node:fs";
import type { Authenticator, TlsOptions } from "nats";
import { BrokerAccessError } from "./errors";
import type { NatsTransportOptions } from "./options";
import { UserKey } from "./user-key";

/** Where brokers are, and how to log in there, as flags say it. Files are PEM but for the credentials. */
export interface BrokerSettings {
  /** `nats://host:port`, or `nats://user:password@host:port`. */
  readonly natsUrl: readonly string[];
  /** A file with the seed of an nkey, or one that `nsc` has made (`.creds`). */
  readonly brokerCredentials?: string | undefined;
  /** Who signs the brokers' certificates. */
  readonly brokerTrustedCaFile?: string | undefined;
  /** Of this client, for brokers that ask for one. */
  readonly brokerCertFile?: string | undefined;
  readonly brokerKeyFile?: string | undefined;
}

/** Those of the options of a transport that say where it connects, and as whom. */
export interface BrokerAccess extends Pick<
  NatsTransportOptions,
  "servers" | "user" | "pass" | "authenticator" | "tls"
> {
  /** One token that stands for who logs in; `undefined` for nobody. */
  readonly login: string | undefined;
}

/** Of a public key: enough of it for no two users to be alike. */
const LOGIN_CHARACTERS = 16;
/** In a creds file. */
const USER_JWT = /-----BEGIN NATS USER JWT-----\s+(\S+)\s/;
const USER_NAME = /^[A-Za-z0-9_-]{1,64}$/;

/**
 * Reads what it names.
 *
 * @throws {BrokerAccessError} A file is missing, is none of its kind or is everybody's to read, or two things contradict each other.
 */
export function brokerAccess(settings: BrokerSettings): BrokerAccess {
  const { natsUrl, brokerCredentials } = settings;
  const tls = tlsOf(settings);
  const urls = natsUrl.map(takeApart);
  const [inUrl] = urls.flatMap(({ user, pass }) => (user === undefined ? [] : [{ user, pass }]));
  const access = { servers: urls.map(({ server }) => server), ...(tls && { tls }) };
  if (brokerCredentials !== undefined) {
    if (inUrl !== undefined)
      throw new BrokerAccessError("Give the broker's credentials as a file or in its URL, not both");
    return { ...access, ...credentialsIn(brokerCredentials) };
  }
  if (inUrl === undefined) return { ...access, login: undefined };
  const others = urls.filter(({ user, pass }) => user !== inUrl.user || pass !== inUrl.pass);
  if (others.length > 0) throw new BrokerAccessError("All brokers must be given the same user and password");
  if (!USER_NAME.test(inUrl.user))
    throw new BrokerAccessError("The user in a broker's URL must be 1 to 64 letters, digits, _ and -");
  return { ...access, ...inUrl, login: inUrl.user };
}

/** A new user's secret, for a file, and what the broker knows it by. */
export function newBrokerCredentials(): { readonly seed: string; readonly publicKey: string } {
  const seed = UserKey.newSeed();
  return { seed, publicKey: UserKey.ofSeed(seed)!.publicKey };
}

/**
 * What the broker knows the user by whose secret this file holds.
 *
 * @throws {BrokerAccessError}
 */
export function publicKeyIn(path: string): string {
  return keyIn(contentOf(path), path).publicKey;
}

/** The token that stands for the user with this public key, see {@link BrokerAccess}. */
export function loginOf(publicKey: string): string {
  return publicKey.slice(0, LOGIN_CHARACTERS);
}

function credentialsIn(path: string): { readonly authenticator: Authenticator; readonly login: string } {
  const content = contentOf(path);
  const key = keyIn(content, path);
  const jwt = USER_JWT.exec(content)?.[1];
  return {
    authenticator: (nonce = "") => ({
      nkey: key.publicKey,
      sig: key.sign(nonce),
      ...(jwt !== undefined && { jwt }),
    }),
    login: loginOf(key.publicKey),
  };
}

function contentOf(path: string): string {
  try {
    if ((statSync(path).mode & 0o007) !== 0)
      throw new BrokerAccessError(
        `Everybody may read the credentials in ${path}: take that away (chmod 600, or defaultMode: 0440 of a Kubernetes volume)`,
      );
    return readFileSync(path, "utf8").trim();
  } catch (cause) {
    if (cause instanceof BrokerAccessError) throw cause;
    throw new BrokerAccessError(
      `Cannot read the broker's credentials in ${path} (${(cause as Error).message})`,
      {
        cause,
      },
    );
  }
}

/** Never quotes what it found: it may be a secret, of another kind. */
function keyIn(content: string, path: string): UserKey {
  const lines = content.split("\n").map((line) => line.trim());
  const candidates = lines.length === 1 || USER_JWT.test(content) ? lines : [];
  const key = candidates.map((line) => UserKey.ofSeed(line)).find((found) => found !== undefined);
  if (key === undefined)
    throw new BrokerAccessError(
      `${path} holds no credentials of a user: one line with the seed of an nkey (SU...), or what nsc calls a creds file`,
    );
  return key;
}

function tlsOf({
  brokerTrustedCaFile,
  brokerCertFile,
  brokerKeyFile,
}: BrokerSettings): TlsOptions | undefined {
  if ((brokerCertFile === undefined) !== (brokerKeyFile === undefined))
    throw new BrokerAccessError("--broker-cert-file and --broker-key-file need each other");
  const files = { ca: brokerTrustedCaFile, cert: brokerCertFile, key: brokerKeyFile };
  const given = Object.entries(files).flatMap(([kind, path]) =>
    path === undefined ? [] : [[kind, pemIn(path)] as const],
  );
  return given.length === 0 ? undefined : Object.fromEntries(given);
}

function pemIn(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new BrokerAccessError(`Cannot read ${path} (${(cause as Error).message})`, { cause });
  }
}

/** The package does not take a user out of a URL, and must not show it in errors. */
function takeApart(url: string): { readonly server: string; readonly user?: string; readonly pass: string } {
  const match = /^([a-z]+:\/\/)?([^@/:]*)(?::([^@/]*))?@(.+)$/.exec(url);
  if (match === null) return { server: url, pass: "" };
  const [, scheme = "", user = "", pass = "", host = ""] = match;
  return { server: `${scheme}${host}`, user: decodeURIComponent(user), pass: decodeURIComponent(pass) };
}
