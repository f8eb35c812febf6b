/**
 * Two-wire adapters give the master its own bytes back. Whether this one does is found out: bytes that repeat the
 * request are held until it is clear what they are. A Modbus write is answered by its own repetition, so equal bytes
 * alone prove nothing; an answer behind them does.
 */

const NONE = new Uint8Array();

export class EchoFilter {
  /** Whether this adapter echoes, as far as known. */
  state: 'unknown' | 'yes' | 'no' = 'unknown';
  #request: Uint8Array = NONE;
  /** Bytes of the request that came back and are held. */
  #matched = 0;
  #phase: 'holding' | 'echoed' | 'other' = 'other';

  /** A request goes out; an echo can only be the very next bytes. */
  sent(request: Uint8Array): void {
    this.#request = request;
    this.#matched = 0;
    this.#phase = this.state === 'no' ? 'other' : 'holding';
  }

  /** What of these bytes is for the exchange. */
  received(chunk: Uint8Array): Uint8Array {
    if (this.#phase !== 'holding') return chunk;
    let at = 0;
    while (at < chunk.length && this.#matched < this.#request.length) {
      if (chunk[at] !== this.#request[this.#matched]) return this.#release(chunk.subarray(at));
      at++;
      this.#matched++;
    }
    if (at === chunk.length) return NONE;
    // The whole request and something behind it: an echo.
    this.state = 'yes';
    this.#phase = 'echoed';
    return chunk.subarray(at);
  }

  /** The deadline passed: what was held, which may have been the answer after all. */
  held(): Uint8Array {
    return this.#phase === 'holding' ? this.#release(NONE) : NONE;
  }

  /** The exchange has its answer; with no echo before it, this adapter does not echo, or no longer. */
  answered(): void {
    if (this.#phase === 'other') this.state = this.state === 'yes' ? 'unknown' : 'no';
  }

  #release(rest: Uint8Array): Uint8Array {
    this.#phase = 'other';
    const bytes = new Uint8Array(this.#matched + rest.length);
    bytes.set(this.#request.subarray(0, this.#matched));
    bytes.set(rest, this.#matched);
    return bytes;
  }
}
