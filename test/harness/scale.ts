/**
 * Tests of many devices are small every day, whole where MOORING_TEST_SCALE=full asks for it, and with MOORING_TEST_SCALE=least as small
 * as they can be: on a store for which the numbers of every day are many.
 */
const scale = process.env["MOORING_TEST_SCALE"];

export const atScale = <T>(small: T, full: T, least = small): T =>
  scale === "full" ? full : scale === "least" ? least : small;
