/**
 * What is said about each meter, and when. A dead meter is told once, not once per turn; a bus on which nobody
 * answers is one fault of the bus, not one of every meter. Pure: moments are arguments, changes are the result.
 */
import { type Failure, POLICY } from '../../protocols/failure.ts';

export interface MeterState {
  state: 'unasked' | 'answering' | 'silent' | 'faulty';
  /** For the field engineer: why, and what to look at. */
  reason: string;
  /** Monotonic ms. */
  sinceMs: number;
}

export interface Changes {
  /** Meters whose state is another now. */
  meters: { meter: number; state: MeterState }[];
  /** Set when every meter fell silent, or when the first one speaks again. */
  busSilent?: boolean;
}

/** Turns in a row without an answer, or with nothing but faults, before a meter is called so. */
const TURNS_MAX = 3;
const NO_CHANGE: Changes = Object.freeze({ meters: [] });

interface Meter {
  state: MeterState;
  misses: number;
  faults: number;
  firstMissMs: number;
}

export class Health {
  readonly #meters: Meter[];
  #lastHeardMs = Number.NEGATIVE_INFINITY;
  #busSilent = false;

  constructor(meters: number, nowMs: number) {
    const unasked: MeterState = { state: 'unasked', reason: 'not asked yet', sinceMs: nowMs };
    this.#meters = Array.from({ length: meters }, () => ({ state: unasked, misses: 0, faults: 0, firstMissMs: 0 }));
  }

  get busSilent(): boolean {
    return this.#busSilent;
  }

  state(meter: number): MeterState {
    return this.#meters[meter]!.state;
  }

  answered(meter: number, nowMs: number): Changes {
    const entry = this.#meters[meter]!;
    entry.misses = 0;
    entry.faults = 0;
    this.#lastHeardMs = nowMs;
    if (entry.state.state === 'answering' && !this.#busSilent) return NO_CHANGE;
    const changes: Changes = { meters: [] };
    if (entry.state.state !== 'answering') this.#turn(changes, meter, 'answering', 'answers', nowMs);
    if (this.#busSilent) changes.busSilent = this.#busSilent = false;
    return changes;
  }

  /** The meter, or somebody in its place, spoke, but nothing usable came of the turn. */
  faulty(meter: number, failure: Failure, nowMs: number): Changes {
    const entry = this.#meters[meter]!;
    entry.misses = 0;
    entry.faults++;
    const changes: Changes = { meters: [] };
    if (entry.faults >= TURNS_MAX && entry.state.state !== 'faulty') {
      this.#turn(changes, meter, 'faulty', POLICY[failure].meaning, nowMs);
    }
    return changes;
  }

  /** The meter's turn passed without an answer. */
  missed(meter: number, failure: Failure, nowMs: number): Changes {
    const entry = this.#meters[meter]!;
    if (entry.misses === 0) entry.firstMissMs = nowMs;
    entry.misses++;
    const changes: Changes = { meters: [] };
    // Held back as long as nobody else was heard since: then it is the bus.
    const alone = this.#meters.length === 1 || this.#lastHeardMs > entry.firstMissMs;
    if (entry.misses >= TURNS_MAX && entry.state.state !== 'silent' && alone) {
      this.#turn(changes, meter, 'silent', POLICY[failure].meaning, nowMs);
    }
    if (!this.#busSilent && this.#meters.length > 1 && this.#meters.every(({ misses }) => misses >= TURNS_MAX - 1)) {
      changes.busSilent = this.#busSilent = true;
    }
    return changes;
  }

  #turn(changes: Changes, meter: number, state: MeterState['state'], reason: string, nowMs: number): void {
    const entry = this.#meters[meter]!;
    entry.state = { state, reason, sinceMs: nowMs };
    changes.meters.push({ meter, state: entry.state });
  }
}
