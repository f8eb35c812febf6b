/** Numbers as a DL/T 645 meter writes them: BCD, low byte first, the sign in the top bit of the last byte. */

/** `digits` decimal digits of a whole number that is not negative; too large a one saturates. */
export function bcd(value: number, bytes: number): Uint8Array {
  const largest = 10 ** (2 * bytes) - 1;
  let rest = Math.min(largest, Math.max(0, Math.round(value)));
  return Uint8Array.from({ length: bytes }, () => {
    const pair = rest % 100;
    rest = Math.floor(rest / 100);
    return (Math.floor(pair / 10) << 4) | (pair % 10);
  });
}

/** With `decimals` behind the point, unsigned. */
export function fixed(value: number, bytes: number, decimals: number): Uint8Array {
  return bcd(value * 10 ** decimals, bytes);
}

/** Sign and magnitude: the sign takes the top bit, so the leading digit reaches 7. */
export function signed(value: number, bytes: number, decimals: number): Uint8Array {
  const largest = 8 * 10 ** (2 * bytes - 1) - 1;
  const out = bcd(Math.min(largest, Math.abs(value) * 10 ** decimals), bytes);
  const zero = out.every((byte) => byte === 0);
  if (value < 0 && !zero) out[bytes - 1] = out[bytes - 1]! | 0x80;
  return out;
}

/** ASCII comes reversed, padded with NUL at the front. */
export function ascii(text: string, bytes: number): Uint8Array {
  const out = new Uint8Array(bytes);
  for (let i = 0; i < bytes && i < text.length; i++) out[i] = text.charCodeAt(text.length - 1 - i);
  return out;
}

/** Twelve digits, low byte first. */
export function digits(text: string): Uint8Array {
  return Uint8Array.from({ length: text.length / 2 }, (_, i) => {
    const at = text.length - 2 - 2 * i;
    return Number.parseInt(text.slice(at, at + 2), 16);
  });
}

/** The parts of civil time that `format` names, in this order: Y M D W h m s, each one BCD byte. */
export function time(localMs: number, format: string): Uint8Array {
  const date = new Date(localMs);
  const parts: Record<string, number> = {
    Y: date.getUTCFullYear() % 100,
    M: date.getUTCMonth() + 1,
    D: date.getUTCDate(),
    W: date.getUTCDay(),
    h: date.getUTCHours(),
    m: date.getUTCMinutes(),
    s: date.getUTCSeconds(),
  };
  return joined([...format].map((part) => bcd(parts[part] ?? 0, 1)));
}

/** Civil time from the same parts, or undefined where they are none. */
export function parseTime(bytes: Uint8Array, format: string, base: number): number | undefined {
  const now = new Date(base);
  const parts: Record<string, number> = {
    Y: now.getUTCFullYear() % 100,
    M: now.getUTCMonth() + 1,
    D: now.getUTCDate(),
    h: now.getUTCHours(),
    m: now.getUTCMinutes(),
    s: now.getUTCSeconds(),
  };
  for (const [i, part] of [...format].entries()) {
    const byte = bytes[i];
    if (byte === undefined || (byte & 0x0f) > 9 || byte >> 4 > 9) return undefined;
    parts[part] = (byte >> 4) * 10 + (byte & 0x0f);
  }
  const { Y, M, D, h, m, s } = parts as Record<'Y' | 'M' | 'D' | 'h' | 'm' | 's', number>;
  if (M < 1 || M > 12 || D < 1 || D > 31 || h > 23 || m > 59 || s > 59) return undefined;
  return Date.UTC(2000 + Y, M - 1, D, h, m, s);
}

export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
