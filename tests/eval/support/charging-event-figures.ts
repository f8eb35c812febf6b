/** The event figures: a switch-on recognised by its differential cycle, every device judged by a model that never saw it. */
import { featuresOf, logistic } from '../../../detectors/charging/model.ts';
import type { Shape } from '../../../detectors/charging/shape.ts';
import { mainsCycle } from '../../../sim/currents/mains.ts';
import { seeded } from '../../../sim/currents/seeded.ts';
import { currentShape } from '../../../sim/currents/shapes.ts';
import {
  type Device,
  FRONTS,
  homeLoads,
  type Labelled,
  labelledEvents,
  type MeterFront,
  measuredDevices,
  POINTS,
  shapeOfEvent,
  switchOn,
} from './events.ts';
import { fitLogistic, type Logistic } from './logistic.ts';
import { bootstrap, type Counts, f1, macroF1, quantile, recall, wilson } from './statistics.ts';

const CHARGER_FOLDS = 8;
const BANDS = [
  [60, 100],
  [100, 200],
  [200, 400],
] as const;

const inBand = ({ rectifierW }: Shape) => rectifierW > 50 && rectifierW < 470;

/** What is left out together: a device, or an eighth of the modelled chargers. */
const foldOf = ({ device }: Labelled) => {
  const charger = /^charger (\d+)$/.exec(device);
  return charger === null ? device : `chargers ${Number(charger[1]) % CHARGER_FOLDS}`;
};

function fitted(rows: readonly Labelled[]): Logistic {
  return fitLogistic(
    rows.map(({ shape }) => featuresOf(shape)),
    rows.map(({ uncorrected }) => (uncorrected ? 1 : 0)),
  );
}

interface Scored extends Labelled {
  front: string;
  probability: number;
  alarm: boolean;
}

/** Every event with the probability from a model fitted without its device. */
function leaveOneOut(rows: readonly (Labelled & { front: string })[]): Scored[] {
  return [...Map.groupBy(rows, foldOf)].flatMap(([fold, held]) => {
    const { bias, weights } = fitted(rows.filter((row) => foldOf(row) !== fold));
    return held.map((row) => {
      const probability = logistic(bias, weights, featuresOf(row.shape));
      return { ...row, probability, alarm: probability >= 0.5 && inBand(row.shape) };
    });
  });
}

function count(rows: readonly Scored[]): Counts {
  const of = (uncorrected: boolean, alarm: boolean) =>
    rows.filter((row) => row.uncorrected === uncorrected && row.alarm === alarm).length;
  return { hits: of(true, true), misses: of(true, false), falseAlarms: of(false, true), quiet: of(false, false) };
}

/** F1, recalls and false alarms of each meter front, with the spread over what was left out. */
export function eventFigures() {
  const rows = Object.entries(FRONTS).flatMap(([front, settings]) =>
    labelledEvents(settings, 11, 5, 200).map((row) => ({ ...row, front })),
  );
  const scored = leaveOneOut(rows);
  const draw = seeded(2);
  const figures = Object.keys(FRONTS).map((front) => {
    const own = scored.filter((row) => row.front === front);
    const chargers = own.filter(({ uncorrected }) => uncorrected);
    const share = (some: Scored[]) => ({ n: some.length, recall: recall(count(some)) });
    const counts = count(own);
    const groups = [...Map.groupBy(own, foldOf).values()];
    const perDevice = groups.map(
      (group) => group.filter(({ alarm, uncorrected }) => alarm === uncorrected).length / group.length,
    );
    return {
      front,
      f1: f1(counts),
      f1Interval: bootstrap(groups, (drawn) => f1(count(drawn.flat())), draw.unit, 100),
      rightPerLeftOutDevice: {
        worst: Math.min(...perDevice),
        p10: quantile(perDevice, 0.1),
        median: quantile(perDevice, 0.5),
      },
      byBand: BANDS.map(([low, high]) => ({
        band: `${low}-${high} W`,
        ...share(chargers.filter(({ powerW }) => powerW >= low && powerW < high)),
      })),
      byBackgrounds: [0, 1, 2, 3, 4].map((loads) => ({
        loads,
        ...share(chargers.filter(({ backgrounds }) => backgrounds === loads)),
      })),
      falseAlarms: counts.falseAlarms,
      negatives: counts.falseAlarms + counts.quiet,
      falseAlarmInterval: wilson(counts.falseAlarms, counts.falseAlarms + counts.quiet),
    };
  });
  return {
    figures,
    calibration: calibration(scored),
    misses: scored.filter((row) => row.alarm !== row.uncorrected),
    scored,
  };
}

/** Mean probability against what came true, in five bins. */
function calibration(scored: readonly Scored[]) {
  return [0, 0.2, 0.4, 0.6, 0.8].map((low) => {
    const bin = scored.filter(({ probability }) => probability >= low && probability < low + (low === 0.8 ? 1 : 0.2));
    const said = bin.reduce((sum, { probability }) => sum + probability, 0) / Math.max(1, bin.length);
    return {
      from: low,
      n: bin.length,
      said,
      came: bin.filter(({ uncorrected }) => uncorrected).length / Math.max(1, bin.length),
    };
  });
}

/** Uncorrected shapes that are no charger, scaled to 35–120 W: what no waveform can tell apart, per 20 W. */
export function hardNegatives(front: MeterFront, model: (shape: Shape) => number) {
  const draw = seeded(21);
  const measured = measuredDevices();
  const pool = homeLoads(measured);
  const voltage = mainsCycle({ samples: POINTS });
  const modelled = (['small-supply', 'inverter-compressor'] as const).flatMap((kind) =>
    Array.from({ length: 10 }, (_, k): Device => {
      const currentA = currentShape(kind, 70, { voltage, seed: k + 1 });
      return { name: `${kind} ${k}`, uncorrected: true, measured: false, takes: [{ currentA, powerW: 70 }] };
    }),
  );
  const devices = [...measured.filter(({ uncorrected }) => uncorrected), ...modelled];
  const rows = devices.flatMap((device) =>
    Array.from({ length: 40 }, (_, k) => {
      const powerW = draw.between(35, 120);
      const shape = shapeOfEvent(switchOn(device, pool, k % 3, front, draw, powerW));
      return { powerW, alarm: model(shape) >= 0.5 && inBand(shape) && shape.rectifierW >= 60 };
    }),
  );
  return [35, 55, 75, 95].map((low) => {
    const bin = rows.filter(({ powerW }) => powerW >= low && powerW < low + 20);
    return { bin: `${low}-${low + 20} W`, n: bin.length, alarms: bin.filter(({ alarm }) => alarm).length / bin.length };
  });
}

/**
 * Uncorrected or not by shape alone, on measured devices: each is judged by a model of the modelled chargers and the
 * other measured devices, so that no uncorrected device of the test was ever seen.
 * @param starting whether single cycles with an inrush in them count too
 */
export function measuredShapes(starting: boolean, training: readonly Labelled[]) {
  const draw = seeded(31);
  const rows = measuredDevices().flatMap((device) => {
    const takes = device.takes.filter((take) => starting || !take.starting).slice(0, 20);
    return takes.map((take): Labelled => {
      // Scaled to one power: only the form is left to judge by.
      const event = switchOn({ ...device, takes: [take] }, [], 0, FRONTS['6.4 kHz / 16 bit'], draw, 150);
      const { uncorrected, name } = device;
      return { shape: shapeOfEvent(event), uncorrected, device: name, backgrounds: 0, powerW: 150 };
    });
  });
  const scored = [...Map.groupBy(rows, ({ device }) => device)].flatMap(([device, held]) => {
    const { bias, weights } = fitted(training.filter((row) => row.device !== device));
    return held.map((row) => {
      const probability = logistic(bias, weights, featuresOf(row.shape));
      return { ...row, front: '', probability, alarm: probability >= 0.5 };
    });
  });
  const groups = [...Map.groupBy(scored, ({ device }) => device).values()];
  const wrong = groups
    .map((group) => ({ device: group[0]!.device, n: group.length, wrong: group.filter(isWrong).length }))
    .filter((row) => row.wrong > 0);
  return {
    macroF1: macroF1(count(scored)),
    interval: bootstrap(groups, (drawn) => macroF1(count(drawn.flat())), draw.unit, 200),
    devices: groups.length,
    cycles: scored.length,
    wrong,
  };
}

const isWrong = ({ alarm, uncorrected }: Scored) => alarm !== uncorrected;
