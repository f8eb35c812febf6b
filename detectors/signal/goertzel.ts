/**
 * Single bins of a discrete Fourier transform by Goertzel's recurrence.
 *
 * Ten orders out of a window whose length is no power of two and whose frequency is no multiple of 1/length: an FFT
 * would need resampling and would compute a thousand bins to throw away. Two orders run in one loop because each
 * recurrence waits for its own last result, and the pair fills that wait.
 *
 * A window that is to hold whole cycles rarely ends on a sample; its last sample is weighted with the part of it that
 * lies inside, which removes most of the leakage at 16 to 32 samples per cycle.
 */

/** Where the sum runs: from sample `from`, over `length` samples, which need not be a whole number. */
export interface Window {
  from: number;
  length: number;
}

/**
 * Writes Σ x[n]·e^(−jωn) of two angular steps (radians per sample) into `out` as re, im, re, im; n counts from the
 * window's beginning. The caller scales.
 */
export function goertzelPair(x: Int16Array, window: Window, stepA: number, stepB: number, out: Float64Array): void {
  const { from, length } = window;
  const whole = Math.min(Math.floor(length), x.length - from);
  const rest = from + whole < x.length ? length - whole : 0;
  const a = 2 * Math.cos(stepA);
  const b = 2 * Math.cos(stepB);
  let a1 = 0;
  let a2 = 0;
  let b1 = 0;
  let b2 = 0;
  for (let n = from, end = from + whole; n < end; n++) {
    const value = x[n]!;
    const a0 = value + a * a1 - a2;
    const b0 = value + b * b1 - b2;
    a2 = a1;
    a1 = a0;
    b2 = b1;
    b1 = b0;
  }
  const last = rest > 0 ? x[from + whole]! * rest : 0;
  finish(a1, a2, stepA, whole, last, out, 0);
  finish(b1, b2, stepB, whole, last, out, 2);
}

/** X = e^(−jω(N−1))·(s₁ − e^(−jω)·s₂), and the weighted last sample at n = N. */
function finish(s1: number, s2: number, step: number, whole: number, last: number, out: Float64Array, at: number) {
  const re = s1 - Math.cos(step) * s2;
  const im = Math.sin(step) * s2;
  const turn = -step * (whole - 1);
  const cos = Math.cos(turn);
  const sin = Math.sin(turn);
  out[at] = re * cos - im * sin + last * Math.cos(step * whole);
  out[at + 1] = re * sin + im * cos - last * Math.sin(step * whole);
}
