/**
 * How hot an oil transformer is: IEC 60076-7's difference equations with exponential steps.
 *
 * Oil follows load over hours, the winding over minutes, so the load of the moment says little about the danger of
 * the moment: twice the rated load is harmless for a quarter of an hour on a cold night and ruins paper on a hot
 * evening. Three numbers are remembered: top oil and the two parts of the hot-spot rise.
 * Rejected: the Euler form of the standard's annex. It is only good for steps under half the winding's time constant
 * (2 min here), while meters are read every 1 to 15 min; with exponential steps any step gives the same answer.
 */
import type { ThermalConstants } from '../../../protocols/reading.ts';

/** ONAN distribution transformer up to 2.5 MVA (IEC 60076-7 table 4, with the hot-spot factor in the gradient of 23 K). */
export const ONAN_DISTRIBUTION: ThermalConstants = {
  topOilRiseK: 55,
  hotSpotGradientK: 23,
  hotSpotFactor: 1,
  lossRatio: 5,
  x: 0.8,
  y: 1.6,
  k11: 1,
  k21: 1,
  k22: 2,
  tauOilMin: 180,
  tauWindingMin: 4,
  initialTopOilC: 40,
};

/** Limits of IEC 60076-7 table 2 for normal cyclic loading. */
export const NORMAL_CYCLIC = { hotSpotC: 120, topOilC: 105, loadFactor: 1.5 } as const;

/** The hot-spot rise over top oil is `fastRiseK − slowRiseK`. */
export interface TransformerHeat {
  topOilC: number;
  fastRiseK: number;
  slowRiseK: number;
}

/** Top-oil temperature that a load factor held for ever leads to, °C. */
function finalTopOilC(constants: ThermalConstants, loadFactor: number, ambientC: number): number {
  const { lossRatio, topOilRiseK, x } = constants;
  return ambientC + topOilRiseK * ((1 + lossRatio * loadFactor * loadFactor) / (1 + lossRatio)) ** x;
}

/** Winding gradient that a load factor held for ever leads to, K. */
function finalGradientK(constants: ThermalConstants, loadFactor: number): number {
  return constants.hotSpotFactor * constants.hotSpotGradientK * loadFactor ** constants.y;
}

/** The state after a load and an ambient temperature that were held for ever. */
export function steadyHeat(constants: ThermalConstants, loadFactor: number, ambientC: number): TransformerHeat {
  const gradientK = finalGradientK(constants, loadFactor);
  return {
    topOilC: finalTopOilC(constants, loadFactor, ambientC),
    fastRiseK: constants.k21 * gradientK,
    slowRiseK: (constants.k21 - 1) * gradientK,
  };
}

/** Hot-spot temperature, °C. */
export function hotSpotC(heat: TransformerHeat): number {
  return heat.topOilC + heat.fastRiseK - heat.slowRiseK;
}

/** Lets `minutes` pass at one load factor and ambient temperature; writes into `heat`. Exact for any length of step. */
export function advanceHeat(
  heat: TransformerHeat,
  constants: ThermalConstants,
  loadFactor: number,
  ambientC: number,
  minutes: number,
): void {
  const { k11, k21, k22, tauOilMin, tauWindingMin } = constants;
  const gradientK = finalGradientK(constants, loadFactor);
  const oil = 1 - Math.exp(-minutes / (k11 * tauOilMin));
  heat.topOilC += oil * (finalTopOilC(constants, loadFactor, ambientC) - heat.topOilC);
  heat.fastRiseK += (1 - Math.exp(-minutes / (k22 * tauWindingMin))) * (k21 * gradientK - heat.fastRiseK);
  heat.slowRiseK += (1 - Math.exp((-minutes * k22) / tauOilMin)) * ((k21 - 1) * gradientK - heat.slowRiseK);
}

/**
 * Minutes until hot spot or top oil passes its limit if load and ambient stay as they are; 0 when it is passed
 * already, Infinity when it is not reached within `horizonMin`. The hot spot may overshoot where k21 > 1, so the
 * way is walked instead of solved: steps of 5 min, then halved to a quarter of a minute.
 */
export function minutesToLimit(
  heat: TransformerHeat,
  constants: ThermalConstants,
  loadFactor: number,
  ambientC: number,
  limits: { hotSpotC: number; topOilC: number } = NORMAL_CYCLIC,
  horizonMin = 1440,
): number {
  const over = (h: TransformerHeat): boolean => h.topOilC >= limits.topOilC || hotSpotC(h) >= limits.hotSpotC;
  const walker = { ...heat };
  if (over(walker)) return 0;
  let stepMin = 5;
  let atMin = 0;
  while (atMin < horizonMin) {
    const before = { ...walker };
    advanceHeat(walker, constants, loadFactor, ambientC, stepMin);
    if (!over(walker)) {
      atMin += stepMin;
    } else if (stepMin > 0.25) {
      Object.assign(walker, before);
      stepMin /= 2;
    } else {
      return atMin + stepMin;
    }
  }
  return Number.POSITIVE_INFINITY;
}

/** Relative ageing of the paper: 1 is a normal day's wear per day (IEC 60076-7, 6.2). */
export function ageingRate(hotSpot: number, paper: 'normal' | 'upgraded' = 'normal'): number {
  return paper === 'normal' ? 2 ** ((hotSpot - 98) / 6) : Math.exp(15_000 / 383 - 15_000 / (hotSpot + 273));
}
