import type { Socket } from "node:net";
import { createServer, type SecureVersion, type Server } from "node:tls";
import { readTlsFiles, TlsFileWatch, type TlsFiles } from "./tls-files";

export interface TlsOptions {
  readonly files: TlsFiles;
  /** Turns away clients without a certificate that `files.trustedCa` has signed. */
  readonly clientCertificates: boolean;
  readonly minVersion: SecureVersion;
  readonly maxVersion: SecureVersion;
  /** OpenSSL's names with colons between them; undefined: what Node thinks is safe. */
  readonly ciphers?: string | undefined;
}

export interface TlsDependencies {
  /** In milliseconds, from any origin. */
  readonly now: () => number;
  /** Takes what a client says inside its connection. */
  readonly opened: (socket: Socket) => void;
  /** Certificates on disk have changed: whether into something of use. */
  readonly reloaded: (error?: Error) => void;
}

/** A client that has nothing to say must not hold a connection. */
const HANDSHAKE_MS = 5000;

/** TLS on connections that somebody else has accepted. Certificates that are replaced on disk count for the next connection. */
export class TlsTermination {
  readonly #server: Server;
  readonly #watch: TlsFileWatch;

  /** @throws {TlsFilesError} */
  constructor(
    private readonly options: TlsOptions,
    private readonly dependencies: TlsDependencies,
  ) {
    const { files, clientCertificates, ...shared } = options;
    this.#watch = new TlsFileWatch(files, dependencies.now);
    this.#server = createServer({
      ...shared,
      ...readTlsFiles(files),
      requestCert: clientCertificates,
      rejectUnauthorized: clientCertificates,
      ALPNProtocols: ["h2", "http/1.1"],
      handshakeTimeout: HANDSHAKE_MS,
    });
    this.#server.on("secureConnection", dependencies.opened);
    this.#server.on("tlsClientError", () => undefined); // it has been dropped; who it was shows on the client's side
  }

  /** Begins a connection with a client; the socket is this object's from now on. */
  take(socket: Socket): void {
    this.#reload();
    this.#server.emit("connection", socket);
  }

  #reload(): void {
    try {
      const secrets = this.#watch.changed();
      if (secrets === undefined) return;
      const { minVersion, maxVersion, ciphers } = this.options;
      this.#server.setSecureContext({ ...secrets, minVersion, maxVersion, ...(ciphers && { ciphers }) });
      this.dependencies.reloaded();
    } catch (error) {
      this.dependencies.reloaded(error as Error);
    }
  }
}
