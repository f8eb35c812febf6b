import { describe, expect, it } from 'vitest';
import type { Alert } from '../../../detectors/alert.ts';
import { type ChargingState, charging } from '../../../detectors/charging/charging.ts';
import { Engine } from '../../../detectors/engine.ts';
import type { MeterInfo } from '../../../protocols/reading.ts';
import { mainsCycle } from '../../../sim/currents/mains.ts';
import { seeded } from '../../../sim/currents/seeded.ts';
import { type CurrentKind, currentShape } from '../../../sim/currents/shapes.ts';
import { FRONTS, mix, POINTS, snapshot } from '../../eval/support/events.ts';

const MINUTE = 60_000;
/** Noon in Shanghai. */
const NOON = Date.UTC(2024, 0, 1, 4);
const voltage = mainsCycle({ samples: POINTS });

/** One load of the home and the minutes it runs, with its power as a share of the full. */
interface Load {
  kind: CurrentKind;
  powerW: number;
  seed?: number;
  share: (minute: number) => number;
}

const always = () => 1;
const during = (from: number, to: number) => (minute: number) => (minute >= from && minute < to ? 1 : 0);
/** Rises 6 % an hour for 100 minutes, then falls away within an hour. */
const charge = (from: number) => (minute: number) => {
  const hours = (minute - from) / 60;
  if (hours < 0 || hours > 2.7) return 0;
  return hours < 1.7 ? 1 + 0.06 * hours : Math.max(0.03, 1.1 - (hours - 1.7) * 1.1);
};

const BASE: Load[] = [
  { kind: 'resistive', powerW: 70, share: always },
  { kind: 'motor', powerW: 40, share: always },
];

interface Play {
  meter?: Partial<MeterInfo>;
  minutes?: number;
  cadenceS?: number;
  /** When a waveform comes: with every step, asked for, by the minute, once, or never. */
  waveforms?: 'steps' | 'asked' | 'minutes' | 'once' | 'never';
  harmonics?: 'each' | 'total';
  sign?: 1 | -1;
  rebootAt?: number;
}

/** Plays a home through the engine; returns alerts with their minute, and the size of the state. */
function play(loads: Load[], options: Play = {}) {
  const { minutes = 300, cadenceS = 60, waveforms = 'steps', sign = 1 } = options;
  const area = { timezone: 'Asia/Shanghai', meters: [{ id: 'm', premises: 'flat' as const, ...options.meter }] };
  let engine = new Engine(area, [charging()]);
  const draw = seeded(5);
  const alerts: (Alert & { minute: number })[] = [];
  const take = (taken: { alerts: Alert[] }, minute: number) =>
    alerts.push(...taken.alerts.map((alert) => ({ ...alert, minute })));
  const cycleAt = (minute: number) =>
    mix(
      loads.map(({ kind, powerW, seed = 4, share }) => {
        const part = share(minute);
        return { currentA: currentShape(kind, powerW, { voltage, seed }), factor: sign * part };
      }),
    );
  const powerAt = (minute: number) => loads.reduce((sum, { powerW, share }) => sum + powerW * share(minute), 0);
  let snapshots = 0;
  for (let s = 0; s < minutes * 60; s += cadenceS) {
    const minute = s / 60;
    const atMs = NOON + s * 1000;
    if (options.rebootAt !== undefined && Math.abs(minute - options.rebootAt) < 0.01) {
      engine = new Engine(area, [charging()], JSON.parse(JSON.stringify(engine.snapshot())));
    }
    const powerW = sign * powerAt(minute) + 0.7 * draw.normal();
    const orders = options.harmonics === undefined ? [] : magnitudes(cycleAt(minute));
    const thd = Math.hypot(...orders.slice(1)) / (orders[0] ?? 1);
    const shown = { each: { harmonicsA: [orders] }, total: { currentThd: [thd] } };
    const reading = { activePowerW: powerW, voltageV: [220], ...(options.harmonics && shown[options.harmonics]) };
    const result = engine.take({ atMs, meter: 'm', reading });
    take(result, minute);
    const stepped = Math.abs(powerAt(minute) - powerAt(minute - cadenceS / 60)) > 25;
    const wanted = {
      steps: stepped,
      asked: result.asks.some(({ type }) => type === 'capture'),
      minutes: s % 60 === 0,
      once: stepped && snapshots === 0,
      never: false,
    }[waveforms];
    if (!wanted) continue;
    snapshots++;
    const later = minute + 4 / 60;
    const waveform = snapshot(cycleAt(later), FRONTS['6.4 kHz / 16 bit'], draw);
    take(engine.take({ atMs: atMs + 4000, meter: 'm', waveform }), later);
  }
  return { alerts, bytes: JSON.stringify(engine.snapshot().meters).length };
}

/** h1 … h15 in amperes rms. */
function magnitudes(cycle: Float64Array): number[] {
  return Array.from({ length: 15 }, (_, k) => {
    let re = 0;
    let im = 0;
    cycle.forEach((value, n) => {
      re += value * Math.cos((2 * Math.PI * (k + 1) * n) / cycle.length);
      im += value * Math.sin((2 * Math.PI * (k + 1) * n) / cycle.length);
    });
    return (Math.hypot(re, im) * Math.SQRT2) / cycle.length;
  });
}

const charger = (from = 40, powerW = 150): Load => ({ kind: 'charger', powerW, share: charge(from) });
const stages = (alerts: Alert[]) => alerts.map(({ state, evidence }) => `${state} ${evidence.stage}`);
const WHOLE_LIFE = ['raised suspected', 'updated confirmed', 'cleared confirmed'];

describe('a charger', () => {
  it.each([
    ['waveforms with each step', {}],
    ['waveforms that it asks for', { waveforms: 'asked', cadenceS: 10 }],
    ['waveforms asked for at a second’s cadence', { waveforms: 'asked', cadenceS: 1 }],
    ['a waveform every minute', { waveforms: 'minutes', cadenceS: 20 }],
    ['one single waveform', { waveforms: 'once' }],
    ['harmonics without waveforms', { waveforms: 'never', harmonics: 'each' }],
    ['a figure of distortion only', { waveforms: 'never', harmonics: 'total' }],
    ['a clamp that is turned round', { sign: -1 }],
    ['a reboot in the middle', { rebootAt: 60 }],
  ] as [string, Play][])('is one alert from suspected to cleared with %s', (_, options) => {
    const { alerts, bytes } = play([...BASE, charger()], options);
    expect(stages(alerts)).toEqual(WHOLE_LIFE);
    const [raised, confirmed, cleared] = alerts as [(typeof alerts)[0], (typeof alerts)[0], (typeof alerts)[0]];
    expect(new Set(alerts.map(({ id }) => id)).size).toBe(1);
    expect(raised.minute - 40).toBeLessThanOrEqual(1.1);
    expect(raised.severity).toBe('notice');
    expect(confirmed.minute - 40).toBeLessThanOrEqual(30);
    expect(confirmed.severity).toBe('warning');
    expect(cleared.evidence.energyWh).toBeGreaterThan(250);
    expect(cleared.evidence.energyWh).toBeLessThan(400);
    expect(cleared.evidence.durationMin).toBeGreaterThan(110);
    expect(bytes).toBeLessThan(8000);
  });

  it('says which inputs it had', () => {
    expect(play([...BASE, charger()]).alerts[0]?.evidence.inputs).toBe('waveform');
    expect(play([...BASE, charger()], { waveforms: 'never', harmonics: 'each' }).alerts[0]?.evidence.inputs).toBe(
      'harmonics',
    );
    expect(play([...BASE, charger()], { waveforms: 'never' }).alerts[0]?.evidence.inputs).toBe('power');
  });

  it('is told apart from a second one', () => {
    const second: Load = { kind: 'charger', powerW: 210, seed: 9, share: charge(55) };
    const { alerts } = play([...BASE, charger(), second]);
    expect(new Set(alerts.map(({ id }) => id)).size).toBe(2);
    expect(alerts.filter(({ state }) => state === 'cleared')).toHaveLength(2);
  });

  it.each([
    'steps',
    'asked',
    'minutes',
  ] as const)('is still the same after its plug was moved, with %s', (waveforms) => {
    const share = (minute: number) => (minute > 70 && minute < 78 ? 0 : charge(40)(minute));
    // A television's harmonics are as many as half of the charger's are.
    const television: Load = { kind: 'small-supply', powerW: 75, share: during(55, 280) };
    for (const others of [BASE, [...BASE, television]]) {
      const { alerts } = play([...others, { ...charger(), share }], { waveforms });
      const own = alerts.filter(({ since }) => since <= NOON + 42 * MINUTE);
      expect(stages(own)).toEqual(WHOLE_LIFE);
      const inPause = alerts.filter(({ since }) => since > NOON + 70 * MINUTE);
      expect(inPause).toEqual([]);
    }
  });

  it('is found beneath a heater that goes off in the same minute', () => {
    const heater: Load = { kind: 'resistive', powerW: 1000, share: during(0, 40) };
    const { alerts } = play([...BASE, charger(), heater]);
    expect(stages(alerts)).toEqual(WHOLE_LIFE);
    expect(alerts[0]!.minute - 40).toBeLessThanOrEqual(1.1);
  });

  it('is found at the end of several minutes in which other things go on and off', () => {
    const oven = (minute: number) => [0.1, 0.6, 0.2, 0.5, 0][minute - 36] ?? 1;
    const heater: Load = { kind: 'resistive', powerW: 1500, share: (minute) => (minute <= 40 ? oven(minute) : 0) };
    const { alerts } = play([...BASE, charger(), heater], { waveforms: 'asked' });
    expect(stages(alerts)).toEqual(WHOLE_LIFE);
    expect(alerts[0]!.minute - 40).toBeLessThanOrEqual(2.1);
  });

  it('is not seen in the flat crest that a heater leaves behind', () => {
    const heater: Load = { kind: 'resistive', powerW: 2500, share: during(0, 40) };
    expect(play([...BASE, heater]).alerts).toEqual([]);
  });

  it('is found over a kettle that boils in the same minute', () => {
    const kettle: Load = { kind: 'resistive', powerW: 1800, share: during(40, 44) };
    expect(stages(play([...BASE, charger(), kettle]).alerts)).toEqual(WHOLE_LIFE);
  });

  it('is found when it was on before the gateway', () => {
    const { alerts } = play([...BASE.slice(0, 1), charger(-10)], { waveforms: 'minutes' });
    expect(stages(alerts).slice(0, 2)).toEqual(WHOLE_LIFE.slice(0, 2));
  });

  it('is nobody’s business where charging is allowed', () => {
    for (const meter of [{ charging: 'allowed' as const }, { premises: 'charging-point' as const }]) {
      expect(charging().start({ id: 'm', ...meter }, { timezone: 'UTC', meters: [] })).toBeUndefined();
    }
  });

  it('is critical and confirmed sooner in a corridor', () => {
    const { alerts } = play([...BASE, charger()], { meter: { premises: 'corridor' } });
    const confirmed = alerts.find(({ evidence }) => evidence.stage === 'confirmed');
    expect(confirmed?.severity).toBe('critical');
    expect(confirmed!.minute - 40).toBeLessThan(15);
  });
});

describe('what began', () => {
  /** Speeds up by 2 W a minute, too slowly for a step and for a new picture of the home. */
  const fridge: Load = {
    kind: 'inverter-compressor',
    powerW: 40,
    share: (minute) => Math.min(1.35, 1 + 0.05 * Math.max(0, minute - 30)),
  };
  const notebook = (during_: (minute: number) => number): Load => ({
    kind: 'small-supply',
    powerW: 62,
    share: during_,
  });

  it('is no more than the readings saw, where the home had changed since its last picture', () => {
    const { alerts } = play([...BASE, fridge, notebook(during(40, 100))], { waveforms: 'asked' });
    expect(alerts[0]?.evidence.powerW).toBeGreaterThan(58);
    expect(alerts[0]?.evidence.powerW).toBeLessThan(70);
  });

  it('is nothing of what stood in the home when something else went off', () => {
    const standing: Load = { kind: 'small-supply', powerW: 90, share: always };
    const heater: Load = { kind: 'resistive', powerW: 75, share: (minute) => (minute < 40 ? 1 : 0) };
    const { alerts } = play([...BASE, standing, heater], { waveforms: 'once' });
    expect(alerts).toEqual([]);
  });
});

describe('the state', () => {
  it('stays below 8 kB as JSON, three phases and everything full', () => {
    const detector = charging();
    const meter: MeterInfo = { id: 'm', phases: 3 };
    const state = detector.start(meter, { timezone: 'UTC', meters: [meter] }) as ChargingState;
    const draw = seeded(8);
    for (let k = 0; k < 400; k++) {
      const atMs = NOON + k * 17 * MINUTE;
      const powerW = k % 2 === 0 ? 60 : draw.between(120, 400);
      const currentA = currentShape('charger', powerW, { voltage, seed: k + 1 });
      const waveform = { ...snapshot(currentA, FRONTS['6.4 kHz / 16 bit'], draw), phase: 1 + (k % 3) };
      const at = { atMs, localMs: atMs, meter: 'm' };
      detector.step(state, { ...at, type: 'reading', reading: { activePowerW: powerW } }, meter);
      detector.step(state, { ...at, type: 'waveform', waveform }, meter);
    }
    expect(state.lookalikes.length).toBeGreaterThan(10);
    expect(state.views).toHaveLength(8);
    expect(JSON.stringify(state).length).toBeLessThan(8000);
  });
});

describe('what is no charger', () => {
  it.each(['resistive', 'motor', 'corrected', 'phase-cut', 'half-wave'] as const)('%s raises nothing', (kind) => {
    const load: Load = { kind, powerW: 150, share: during(40, 200) };
    expect(play([...BASE, load]).alerts).toEqual([]);
  });

  it('learns a compressor that keeps coming, and never confirms it', () => {
    const share = (minute: number) => (minute % 60 < 20 ? 1.05 - 0.003 * (minute % 60) : 0);
    const { alerts } = play([...BASE, { kind: 'inverter-compressor', powerW: 80, share }], { minutes: 1440 });
    expect(alerts.filter(({ evidence }) => evidence.stage === 'confirmed')).toEqual([]);
    expect(alerts.filter(({ state }) => state === 'raised').length).toBeLessThanOrEqual(2);
  });

  it('takes a grid worker’s word', () => {
    const detector = charging();
    const meter: MeterInfo = { id: 'm', premises: 'flat' };
    const state = detector.start(meter, { timezone: 'UTC', meters: [meter] }) as ChargingState;
    const at = (atMs: number) => ({ atMs, localMs: atMs, meter: 'm' });
    const draw = seeded(2);
    const home = (on: boolean) =>
      snapshot(
        mix([
          { currentA: currentShape('resistive', 70, { voltage }), factor: 1 },
          { currentA: currentShape('charger', 150, { voltage }), factor: on ? 1 : 0 },
        ]),
        FRONTS['6.4 kHz / 16 bit'],
        draw,
      );
    detector.step(state, { ...at(0), type: 'waveform', waveform: home(false) }, meter);
    const raised = detector.step(state, { ...at(MINUTE), type: 'waveform', waveform: home(true) }, meter);
    expect(raised.some((output) => output.type === 'finding')).toBe(true);
    const answered = detector.step(
      state,
      { ...at(2 * MINUTE), type: 'verdict', verdict: { result: 'false-alarm' } },
      meter,
    );
    expect(answered).toMatchObject([{ type: 'finding', finding: { state: 'cleared' } }]);
    detector.step(state, { ...at(30 * MINUTE), type: 'waveform', waveform: home(false) }, meter);
    const again = detector.step(state, { ...at(31 * MINUTE), type: 'waveform', waveform: home(true) }, meter);
    expect(again.filter((output) => output.type === 'finding')).toEqual([]);
  });
});
