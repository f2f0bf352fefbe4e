import { readFileSync, statSync } from "node:fs";
import { createSecureContext, type SecureContextOptions } from "node:tls";

/** Paths of PEM files. */
export interface TlsFiles {
  /** The server's certificate, and those between it and its root. */
  readonly cert: string;
  readonly key: string;
  /** Whose signature under a client's certificate counts; without it the roots that come with Node. */
  readonly trustedCa?: string;
  /** Certificates of clients that count no more. */
  readonly crl?: string;
}

/** What the files hold. */
export type TlsSecrets = Pick<SecureContextOptions, "cert" | "key" | "ca" | "crl">;

/** Certificates cannot be read, or do not fit together. */
export class TlsFilesError extends Error {
  override readonly name = "TlsFilesError";
  readonly code = "tls-files";
}

/** How often it is looked whether the files have changed, at the most, in milliseconds. */
const LOOK_EVERY_MS = 1000;

/** Certificates that are replaced on disk while the process runs, as they are when they are about to expire. */
export class TlsFileWatch {
  #lookedAt: number;
  #stamp: string;

  /** @param now In milliseconds, from any origin. */
  constructor(
    private readonly files: TlsFiles,
    private readonly now: () => number,
  ) {
    this.#lookedAt = now();
    this.#stamp = stampOf(files);
  }

  /**
   * @returns what the files hold if they are others than at the last call; never more often than once per second.
   * @throws {TlsFilesError} they changed, and are of no use; after they have changed again they are looked at again.
   */
  changed(): TlsSecrets | undefined {
    if (this.now() - this.#lookedAt < LOOK_EVERY_MS) return undefined;
    this.#lookedAt = this.now();
    const stamp = stampOf(this.files);
    if (stamp === this.#stamp) return undefined;
    this.#stamp = stamp;
    return readTlsFiles(this.files);
  }
}

/** @throws {TlsFilesError} */
export function readTlsFiles({ cert, key, trustedCa, crl }: TlsFiles): TlsSecrets {
  try {
    const secrets: TlsSecrets = {
      cert: readFileSync(cert),
      key: readFileSync(key),
      ...(trustedCa === undefined ? {} : { ca: readFileSync(trustedCa) }),
      ...(crl === undefined ? {} : { crl: readFileSync(crl) }),
    };
    createSecureContext(secrets); // throws if they do not fit together
    return secrets;
  } catch (error) {
    throw new TlsFilesError(`Cannot use the certificate ${cert}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** Differs once a file was replaced or written. */
function stampOf(files: TlsFiles): string {
  return Object.values(files)
    .map((path: string) => {
      const stat = statSync(path, { throwIfNoEntry: false });
      return `${stat?.ino}:${stat?.size}:${stat?.mtimeMs}`;
    })
    .join(" ");
}
