import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { isIP } from "node:net";
import { messageOf } from "../command-error";
import type { PlannedCertificate } from "./check-plan";
import { failure, ok, warning, type Finding } from "./finding";

const DAY_MS = 86_400_000;
const SOON_DAYS = 30;
const PEM = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** Whether a certificate can be shown, and will be believed. @param nowMs Since 1970. */
export function checkCertificate(planned: PlannedCertificate, nowMs: number): Finding[] {
  const { flag, cert, key, trustedCa, hosts, isSignedByTrusted } = planned;
  try {
    const [own, ...between] = certificatesIn(cert);
    const roots = trustedCa === undefined ? [] : certificatesIn(trustedCa);
    const problems = [
      keyFinding(flag, own!, cert, key),
      ...[own!, ...between, ...roots].map((each) => validityFinding(flag, each, nowMs)),
      ...hosts.map((host) => hostFinding(flag, own!, host)),
      trustedCa === undefined || isVerified(own!, between, roots)
        ? undefined
        : signatureFinding(flag, trustedCa, isSignedByTrusted),
      isKeyOpen(key)
        ? warning(flag, {
            text: `${key} can be read by other users of this machine`,
            remedy: `chmod 600 ${key}`,
          })
        : undefined,
    ].filter((finding) => finding !== undefined);
    if (problems.length > 0) return problems;
    return [
      ok(
        flag,
        `${cert} is valid until ${new Date(own!.validTo).toISOString().slice(0, 10)}, and has its key`,
      ),
    ];
  } catch (error) {
    return [failure(flag, { text: messageOf(error), remedy: "Name PEM files that this user can read." })];
  }
}

function certificatesIn(path: string): X509Certificate[] {
  const found = readFileSync(path, "utf8").match(PEM) ?? [];
  if (found.length === 0) throw new Error(`${path} has no certificate in it`);
  return found.map((text) => new X509Certificate(text));
}

function keyFinding(flag: string, own: X509Certificate, cert: string, key: string): Finding | undefined {
  if (own.checkPrivateKey(createPrivateKey(readFileSync(key)))) return undefined;
  return failure(flag, {
    text: `the key in ${key} is not that of the certificate in ${cert}`,
    remedy: "Name the two that were made together.",
  });
}

function validityFinding(flag: string, each: X509Certificate, nowMs: number): Finding | undefined {
  const who = each.subject.replaceAll("\n", ", ") || `certificate ${each.serialNumber}`;
  const from = new Date(each.validFrom).getTime();
  const days = (new Date(each.validTo).getTime() - nowMs) / DAY_MS;
  if (nowMs < from)
    return failure(flag, {
      text: `${who} is not valid before ${new Date(from).toISOString()}`,
      remedy: "Look at the clock of this machine, or wait.",
    });
  if (days < 0) return failure(flag, { text: `${who} has expired on ${each.validTo}`, remedy: "Renew it." });
  if (days < SOON_DAYS)
    return warning(flag, {
      text: `${who} expires in ${Math.floor(days)} days`,
      remedy: "Renew it: files that are replaced count without a restart.",
    });
  return undefined;
}

function hostFinding(flag: string, own: X509Certificate, host: string): Finding | undefined {
  const isNamed = isIP(host) > 0 ? own.checkIP(host) : own.checkHost(host);
  if (isNamed !== undefined) return undefined;
  return failure(flag, {
    text: `${host} is advertised, and the certificate is for ${own.subjectAltName ?? "no host at all"}: nobody would believe it`,
    remedy: "Have it made for that host too (subject alternative names), or advertise another one.",
  });
}

/** Each is signed by the next one, and one of them by a root, or is one. */
function isVerified(
  own: X509Certificate,
  between: readonly X509Certificate[],
  roots: readonly X509Certificate[],
): boolean {
  let current = own;
  for (;;) {
    const issued = current;
    if (
      roots.some(
        (root) => issued.raw.equals(root.raw) || (issued.checkIssued(root) && issued.verify(root.publicKey)),
      )
    )
      return true;
    const next = between.find(
      (candidate) =>
        !candidate.raw.equals(issued.raw) &&
        issued.checkIssued(candidate) &&
        issued.verify(candidate.publicKey),
    );
    if (next === undefined) return false;
    current = next;
    between = between.filter((candidate) => candidate !== next);
  }
}

/** Brokers verify each other by that file; for clients it is about the clients' certificates, and the server's may be signed elsewhere. */
function signatureFinding(flag: string, trustedCa: string, isSignedByTrusted: boolean): Finding {
  const text = `the certificate is not signed by ${trustedCa}`;
  if (isSignedByTrusted)
    return failure(flag, {
      text: `${text}: the other members' brokers turn this one away`,
      remedy: "Have it signed there.",
    });
  return warning(flag, {
    text: `${text}, which is what clients' certificates are held against: they need another one for this server`,
    remedy: "Nothing, if clients have it.",
  });
}

function isKeyOpen(key: string): boolean {
  return (statSync(key).mode & 0o044) !== 0;
}
