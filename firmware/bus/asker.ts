/**
 * One question to one meter: the exchange, its retries as `POLICY` has them, and the rest that the line gets after a
 * failure so that a late answer never meets a later request.
 */
import type { Exchange } from '../../protocols/exchange.ts';
import { type Failure, POLICY, type Policy } from '../../protocols/failure.ts';
import type { Clock } from '../clock.ts';
import { wireMs } from '../port.ts';
import type { Line } from './line.ts';
import { type Protocol, silenceMs } from './plan.ts';
import type { MeterRecord } from './record.ts';
import { transact } from './transaction.ts';
import { Utilisation } from './utilisation.ts';

export type Answer<T> = { value: T } | { failure: Failure; detail: string };

export interface How {
  /** Asks again as the failure's policy says. */
  retry: boolean;
  /** Lets the line rest after a failure. */
  quarantine: boolean;
  /** Bytes expected at most. */
  answerBytes: number;
}

export interface Asked<T> {
  answer: Answer<T>;
  /** An answer was given up on and not seen since: it, or its twin, may still come. */
  owed: boolean;
}

/** Turns in a row without a single byte, after which the handle is suspected and the port opened again. */
const SILENT_TURNS_MAX = 10;
/** What a meter is given beyond its deadline once it answered late, and what every answer in time leaves of it. */
const PATIENCE_MAX_MS = 2_000;
const PATIENCE_KEPT = 0.98;

export class Asker {
  readonly utilisation: Utilisation;
  readonly failures: Partial<Record<Failure, number>> = {};
  readonly #line: Line;
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  #lastProtocol: Protocol = 'dlt645';
  #silentTurns = 0;
  #silentTurnsMax = SILENT_TURNS_MAX;

  constructor(line: Line, clock: Clock, signal: AbortSignal) {
    this.#line = line;
    this.#clock = clock;
    this.#signal = signal;
    this.utilisation = new Utilisation(clock.monotonicMs());
  }

  /** @param meter undefined where the question concerns no meter of the plan */
  async ask<T>(meter: MeterRecord | undefined, exchange: () => Exchange<T>, how: How): Promise<Asked<T>> {
    let owed = false;
    for (let tries = 1; ; tries++) {
      const answer = await this.#try(meter, exchange, how.answerBytes);
      if ('value' in answer) {
        // Modbus cannot tell which of two equal requests was answered; the other answer must not meet the next one.
        if (owed && meter?.protocol === 'modbus') await this.#line.quarantine(this.#signal);
        return { answer, owed };
      }
      if (this.#signal.aborted) return { answer: { failure: 'cancelled', detail: 'the gateway is stopping' }, owed };
      let { failure } = answer;
      if (how.quarantine && POLICY[failure].quarantine) {
        const late = await this.#line.quarantine(this.#signal);
        if (late && POLICY[failure].countsAsSilence) failure = this.#late(meter);
        else owed = true;
      }
      count(this.failures, failure);
      if (meter !== undefined) count(meter.failures, failure);
      const { next, times }: Policy = POLICY[failure];
      const again = how.retry && next === 'retry' && tries <= times;
      if (!again) return { answer: { failure, detail: answer.detail }, owed };
    }
  }

  async #try<T>(meter: MeterRecord | undefined, exchange: () => Exchange<T>, answerBytes: number): Promise<Answer<T>> {
    let made: Exchange<T>;
    try {
      made = exchange();
    } catch (error) {
      // A programmer's mistake in one question must not end the bus.
      return { failure: 'refused', detail: String(error) };
    }
    const { settings } = this.#line;
    const protocol = meter?.protocol ?? 'modbus';
    const silence = Math.max(silenceMs(settings, protocol), silenceMs(settings, this.#lastProtocol));
    this.#lastProtocol = protocol;
    const outcome = await transact(this.#line, this.#clock, made, {
      silenceMs: silence + (meter?.quietMs ?? 0),
      patienceMs: meter?.patienceMs ?? 0,
      answerBytes,
    });
    // Questions to nobody of the plan (a scan) are met with silence on a healthy port.
    if (meter !== undefined) this.#watchForSilence(outcome.heard);
    if ('value' in outcome.result) {
      if (meter !== undefined) meter.patienceMs *= PATIENCE_KEPT;
      this.utilisation.add(this.#clock.monotonicMs(), wireMs(settings, outcome.wireBytes) + outcome.delayMs);
    }
    return outcome.result;
  }

  /** A late answer: the meter lives and gets more time from now on. */
  #late(meter: MeterRecord | undefined): Failure {
    if (meter !== undefined) meter.patienceMs = Math.min(PATIENCE_MAX_MS, this.#line.quiet.quarantineMs());
    return 'late-answer';
  }

  /** A handle can be dead and look open: turns without a byte make it suspect, each time with more patience. */
  #watchForSilence(heard: boolean): void {
    if (heard) {
      this.#silentTurns = 0;
      this.#silentTurnsMax = SILENT_TURNS_MAX;
    } else if (++this.#silentTurns >= this.#silentTurnsMax) {
      this.#silentTurns = 0;
      this.#silentTurnsMax = Math.min(16 * SILENT_TURNS_MAX, this.#silentTurnsMax * 2);
      this.#line.reopen();
    }
  }
}

function count(counts: Partial<Record<Failure, number>>, failure: Failure): void {
  counts[failure] = (counts[failure] ?? 0) + 1;
}
