/**
 * Who may see the page: one password per device, printed on its label. Only its scrypt hash is on the disk; guesses are
 * slowed down for everybody at once, because behind a service port all come from one address.
 */
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { LRUCache } from 'lru-cache';

const KEY_BYTES = 32;
/** 16 MB and some 50 ms on a small ARM core: a thousand guesses cost a minute of it. */
const COST = { N: 16_384, r: 8, p: 1 } as const;
const SESSION_MS = 8 * 3_600_000;
const SESSIONS_MAX = 32;
const GUESSES_PER_MINUTE = 5;

const derive = promisify<string, Uint8Array, number, typeof COST, Buffer>(scrypt);

/** `salt:hash` in hex, for the file that `provision` writes. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  return `${salt.toString('hex')}:${(await derive(password, salt, KEY_BYTES, COST)).toString('hex')}`;
}

export type LoginResult = { ok: true; token: string } | { ok: false; reason: 'wrong' | 'slow-down' };

export interface Sessions {
  /** @param nowMs monotonic time */
  login(password: string, nowMs: number): Promise<LoginResult>;
  known(token: string | undefined, nowMs: number): boolean;
  logout(token: string): void;
}

/** @param stored what `hashPassword` gave */
export function openSessions(stored: string): Sessions {
  const [salt = '', hash = ''] = stored.trim().split(':');
  const expected = Buffer.from(hash, 'hex');
  const tokens = new LRUCache<string, number>({ max: SESSIONS_MAX });
  let guesses: number[] = [];
  return {
    async login(password, nowMs) {
      guesses = guesses.filter((at) => nowMs - at < 60_000);
      if (guesses.length >= GUESSES_PER_MINUTE) return { ok: false, reason: 'slow-down' };
      guesses.push(nowMs);
      const given = await derive(password, Buffer.from(salt, 'hex'), KEY_BYTES, COST);
      if (expected.length !== KEY_BYTES || !timingSafeEqual(given, expected)) return { ok: false, reason: 'wrong' };
      guesses = [];
      const token = randomBytes(24).toString('base64url');
      tokens.set(token, nowMs + SESSION_MS);
      return { ok: true, token };
    },
    known: (token, nowMs) => token !== undefined && (tokens.get(token) ?? 0) > nowMs,
    logout: (token) => void tokens.delete(token),
  };
}
