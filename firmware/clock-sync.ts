/**
 * Whether the wall clock can be believed: the kernel knows if a time service keeps it (adjtimex(2), TIME_ERROR means
 * nobody does). A gateway without a battery boots in the past, and a stamp from there must be marked, not trusted.
 */
import { createRequire } from 'node:module';
import type { Clock } from './clock.ts';

const TIME_ERROR = 5;
/** More than `struct timex` on any architecture; zeros mean "only look". */
const TIMEX_BYTES = 512;
const ASK_EVERY_MS = 60_000;
/** No gateway was built before this. */
const BUILT_MS = Date.UTC(2026, 0, 1);

/** Asks the kernel once a minute at most; where it cannot be asked, only a date before the gateway was built is refused. */
export function clockSync(clock: Clock): () => boolean {
  const ask = loadAdjtimex();
  let askedMs = Number.NEGATIVE_INFINITY;
  let kept = true;
  return () => {
    if (clock.nowMs() < BUILT_MS) return false;
    const nowMs = clock.monotonicMs();
    if (nowMs - askedMs >= ASK_EVERY_MS) {
      askedMs = nowMs;
      kept = ask === undefined || ask(new Uint8Array(TIMEX_BYTES)) !== TIME_ERROR;
    }
    return kept;
  };
}

function loadAdjtimex(): ((timex: Uint8Array) => number) | undefined {
  try {
    const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');
    return koffi.load('libc.so.6').func('int adjtimex(_Inout_ uint8_t *timex)') as (timex: Uint8Array) => number;
  } catch {
    return undefined;
  }
}
