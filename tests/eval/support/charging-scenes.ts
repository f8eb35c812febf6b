/**
 * The robustness list of the domain's section 5, each item as a scene: a quiet home, a charger, and one thing that is
 * not as it should be. What counts is whether the charger is suspected and confirmed, once each.
 */
import type { Alert } from '../../../detectors/alert.ts';
import { charging } from '../../../detectors/charging/charging.ts';
import { Engine } from '../../../detectors/engine.ts';
import type { Sample } from '../../../protocols/reading.ts';
import { plugin } from '../../../sim/currents/inrush.ts';
import { mainsCycle } from '../../../sim/currents/mains.ts';
import { type Draw, seeded } from '../../../sim/currents/seeded.ts';
import { currentShape } from '../../../sim/currents/shapes.ts';
import { FRONTS, type MeterFront, mix, POINTS, snapshot } from './events.ts';

export interface Scene {
  /** The charger's plug-in, in minutes of the scene. */
  fromMin?: number;
  floatOnly?: boolean;
  twoChargers?: boolean;
  front?: Partial<MeterFront>;
  voltageV?: number;
  flatTop?: number;
  /** Both the readings and the waveforms, or the waveforms alone. */
  reversed?: 'meter' | 'waveform';
  gain?: number;
  clippedInrush?: boolean;
  gapMin?: [number, number];
  restartMin?: number;
  /** Peak of a solar roof's feed-in. */
  solarW?: number;
}

export const SCENES = {
  'nothing wrong': {},
  'clamp turned round': { reversed: 'meter' },
  'clamp turned round in the waveform only': { reversed: 'waveform' },
  'mains at 49.5 Hz': { front: { frequencyHz: 49.5 } },
  'mains at 50.5 Hz': { front: { frequencyHz: 50.5 } },
  'voltage 10 % high': { voltageV: 242 },
  'voltage 10 % low': { voltageV: 198 },
  'flat-topped voltage': { flatTop: 0.05 },
  'gain 2 % wrong': { gain: 1.02 },
  'clipped inrush in the snapshot': { clippedInrush: true },
  'on at boot': { fromMin: -15 },
  'two chargers at once': { twoChargers: true },
  'float only': { floatOnly: true },
  'cut by a gap of an hour': { gapMin: [75, 135] },
  'restart in the middle': { restartMin: 50 },
  'solar roof': { solarW: 900 },
} as const satisfies Record<string, Scene>;

const LENGTH_MIN = 360;

/** The charger's share of its power: two hours of rise, then a taper. */
function share(minute: number): number {
  if (minute < 0 || minute > 200) return 0;
  return minute < 120 ? 1 + (0.06 * minute) / 60 : 1.12 * Math.exp(-(minute - 120) / 25);
}

interface Stage {
  scene: Scene;
  draw: Draw;
  voltage: Float64Array;
  /** Cycles at one watt, with the power at a minute. */
  loads: { currentA: Float64Array; powerW: (minute: number) => number }[];
}

function stage(scene: Scene, seed: number): Stage {
  const draw = seeded(seed);
  const { voltageV = 220, flatTop = 0.02, fromMin = 40, floatOnly, twoChargers, solarW = 0 } = scene;
  const voltage = mainsCycle({ samples: POINTS, voltageV, flatTop });
  const chargerW = draw.between(100, 260);
  const unit = (kind: Parameters<typeof currentShape>[0], powerW: number) =>
    currentShape(kind, powerW, { voltage, seed: 1 + Math.floor(draw.unit() * 1e6) }).map((value) => value / powerW);
  const charger = floatOnly ? () => 5 : (minute: number) => chargerW * share(minute - fromMin);
  const loads = [
    { currentA: unit('motor', 40), powerW: () => 45 },
    { currentA: unit('small-supply', 20), powerW: () => 20 },
    { currentA: unit('resistive', 60), powerW: (minute: number) => (minute > 20 && minute < 300 ? 60 : 0) },
    { currentA: unit('charger', floatOnly ? 100 : chargerW), powerW: charger },
    { currentA: unit('corrected', 500), powerW: (minute: number) => -solarW * (0.6 + 0.4 * Math.sin(minute / 17)) },
  ];
  if (twoChargers) {
    const secondW = draw.between(100, 260);
    loads.push({ currentA: unit('charger', secondW), powerW: (minute) => secondW * share(minute - fromMin - 12) });
  }
  return { scene, draw, voltage, loads };
}

function* samples({ scene, draw, voltage, loads }: Stage): Generator<Sample> {
  const { gain = 1, reversed, gapMin, clippedInrush, fromMin = 40 } = scene;
  const front = { ...FRONTS['6.4 kHz / 16 bit'], ...scene.front };
  const powerAt = (minute: number) => loads.reduce((sum, { powerW }) => sum + powerW(minute), 0);
  let shownW = Number.NaN;
  for (let minute = 0; minute < LENGTH_MIN; minute++) {
    if (gapMin !== undefined && minute >= gapMin[0] && minute < gapMin[1]) continue;
    const atMs = minute * 60_000;
    const powerW = powerAt(minute) * gain * gain * (reversed === 'meter' ? -1 : 1) + draw.normal();
    yield { atMs, meter: 'm', reading: { activePowerW: powerW, voltageV: [220] } };
    if (Math.abs(powerW - shownW) < 25) continue;
    shownW = powerW;
    const sign = reversed === undefined ? gain : -gain;
    const cycle = mix(loads.map((load) => ({ currentA: load.currentA, factor: sign * load.powerW(minute + 0.05) })));
    const waveform = snapshot(cycle, front, draw, voltage);
    if (clippedInrush && minute === Math.ceil(fromMin)) {
      // The capacitor's first pulse, at the converter's end; the rest of the snapshot is what it would have been.
      const samplesIn = Math.round(front.rateHz / front.frequencyHz / 4);
      const peak = Math.min(32767, Math.round(plugin(7).inrushA / front.currentScale) * 10);
      waveform.current.samples.fill(peak, 20, 20 + samplesIn);
    }
    yield { atMs: atMs + 3000, meter: 'm', waveform };
  }
}

/** Alerts of one scene; the restart goes through the snapshot as JSON. */
export function playScene(scene: Scene, seed: number): Alert[] {
  const area = { timezone: 'Asia/Shanghai', meters: [{ id: 'm', premises: 'flat' as const }] };
  let engine = new Engine(area, [charging()]);
  const alerts: Alert[] = [];
  let restarted = scene.restartMin === undefined;
  for (const sample of samples(stage(scene, seed))) {
    if (!restarted && sample.atMs >= scene.restartMin! * 60_000) {
      engine = new Engine(area, [charging()], JSON.parse(JSON.stringify(engine.snapshot())));
      restarted = true;
    }
    alerts.push(...engine.take(sample).alerts);
  }
  return alerts;
}

/** Of `seeds` homes: how many had each stage, and how many alerts there were. */
export function robustness(seeds = 20) {
  return Object.entries(SCENES).map(([name, scene]) => {
    const plays = Array.from({ length: seeds }, (_, k) => playScene(scene, 100 + k));
    const expected = 'floatOnly' in scene ? 0 : 'twoChargers' in scene ? 2 : 1;
    const of = (stage: string) => plays.filter((alerts) => distinct(alerts, stage) === expected).length / seeds;
    return { name, expected, suspected: of('suspected'), confirmed: of('confirmed') };
  });
}

const distinct = (alerts: Alert[], stage: string) =>
  new Set(alerts.filter(({ evidence, state }) => evidence.stage === stage && state !== 'cleared').map(({ id }) => id))
    .size;

/** What the meter's readings of a scene show, by the minute. */
export function scenePower(scene: Scene, seed: number): number[] {
  const powerW: number[] = [];
  for (const sample of samples(stage(scene, seed))) {
    if ('reading' in sample) powerW[sample.atMs / 60_000] = sample.reading.activePowerW ?? 0;
  }
  return Array.from(powerW, (value) => value ?? 0);
}
