/**
 * Thermal image of a line or a motor by one time constant, IEC 60255-149: heat 1 is the moment of trip.
 * The recursive form holds the current of a step constant and is then exact, so it agrees with the closed form.
 */

/** Heat after `minutes` at `currentRatio` = I / (k·IB), from heat `heat`; the same unit of time as `tau`. */
export function advanceImage(heat: number, currentRatio: number, minutes: number, tauMin: number): number {
  const kept = Math.exp(-minutes / tauMin);
  return heat * kept + currentRatio * currentRatio * (1 - kept);
}

/**
 * Time until trip at a constant current, in the unit of `tauMin`: t = τ ln((I² − Ip²) / (I² − (k·IB)²)), with
 * Ip² = heat before. 0 when tripped already, Infinity when this current never trips.
 */
export function minutesToTrip(heat: number, currentRatio: number, tauMin: number): number {
  if (heat >= 1) return 0;
  const square = currentRatio * currentRatio;
  if (square <= 1) return Number.POSITIVE_INFINITY;
  return tauMin * Math.log((square - heat) / (square - 1));
}
