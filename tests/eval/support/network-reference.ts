/** The reference cases of the standards, step-size invariance, and recursive against closed forms. */
import { advanceImage, minutesToTrip } from '../../../detectors/network/thermal/image.ts';
import {
  advanceHeat,
  ageingRate,
  hotSpotC,
  ONAN_DISTRIBUTION,
  steadyHeat,
  type TransformerHeat,
} from '../../../detectors/network/thermal/transformer.ts';
import { negativeSequencePercent, nemaPercent } from '../../../detectors/network/unbalance.ts';
import type { ThermalConstants } from '../../../protocols/reading.ts';
import { below, type Figure, type ReferenceCases, seeded } from './network-data.ts';

export function referenceFigures(cases: ReferenceCases): Figure[] {
  return [
    ...stepExample(cases),
    below('annex example, every 3 min: largest error, K', annexExample(cases), 0.2),
    below('distribution case: largest error, K', constantCase(cases.alliander_distribution, DISTRIBUTION), 0.01),
    below('ONAN power case: largest error, K', constantCase(cases.alliander_onan, ONAN_POWER), 0.01),
    below('ageing: largest error', ageing(cases), 1e-5),
    below('IEC 60255-149 closed form: largest relative error', tripTimes(cases), 0.01),
    below('unbalance: largest error, points', unbalance(cases), 0.001),
  ];
}

/** Figures that need no file. */
export function invarianceFigures(): Figure[] {
  return [
    below('step size, 1 s against 15 min: largest difference, K', stepSizes(), 0.5),
    below('IEC 60255-149 recursive, 1 s steps: trip off closed form, samples', recursiveTrips(), 1),
    below('IEC 60255-149 over a day of random load: largest difference of heat', dayOfLoad(), 1e-9),
  ];
}

function stepExample(cases: ReferenceCases): Figure[] {
  const { params: p, steps, expected } = cases.iec60076_7_step_example;
  const constants: ThermalConstants = {
    topOilRiseK: p.dTor!,
    hotSpotGradientK: p.gr!,
    hotSpotFactor: p.H!,
    lossRatio: p.R!,
    x: p.x!,
    y: p.y!,
    k11: p.k11!,
    k21: p.k21!,
    k22: p.k22!,
    tauOilMin: p.tau_o!,
    tauWindingMin: p.tau_w!,
    initialTopOilC: p.topOil0!,
  };
  const heat: TransformerHeat = { topOilC: p.topOil0!, fastRiseK: 0, slowRiseK: 0 };
  let atMin = 0;
  const errors = steps.map((step, i) => {
    advanceHeat(heat, constants, step.K, p.ambient!, step.until_min - atMin);
    atMin = step.until_min;
    return Math.max(Math.abs(heat.topOilC - expected[i]!.topOil), Math.abs(hotSpotC(heat) - expected[i]!.hotSpot));
  });
  return [
    below('step example, all but step 3: largest error, K', Math.max(...errors.filter((_, i) => i !== 2)), 0.2),
    below('step example, step 3: error, K', errors[2]!, 1.2),
  ];
}

function annexExample(cases: ReferenceCases): number {
  const { params: p, t, K, ambient, topOil_exact, hotSpot_exact } = cases.iec60076_7_annex_3min;
  const constants: ThermalConstants = {
    ...ONAN_DISTRIBUTION,
    topOilRiseK: p.dTor!,
    hotSpotGradientK: p.dThr!,
    lossRatio: p.R!,
    x: p.x!,
    y: p.y!,
    k11: p.k11!,
    k21: p.k21!,
    k22: p.k22!,
    tauOilMin: p.tau_o!,
    tauWindingMin: p.tau_w!,
  };
  const heat = steadyHeat(constants, K[0]!, ambient[0]!);
  let worst = 0;
  for (let i = 0; i < t.length; i++) {
    if (i > 0) advanceHeat(heat, constants, K[i]!, ambient[i]!, t[i]! - t[i - 1]!);
    worst = Math.max(worst, Math.abs(heat.topOilC - topOil_exact[i]!), Math.abs(hotSpotC(heat) - hotSpot_exact[i]!));
  }
  return worst;
}

const DISTRIBUTION = {
  constants: { ...ONAN_DISTRIBUTION, topOilRiseK: 80, hotSpotFactor: 1.1 },
  ambientC: 20,
  stepMin: 180,
};
const ONAN_POWER = {
  constants: {
    ...ONAN_DISTRIBUTION,
    topOilRiseK: 60,
    hotSpotGradientK: 17,
    hotSpotFactor: 1.1,
    y: 1.3,
    k11: 0.5,
    k21: 2,
    tauOilMin: 210,
    tauWindingMin: 10,
  },
  ambientC: 40,
  stepMin: 105,
};

function constantCase(
  expected: { topOil: number[]; hotSpot: number[] },
  setting: { constants: ThermalConstants; ambientC: number; stepMin: number },
): number {
  const heat: TransformerHeat = { topOilC: setting.ambientC, fastRiseK: 0, slowRiseK: 0 };
  let worst = 0;
  for (let i = 0; i < expected.topOil.length; i++) {
    // Two thirds of the rating for half the time, then nothing; a load stands for the interval before its sample.
    if (i > 0) advanceHeat(heat, setting.constants, i < 8 ? 2 / 3 : 0, setting.ambientC, setting.stepMin);
    worst = Math.max(
      worst,
      Math.abs(heat.topOilC - expected.topOil[i]!),
      Math.abs(hotSpotC(heat) - expected.hotSpot[i]!),
    );
  }
  return worst;
}

function ageing(cases: ReferenceCases): number {
  const errors = cases.ageing.cases.map((c) =>
    Math.abs(ageingRate(c.th, c.paper === 'TUP' ? 'upgraded' : 'normal') - c.V),
  );
  return Math.max(...errors);
}

function tripTimes(cases: ReferenceCases): number {
  const errors = cases.iec60255_149.cases.map(
    (c) => Math.abs(minutesToTrip(c.Ip_over_kIB ** 2, c.I_over_kIB, 1) - c.t_over_tau) / c.t_over_tau,
  );
  return Math.max(...errors);
}

function unbalance(cases: ReferenceCases): number {
  const errors = cases.unbalance.flatMap((c) => {
    const line = [c.Uab, c.Ubc, c.Uca] as const;
    return [Math.abs(negativeSequencePercent(line) - c.u2_IEC_pct), Math.abs(nemaPercent(line) - c.NEMA_pct)];
  });
  return Math.max(...errors);
}

/** The same three days of load, held for 15 min each, walked in steps of 1 s and of 15 min. */
function stepSizes(): number {
  const random = seeded(1);
  const constants = { ...ONAN_DISTRIBUTION, k11: 0.5, k21: 2 };
  const coarse = steadyHeat(constants, 0.5, 20);
  const fine = { ...coarse };
  let worst = 0;
  for (let quarter = 0; quarter < 288; quarter++) {
    const load = 1.6 * random();
    const ambientC = 40 * random();
    advanceHeat(coarse, constants, load, ambientC, 15);
    for (let second = 0; second < 900; second++) advanceHeat(fine, constants, load, ambientC, 1 / 60);
    worst = Math.max(worst, Math.abs(hotSpotC(coarse) - hotSpotC(fine)), Math.abs(coarse.topOilC - fine.topOilC));
  }
  return worst;
}

/** Trips of the recursive form in steps of 1 s, in samples away from the closed form. */
function recursiveTrips(): number {
  const tauMin = 30;
  let worst = 0;
  for (const before of [0, 0.25, 0.81]) {
    for (const ratio of [1.05, 1.1, 1.5, 2, 5]) {
      let heat = before;
      let steps = 0;
      while (heat < 1 && steps < 1e6) {
        heat = advanceImage(heat, ratio, 1 / 60, tauMin);
        steps++;
      }
      worst = Math.max(worst, Math.abs(steps - 60 * minutesToTrip(before, ratio, tauMin)));
    }
  }
  return worst;
}

/** A day of random current by the minute: the recursion against the sum over all minutes so far. */
function dayOfLoad(): number {
  const random = seeded(2);
  const tauMin = 30;
  const squares: number[] = [];
  let heat = 0;
  let worst = 0;
  for (let minute = 0; minute < 1440; minute++) {
    const ratio = 1.4 * random();
    squares.push(ratio * ratio);
    heat = advanceImage(heat, ratio, 1, tauMin);
    let closed = 0;
    for (let i = 0; i < squares.length; i++) {
      const age = squares.length - 1 - i;
      closed += squares[i]! * (Math.exp(-age / tauMin) - Math.exp(-(age + 1) / tauMin));
    }
    worst = Math.max(worst, Math.abs(heat - closed));
  }
  return worst;
}
