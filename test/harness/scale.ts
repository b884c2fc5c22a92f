/** Tests of many devices are small every day, and whole where MOORING_TEST_SCALE=full asks for it. */
const isFull = process.env["MOORING_TEST_SCALE"] === "full";

export const atScale = <T>(small: T, full: T): T => (isFull ? full : small);
