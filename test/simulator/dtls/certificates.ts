/** Certificates and keys of the tests, by the name of their files in core/test/fixtures/certificates. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { CertificateCredentials, RawKeyCredentials } from "./client-options.ts";

const FOLDER = join(import.meta.dirname, "../../../core/test/fixtures/certificates");

/** Path of `<name>.pem`. */
export const certificateFile = (name: string): string => join(FOLDER, `${name}.pem`);
export const privateKeyFile = (name: string): string => join(FOLDER, `${name}.key.pem`);

export const certificate = (name: string): X509Certificate => new X509Certificate(readFileSync(certificateFile(name)));

/** @param name of the leaf @param issuers of certificates that go along, nearest first */
export const certificateCredentials = (name: string, ...issuers: readonly string[]): CertificateCredentials => ({
  chain: [name, ...issuers].map(each => certificate(each).raw),
  privateKey: createPrivateKey(readFileSync(privateKeyFile(name))),
});

export const rawKeyCredentials = (name: string): RawKeyCredentials => ({
  privateKey: createPrivateKey(readFileSync(privateKeyFile(name))),
});
