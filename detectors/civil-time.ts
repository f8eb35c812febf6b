/** Civil time of one zone: `Intl` knows the rules, asked once per quarter of an hour because asking is slow. */
import type { Moment } from './detector.ts';

const SLOT_MS = 15 * 60_000;

/** Zones change their offset only at quarters of an hour of UTC, so one offset holds for a whole slot. */
export class CivilTime {
  readonly #format: Intl.DateTimeFormat;
  #slot = Number.NaN;
  #offsetMs = 0;

  /** @throws RangeError when `timezone` is not an IANA name */
  constructor(timezone: string) {
    this.#format = new Intl.DateTimeFormat('en-US', {
      timeZone: timezone,
      timeZoneName: 'longOffset',
      year: 'numeric',
    });
  }

  /** The moment with its civil time. */
  at(atMs: number): Moment {
    const slot = Math.floor(atMs / SLOT_MS);
    if (slot !== this.#slot) {
      this.#slot = slot;
      this.#offsetMs = this.#offset(slot * SLOT_MS);
    }
    return { atMs, localMs: atMs + this.#offsetMs };
  }

  #offset(atMs: number): number {
    const name = this.#format.formatToParts(atMs).find((part) => part.type === 'timeZoneName')?.value ?? 'GMT';
    const match = /GMT([+-])(\d{2}):(\d{2})/.exec(name);
    if (match === null) return 0;
    const minutes = Number(match[2]) * 60 + Number(match[3]);
    return (match[1] === '-' ? -minutes : minutes) * 60_000;
  }
}
