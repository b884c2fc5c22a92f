/** Many deletions as short ones, so that other writes come in between. */

/** Rows of one slice. */
export const SLICE = 500;

/** Deletes slice by slice, `size` at most, until one is not full. */
export async function inSlices(deleteSlice: () => Promise<number>, size = SLICE): Promise<void> {
  while ((await deleteSlice()) === size);
}
