/**
 * Single bins of a discrete Fourier transform by Goertzel's recurrence.
 *
 * Ten orders out of a window whose length is no power of two and whose frequency is no multiple of 1/length: an FFT
 * would need resampling and would compute a thousand bins to throw away. Each recurrence waits for its own last
 * result, so four orders run in one loop and fill that wait: the cost is that of one.
 *
 * A window that is to hold whole cycles rarely ends on a sample; its last sample is weighted with the part of it that
 * lies inside, which removes most of the leakage at 16 to 32 samples per cycle.
 */

/** Where the sum runs: from sample `from`, over `length` samples, which need not be a whole number. */
export interface Window {
  from: number;
  length: number;
}

/** Angular steps in radians per sample; a step of 0 gives the plain sum. */
export type FourSteps = readonly [number, number, number, number];

/**
 * Writes Σ x[n]·e^(−jωn) of four angular steps into `out` as re, im, re, im, …; n counts from the window's beginning.
 * The caller scales.
 */
export function goertzel(x: Float64Array, window: Window, steps: FourSteps, out: Float64Array): void {
  const { from, length } = window;
  const whole = Math.min(Math.floor(length), x.length - from);
  const [ka, kb, kc, kd] = steps.map((step) => 2 * Math.cos(step)) as [number, number, number, number];
  let a1 = 0;
  let a2 = 0;
  let b1 = 0;
  let b2 = 0;
  let c1 = 0;
  let c2 = 0;
  let d1 = 0;
  let d2 = 0;
  for (let n = from, end = from + whole; n < end; n++) {
    const value = x[n]!;
    const a0 = value + ka * a1 - a2;
    const b0 = value + kb * b1 - b2;
    const c0 = value + kc * c1 - c2;
    const d0 = value + kd * d1 - d2;
    a2 = a1;
    a1 = a0;
    b2 = b1;
    b1 = b0;
    c2 = c1;
    c1 = c0;
    d2 = d1;
    d1 = d0;
  }
  const rest = from + whole < x.length ? (length - whole) * x[from + whole]! : 0;
  finish(a1, a2, steps[0], whole, rest, out, 0);
  finish(b1, b2, steps[1], whole, rest, out, 2);
  finish(c1, c2, steps[2], whole, rest, out, 4);
  finish(d1, d2, steps[3], whole, rest, out, 6);
}

/** X = e^(−jω(N−1))·(s₁ − e^(−jω)·s₂), and the weighted last sample at n = N. */
function finish(s1: number, s2: number, step: number, whole: number, rest: number, out: Float64Array, at: number) {
  const re = s1 - Math.cos(step) * s2;
  const im = Math.sin(step) * s2;
  const turn = -step * (whole - 1);
  const cos = Math.cos(turn);
  const sin = Math.sin(turn);
  out[at] = re * cos - im * sin + rest * Math.cos(step * whole);
  out[at + 1] = re * sin + im * cos - rest * Math.sin(step * whole);
}

/**
 * One angular step over two windows of the same length at once: how far the angle turned between them is the
 * frequency. Writes re, im of the first, re, im of the second.
 */
export function goertzelTwice(x: Float64Array, first: Window, second: number, step: number, out: Float64Array): void {
  const whole = Math.floor(first.length);
  const k = 2 * Math.cos(step);
  let a1 = 0;
  let a2 = 0;
  let b1 = 0;
  let b2 = 0;
  for (let n = 0; n < whole; n++) {
    const a0 = x[first.from + n]! + k * a1 - a2;
    const b0 = x[second + n]! + k * b1 - b2;
    a2 = a1;
    a1 = a0;
    b2 = b1;
    b1 = b0;
  }
  const rest = first.length - whole;
  finish(a1, a2, step, whole, rest * (x[first.from + whole] ?? 0), out, 0);
  finish(b1, b2, step, whole, rest * (x[second + whole] ?? 0), out, 2);
}
