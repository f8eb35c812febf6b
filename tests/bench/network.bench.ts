/** The network's detectors over an area of 1,000 homes and a transformer. */
import { networkDetectors, timeStreet } from '../eval/support/network-cost.ts';

export const name = 'network';

export async function run(): Promise<Record<string, number>> {
  const { micros, engine } = timeStreet(networkDetectors(), 1000, 240);
  const snapshot = engine.snapshot();
  const bytes = JSON.stringify(snapshot.meters).length + JSON.stringify(snapshot.area).length;
  return {
    networkMicrosPerReading: micros,
    networkStateBytesPerMeter: bytes / 1001,
  };
}
