/** The certificates of `fixtures/certificates`; `make.sh` there says what each is. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Certificate } from "../../../src/x509/certificate.ts";
import { readCertificates } from "../../../src/x509/pem.ts";

const FOLDER = fileURLToPath(new URL("../../fixtures/certificates/", import.meta.url));

export const pem = (name: string): string => readFileSync(`${FOLDER}${name}.pem`, "utf8");
export const keyPem = (name: string): string => pem(`${name}.key`);
export const certificate = (name: string): Certificate => readCertificates(pem(name))[0]!;
export const certificates = (...names: readonly string[]): Certificate[] => names.map(certificate);
/** One file with several. */
export const chainPem = (...names: readonly string[]): string => names.map(pem).join("");

/** All of them are good then, but for the one that has expired. */
export const NOW_MS = Date.UTC(2030, 0, 1);
