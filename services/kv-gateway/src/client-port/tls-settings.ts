import { listOf, matching, oneOf, onOrOff, text } from "@quorate/config";
import type { TlsOptions } from "./tls-termination";

/** OpenSSL's names for those suites of TLS 1.2 that keep secrets when a key is lost later (RFC 5289, RFC 7905). */
const SUITES: ReadonlyMap<string, string> = new Map([
  ["TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256"],
  ["TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384"],
  ["TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"],
  ["TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305", "ECDHE-ECDSA-CHACHA20-POLY1305"],
  ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256"],
  ["TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384"],
  ["TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA-CHACHA20-POLY1305"],
  ["TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305", "ECDHE-RSA-CHACHA20-POLY1305"],
]);
/** The suites of TLS 1.3 are safe, all of them, and cannot be chosen in etcd either. */
const SUITES_OF_13 = "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256";

const VERSIONS = { "TLS1.2": "TLSv1.2", "TLS1.3": "TLSv1.3" } as const;

/** Flags with etcd's names; meant to be spread into the options of a service. */
export const TLS_SETTINGS = {
  certFile: {
    schema: text().optional(),
    description: "certificate for https:// addresses, as PEM; what replaces it on disk counts from then on",
  },
  keyFile: { schema: text().optional(), description: "its key" },
  trustedCaFile: {
    schema: text().optional(),
    description: "who signs the clients' certificates, as PEM; without one of them no client gets in",
  },
  clientCertAuth: {
    schema: onOrOff(),
    description: "whether clients need a certificate; --trusted-ca-file alone means that too",
    default: false,
  },
  clientCrlFile: {
    schema: text().optional(),
    description: "certificates of clients that count no more, as PEM",
  },
  cipherSuites: {
    schema: listOf(
      matching(new RegExp([...SUITES.keys()].join("|")), "one of TLS 1.2 with forward secrecy"),
    ).optional(),
    description: "what TLS 1.2 may be spoken with, by the names of the IANA",
  },
  tlsMinVersion: {
    schema: oneOf("TLS1.2", "TLS1.3"),
    description: "the oldest TLS spoken",
    default: "TLS1.2",
  },
  tlsMaxVersion: { schema: oneOf("TLS1.2", "TLS1.3"), description: "the newest", default: "TLS1.3" },
} as const;

/** What {@link TLS_SETTINGS} become. */
export interface TlsSettings {
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
  readonly trustedCaFile?: string | undefined;
  readonly clientCertAuth: boolean;
  readonly clientCrlFile?: string | undefined;
  readonly cipherSuites?: readonly string[] | undefined;
  readonly tlsMinVersion: keyof typeof VERSIONS;
  readonly tlsMaxVersion: keyof typeof VERSIONS;
}

/** @returns A sentence for each rule between them that is broken. */
export function checkTlsSettings(settings: TlsSettings, urls: readonly string[]): string[] {
  const { certFile, keyFile, trustedCaFile, clientCertAuth, clientCrlFile } = settings;
  const problems: string[] = [];
  if ((certFile === undefined) !== (keyFile === undefined))
    problems.push("--cert-file and --key-file need each other");
  if (certFile === undefined && urls.some((url) => url.startsWith("https:")))
    problems.push("an https:// address needs --cert-file and --key-file");
  if (clientCertAuth && trustedCaFile === undefined)
    problems.push("--client-cert-auth needs --trusted-ca-file: who may sign clients' certificates");
  if (clientCrlFile !== undefined && trustedCaFile === undefined)
    problems.push("--client-crl-file needs --trusted-ca-file");
  if (VERSIONS[settings.tlsMinVersion] > VERSIONS[settings.tlsMaxVersion])
    problems.push("--tls-min-version is above --tls-max-version");
  return problems;
}

/** @returns `undefined` without a certificate. */
export function tlsOptionsOf(settings: TlsSettings): TlsOptions | undefined {
  const { certFile, keyFile, trustedCaFile, clientCrlFile, cipherSuites } = settings;
  if (certFile === undefined || keyFile === undefined) return undefined;
  const suites = cipherSuites?.map((name) => SUITES.get(name)!);
  return {
    files: {
      cert: certFile,
      key: keyFile,
      ...(trustedCaFile !== undefined && { trustedCa: trustedCaFile }),
      ...(clientCrlFile !== undefined && { crl: clientCrlFile }),
    },
    clientCertificates: trustedCaFile !== undefined,
    minVersion: VERSIONS[settings.tlsMinVersion],
    maxVersion: VERSIONS[settings.tlsMaxVersion],
    ciphers: suites && [SUITES_OF_13, ...suites].join(":"),
  };
}
