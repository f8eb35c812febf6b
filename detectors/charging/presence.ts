/**
 * How much of a load is still there, by its harmonics: looked at again and again while it runs.
 *
 * The home's power drifts by whatever else is in it, some ten watts within minutes, which is a tenth of a charger; few
 * of those loads have harmonics. So a session keeps the third, fifth and seventh of the change that began it, and each
 * later view is projected upon it: one scalar, 1 while the load draws what it drew. What a step of the power brings
 * along is another load's and is left out; what changes between two views without a step is the session's own.
 *
 * Rejected. The power of all the home's rectifiers before and after (magnitudes of different loads cancel: it lost half
 * of a charger to a television), and the sum over steps as well (a kettle copies the flat crest into the third).
 */
import { ORDERS } from '../signal/spectrum.ts';
import type { View } from './view.ts';

const FORM = [3, 5, 7].map((order) => ORDERS.indexOf(order as (typeof ORDERS)[number]));

export interface Presence {
  phase: number;
  /**
   * The change that began it, and the home when it was last looked at; in amperes times volts, for a supply draws more
   * current from a lower voltage.
   */
  own: Harmonics;
  last: Harmonics & { atMs: number; powerW: number };
  /** What the load drew at the last look, in watts. */
  lookW: number;
  /** All changes along its form since the onset, others' steps among them; 1 where they cancel. */
  sum: number;
  /** Since when the sum says that it is gone. */
  goneMs?: number;
  /** Its power at each look that no step came before. */
  looks: Fit;
}

interface Harmonics {
  re: number[];
  im: number[];
}

/** Least squares of a value over hours. */
export interface Fit {
  n: number;
  t: number;
  p: number;
  tt: number;
  tp: number;
  pp: number;
}

export const emptyFit = (): Fit => ({ n: 0, t: 0, p: 0, tt: 0, tp: 0, pp: 0 });

/** Takes one more value in. */
export function addTo(fit: Fit, hours: number, value: number): void {
  fit.n++;
  fit.t += hours;
  fit.p += value;
  fit.tt += hours * hours;
  fit.tp += hours * value;
  fit.pp += value * value;
}

const short = (value: number) => Number(value.toPrecision(4));

function harmonicsOf(view: View): Harmonics {
  const { voltageV } = view;
  return { re: FORM.map((k) => short(view.re[k]! * voltageV)), im: FORM.map((k) => short(view.im[k]! * voltageV)) };
}

const lookOf = (view: View) => ({ ...harmonicsOf(view), atMs: view.atMs, powerW: view.powerW });

/** @param part which part of the change is the load's, where nothing shows what stood before */
export function presenceOf(after: View, before: View | undefined, lookW: number, part = 1): Presence {
  const now = harmonicsOf(after);
  const then = before === undefined ? undefined : harmonicsOf(before);
  const change = (channel: 're' | 'im') =>
    now[channel].map((value, k) => short(part * (value - (then?.[channel][k] ?? 0))));
  return {
    phase: after.phase,
    own: { re: change('re'), im: change('im') },
    last: lookOf(after),
    lookW,
    sum: 1,
    looks: emptyFit(),
  };
}

/** How much of the load has come (1: all of it once more) or gone (−1) since the last look. */
export function changeSince({ own, last }: Presence, view: View): number {
  const now = harmonicsOf(view);
  let along = 0;
  let square = 0;
  for (const channel of ['re', 'im'] as const) {
    own[channel].forEach((value, k) => {
      along += value * (now[channel][k]! - last[channel][k]!);
      square += value * value;
    });
  }
  return square > 0 ? along / square : 0;
}

/** Looks again, and returns that change. */
export function look(presence: Presence, view: View): number {
  const change = changeSince(presence, view);
  presence.last = lookOf(view);
  presence.sum = short(presence.sum + change);
  return change;
}

/** Two parts of one load, one after the other. */
export function joined(first: Presence, second: Presence, lookW: number): Presence {
  const sum = (channel: 're' | 'im') => first.own[channel].map((value, k) => short(value + second.own[channel][k]!));
  return { ...second, own: { re: sum('re'), im: sum('im') }, lookW };
}
