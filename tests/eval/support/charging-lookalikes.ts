/** Compressor days with an inverter fridge's waveform: measured days of fridges and freezers, none of which may confirm. */
import type { Sample } from '../../../protocols/reading.ts';
import { mainsCycle } from '../../../sim/currents/mains.ts';
import { seeded } from '../../../sim/currents/seeded.ts';
import { currentShape } from '../../../sim/currents/shapes.ts';
import { loadDeviceDays } from './charging-data.ts';
import { alertsOf } from './charging-session-figures.ts';
import { FRONTS, mix, POINTS, snapshot } from './events.ts';

const voltage = mainsCycle({ samples: POINTS });
const DAY_S = 86_400;

/** One day by the minute over a quiet home, with a waveform for each step; power times `scale`. */
function* daySamples(powerW: (s: number) => number, seed: number, asked: () => boolean): Generator<Sample> {
  const draw = seeded(seed);
  const fridge = currentShape('inverter-compressor', 80, { voltage, seed });
  const base = mix([
    { currentA: currentShape('small-supply', 25, { voltage, seed: 5 }), factor: 1 },
    { currentA: currentShape('motor', 60, { voltage, seed: 3 }), factor: 1 },
  ]);
  let shownW = Number.NaN;
  for (let s = 0; s < DAY_S; s += 60) {
    const ownW = powerW(s);
    const totalW = 85 + ownW + draw.normal();
    const atMs = s * 1000;
    yield { atMs, meter: 'm', reading: { activePowerW: totalW, voltageV: [220] } };
    if (!asked() && Math.abs(totalW - shownW) < 30) continue;
    shownW = totalW;
    const currentA = mix([
      { currentA: base, factor: 1 },
      { currentA: fridge, factor: ownW / 80 },
    ]);
    yield { atMs: atMs + 3000, meter: 'm', waveform: snapshot(currentA, FRONTS['1.6 kHz / 12 bit'], draw, voltage) };
  }
}

/** Every measured fridge day at its own power and scaled to a charger's, and an inverter fridge that runs flat for hours. */
export function compressorDays() {
  const days = loadDeviceDays().filter(({ kind }) => kind === 'Refrigerator' || kind === 'Freezer');
  const replays: { name: string; powerW: (s: number) => number }[] = days.flatMap(({ powerW }, k) =>
    [1, 1.3, 1.8].map((scale) => ({
      name: `measured day ${k} × ${scale}`,
      powerW: (s: number) => Math.max(0, powerW[s] ?? 0) * scale,
    })),
  );
  const draw = seeded(77);
  for (let k = 0; k < 30; k++) {
    const [onMin, offMin, levelW] = [draw.between(12, 35), draw.between(20, 60), draw.between(60, 140)];
    // A compressor starts against pressure: its power falls while it runs.
    const fall = draw.between(0.03, 0.15);
    const period = (onMin + offMin) * 60;
    replays.push({
      name: `inverter ${Math.round(levelW)} W, ${Math.round(onMin)} of ${Math.round(onMin + offMin)} min`,
      powerW: (s) => (s % period < onMin * 60 ? levelW * (1 - (fall * (s % period)) / (onMin * 60)) : 0),
    });
  }
  for (const levelW of [58, 65, 72]) {
    replays.push({ name: `flat ${levelW} W for hours`, powerW: (s) => (s % 21_600 < 14_400 ? levelW : 0) });
  }
  const judged = replays.map(({ name, powerW }, k) => {
    const alerts = alertsOf((asked) => daySamples(powerW, k + 1, asked));
    return {
      name,
      suspected: alerts.filter(({ state }) => state === 'raised').length,
      confirmed: alerts.filter(({ state, evidence }) => state === 'updated' && evidence.stage === 'confirmed').length,
    };
  });
  return {
    days: judged.length,
    confirmed: judged.reduce((sum, day) => sum + day.confirmed, 0),
    suspectedPerDay: judged.reduce((sum, day) => sum + day.suspected, 0) / judged.length,
    which: judged.filter(({ confirmed }) => confirmed > 0).map(({ name }) => name),
  };
}
