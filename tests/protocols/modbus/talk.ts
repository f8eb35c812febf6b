import type { Exchange, Move } from '../../../protocols/exchange.ts';

/** Drives an exchange against something that answers bytes, in chunks of `chunk`; silence becomes `timedOut`. */
export function talk<T>(
  exchange: Exchange<T>,
  answer: (request: Uint8Array) => Uint8Array | undefined,
  chunk = Number.POSITIVE_INFINITY,
): Extract<Move<T>, { do: 'done' | 'failed' }> & { sent: Uint8Array[] } {
  const sent: Uint8Array[] = [];
  let move = exchange.start();
  while (move.do === 'send') {
    sent.push(move.bytes);
    if (sent.length > 1000) throw new Error('the exchange never ends');
    const bytes = answer(move.bytes) ?? new Uint8Array();
    let next: Move<T> = { do: 'wait' };
    for (let at = 0; at < bytes.length && next.do === 'wait'; at += chunk) {
      next = exchange.received(bytes.subarray(at, Math.min(bytes.length, at + chunk)));
    }
    move = next.do === 'wait' ? exchange.timedOut() : next;
  }
  if (move.do === 'wait') throw new Error('an exchange that timed out still waits');
  return { ...move, sent };
}
