/**
 * At most once: a sliding window over a key's counters, as IPsec has it (RFC 4303, 3.4.3). Commands may overtake each
 * other by up to 64; what is older or was seen is refused. Plain JSON, stored in the same transaction as the intent.
 */

export interface Window {
  highest: number;
  /** Bit n: highest − n was seen. Hex, because JSON has no 64-bit integers. */
  seen: string;
}

const SIZE = 64;
const MASK = (1n << BigInt(SIZE)) - 1n;

export const EMPTY: Window = { highest: -1, seen: '0' };

/** The window after this counter, or undefined when it was seen or is too old. */
export function admit(window: Window, counter: number): Window | undefined {
  const seen = BigInt(`0x${window.seen}`);
  const ahead = counter - window.highest;
  if (ahead > 0) {
    const shifted = ahead >= SIZE ? 0n : (seen << BigInt(ahead)) & MASK;
    return { highest: counter, seen: (shifted | 1n).toString(16) };
  }
  const bit = -ahead >= SIZE ? 0n : 1n << BigInt(-ahead);
  if (bit === 0n || (seen & bit) !== 0n) return undefined;
  return { highest: window.highest, seen: (seen | bit).toString(16) };
}
