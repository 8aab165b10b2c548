import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes, sign, X509Certificate } from "node:crypto";
import type { SecretStore } from "./store.ts";

/** A certificate and its key, both PEM. */
export interface Certificate {
  readonly certificate: string;
  readonly key: string;
}

const day = 86_400_000;
/** An authority outlives everything that it signs; what it signs lasts as long as clients accept (825 days). */
const authorityDays = 3650;
const leafDays = 397;
/** A certificate is made anew when it has less than this left. */
const renewDays = 30;

/** Makes a certificate authority of a team's own: P-256, ten years, allowed to sign servers' certificates and nothing below itself. */
export function makeAuthority(name: string): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const extensions = [
    extension(oid.basicConstraints, der(0x30, [boolean(true), integer(0)]), true),
    extension(oid.keyUsage, Buffer.from([0x03, 0x02, 0x01, 0x06]), true),
  ];
  return issue(name, name, publicKey, privateKey, authorityDays, extensions, privateKey);
}

/** A server's certificate for `addresses` (IPv4) and `names`, signed by `authority`. */
export function makeServerCertificate(
  authority: Certificate,
  addresses: readonly string[],
  names: readonly string[],
): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const alternatives = [
    ...names.map((name) => der(0x82, [Buffer.from(name)])),
    ...addresses.map((address) => der(0x87, [Buffer.from(address.split(".").map(Number))])),
  ];
  const extensions = [
    extension(oid.basicConstraints, der(0x30, []), true),
    extension(oid.keyUsage, Buffer.from([0x03, 0x02, 0x07, 0x80]), true),
    extension(oid.extendedKeyUsage, der(0x30, [objectId(oid.serverAuth)])),
    extension(oid.subjectAltName, der(0x30, alternatives)),
  ];
  const issuer = new X509Certificate(authority.certificate).subject.replace(/^CN=/, "");
  const signer = createPrivateKey(authority.key);
  return issue(names[0] ?? addresses[0] ?? "server", issuer, publicKey, signer, leafDays, extensions, privateKey);
}

/** Whether a server's certificate is by this authority, for all of these, and lasts for a while yet. */
export function stillGood(
  leaf: string,
  authority: string,
  addresses: readonly string[],
  names: readonly string[],
): boolean {
  const certificate = new X509Certificate(leaf);
  return (
    certificate.verify(new X509Certificate(authority).publicKey) &&
    Date.parse(certificate.validTo) - Date.now() > renewDays * day &&
    addresses.every((address) => certificate.checkIP(address) !== undefined) &&
    names.every((name) => certificate.checkHost(name) !== undefined)
  );
}

/** The team's own authority, in PEM: none, one, or while it is rotated two, the older first. */
export function teamAuthorities(secrets: Pick<SecretStore, "get">): string[] {
  const paths = ["rotation.tls.authority.old", "tls.authority", "rotation.tls.authority.next"];
  return paths.flatMap((path) => secrets.get(`${path}.certificate`)?.reveal() ?? []);
}

function issue(
  subject: string,
  issuer: string,
  publicKey: KeyObject,
  signer: KeyObject,
  days: number,
  extensions: readonly Buffer[],
  key: KeyObject,
): Certificate {
  const algorithm = der(0x30, [objectId(oid.ecdsaWithSha256)]);
  const serial = randomBytes(16);
  // Positive and without a leading zero.
  serial[0] = (serial[0]! & 0x7f) | 0x40;
  // A clock that is a little behind should not refuse it.
  const from = Date.now() - day;
  const body = der(0x30, [
    der(0xa0, [integer(2)]),
    der(0x02, [serial]),
    algorithm,
    commonName(issuer),
    der(0x30, [time(from), time(from + (days + 1) * day)]),
    commonName(subject),
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, [der(0x30, extensions)]),
  ]);
  const signature = der(0x03, [Buffer.from([0]), sign("sha256", body, signer)]);
  const base64 = der(0x30, [body, algorithm, signature])
    .toString("base64")
    .replace(/.{1,64}/g, "$&\n");
  return {
    certificate: `-----BEGIN CERTIFICATE-----\n${base64}-----END CERTIFICATE-----\n`,
    key: key.export({ type: "pkcs8", format: "pem" }) as string,
  };
}

// The few words of DER that a certificate takes.

const oid = {
  ecdsaWithSha256: "1.2.840.10045.4.3.2",
  commonName: "2.5.4.3",
  basicConstraints: "2.5.29.19",
  keyUsage: "2.5.29.15",
  extendedKeyUsage: "2.5.29.37",
  subjectAltName: "2.5.29.17",
  serverAuth: "1.3.6.1.5.5.7.3.1",
} as const;

function der(tag: number, parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

function objectId(text: string): Buffer {
  const [first, second, ...rest] = text.split(".").map(Number);
  const base128 = (value: number): number[] => {
    const digits = [value & 0x7f];
    for (let left = value >> 7; left > 0; left >>= 7) digits.unshift((left & 0x7f) | 0x80);
    return digits;
  };
  return der(0x06, [Buffer.from([first! * 40 + second!, ...rest.flatMap(base128)])]);
}

const integer = (value: number): Buffer => der(0x02, [Buffer.from([value])]);
const boolean = (value: boolean): Buffer => der(0x01, [Buffer.from([value ? 0xff : 0])]);
const time = (at: number): Buffer => der(0x18, [Buffer.from(new Date(at).toISOString().replace(/[-:T]|\.\d+/g, ""))]);
const commonName = (name: string): Buffer =>
  der(0x30, [der(0x31, [der(0x30, [objectId(oid.commonName), der(0x0c, [Buffer.from(name)])])])]);
const extension = (id: string, value: Buffer, critical = false): Buffer =>
  der(0x30, [objectId(id), ...(critical ? [boolean(true)] : []), der(0x04, [value])]);
