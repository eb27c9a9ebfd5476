/** Times in bins that double. Pure. */

export interface Bin {
  from: number;
  to: number;
  count: number;
}

/** Returns bins that double in width, from the one with the shortest to the one with the longest time (in seconds). */
export function binned(seconds: readonly number[]): Bin[] {
  const exponents = seconds.map((value) => Math.max(-2, Math.ceil(Math.log2(Math.max(value, 0.25)))));
  if (!exponents.length) return [];
  const [first, last] = [Math.min(...exponents), Math.max(...exponents)];
  return Array.from({ length: last - first + 1 }, (_, at) => {
    const exponent = first + at;
    return { from: exponent === -2 ? 0 : 2 ** (exponent - 1), to: 2 ** exponent, count: exponents.filter((one) => one === exponent).length };
  });
}
