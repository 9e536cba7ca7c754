// The sizes of records, in units of 8 bytes: exact up to 1 KiB, above in steps of an eighth, so that few sizes can lie idle.

export const UNIT_BYTES = 8;

/** Sizes up to 2^7 units are exact; above, a power of two is divided in 2^3 steps. */
const EXACT_LOG2 = 7;
const STEPS_LOG2 = 3;
export const SIZES = 2 ** EXACT_LOG2 + 1 + (32 - EXACT_LOG2) * 2 ** STEPS_LOG2;

/** How many units a record of so many bytes takes. */
export function unitsOfBytes(bytes: number): number {
  const units = Math.ceil(bytes / UNIT_BYTES);
  if (units <= 2 ** EXACT_LOG2) return units;
  const step = 2 ** (logOf(units) - STEPS_LOG2);
  return Math.ceil(units / step) * step;
}

/** The number, below SIZES, of a size that unitsOfBytes gave. */
export function sizeOf(units: number): number {
  if (units <= 2 ** EXACT_LOG2) return units;
  const log = logOf(units);
  const step = (units >>> (log - STEPS_LOG2)) & (2 ** STEPS_LOG2 - 1);
  return 2 ** EXACT_LOG2 + (log - EXACT_LOG2) * 2 ** STEPS_LOG2 + step;
}

function logOf(units: number): number {
  return 31 - Math.clz32(units);
}
