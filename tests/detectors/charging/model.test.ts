import { describe, expect, it } from 'vitest';
import stored from '../../../detectors/charging/model.json' with { type: 'json' };
import { rectifierProbability } from '../../../detectors/charging/model.ts';
import { seeded } from '../../../sim/currents/seeded.ts';
import { haveChargingData } from '../../eval/support/charging-data.ts';
import { FRONTS, modelledChargers, shapeOfEvent, switchOn } from '../../eval/support/events.ts';
import { trainedModel } from '../../eval/train-charging.ts';

describe('the model of a charger’s form', () => {
  it('knows chargers that it was not fitted to, through both meters', () => {
    const draw = seeded(99);
    for (const front of Object.values(FRONTS)) {
      const known = modelledChargers(60, 99).filter(
        (charger) => rectifierProbability(shapeOfEvent(switchOn(charger, [], 0, front, draw))) > 0.5,
      );
      expect(known.length).toBeGreaterThanOrEqual(59);
    }
  });
});

describe.skipIf(!haveChargingData)('the training script (needs ../shared/data/charging)', () => {
  it('gives the stored parameters again', { timeout: 120_000 }, () => {
    const trained = trainedModel();
    expect(trained.bias).toBeCloseTo(stored.bias, 3);
    for (const [k, weight] of trained.weights.entries()) expect(weight).toBeCloseTo(stored.weights[k]!, 3);
    expect(trained.trainedOn).toEqual(stored.trainedOn);
  });
});
