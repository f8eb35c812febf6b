/**
 * Fits `detectors/charging/model.json` anew: `node tests/eval/train-charging.ts`. Seeds are fixed, so the same data
 * give the same file byte for byte. Needs `../shared/data/charging` for the measured loads.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { featuresOf } from '../../detectors/charging/model.ts';
import { haveChargingData } from './support/charging-data.ts';
import { FRONTS, labelledEvents } from './support/events.ts';
import { fitLogistic } from './support/logistic.ts';

const SEED = 3;

/** The model and what it was fitted to, as it stands in the file. */
export function trainedModel() {
  const rows = Object.values(FRONTS).flatMap((front) => labelledEvents(front, SEED));
  const { bias, weights } = fitLogistic(
    rows.map(({ shape }) => featuresOf(shape)),
    rows.map(({ uncorrected }) => (uncorrected ? 1 : 0)),
  );
  const round = (value: number) => Number(value.toPrecision(6));
  return {
    trainedOn: {
      script: 'tests/eval/train-charging.ts',
      seed: SEED,
      positives: `${rows.filter(({ uncorrected }) => uncorrected).length} switch-ons of 300 modelled chargers (sim/currents), 60-400 W`,
      negatives: `${rows.filter(({ uncorrected }) => !uncorrected).length} switch-ons of measured and modelled loads of other kinds`,
      measuredDevices: [...new Set(rows.map(({ device }) => device))].filter(
        (name) => !/^(charger|modelled)/.test(name),
      ),
      fronts: Object.keys(FRONTS),
      backgroundLoads: '0-4 measured loads of up to 2.5 kW',
    },
    features: ['a5', 'fall5', 'fall7', 'pulse7', 'displacementPf', 'even'],
    bias: round(bias),
    weights: weights.map(round),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (!haveChargingData) {
    console.error('train-charging: ../shared/data/charging is not here');
    process.exit(1);
  }
  const file = fileURLToPath(new URL('../../detectors/charging/model.json', import.meta.url));
  writeFileSync(file, `${JSON.stringify(trainedModel(), null, 2)}\n`);
}
