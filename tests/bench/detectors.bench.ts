/** All detectors of the house over the readings of 1,000 homes and a transformer, ticks included. */
import { allDetectors } from '../../detectors/catalogue.ts';
import { timeStreet } from '../eval/support/network-cost.ts';

export const name = 'detectors';

export async function run(): Promise<Record<string, number>> {
  const { micros, engine } = timeStreet(allDetectors(), 1000, 180);
  const snapshot = engine.snapshot();
  const bytes = JSON.stringify(snapshot.meters).length + JSON.stringify(snapshot.area).length;
  return {
    readingsPerSecondAllDetectors: 1e6 / micros,
    stateBytesPerMeterAllDetectors: bytes / 1001,
  };
}
