import { describe, expect, it } from 'vitest';
import { joined, look, presenceOf } from '../../../detectors/charging/presence.ts';
import { judge, type View, viewOfWaveform } from '../../../detectors/charging/view.ts';
import { mainsCycle } from '../../../sim/currents/mains.ts';
import { seeded } from '../../../sim/currents/seeded.ts';
import { type CurrentKind, currentShape } from '../../../sim/currents/shapes.ts';
import { FRONTS, mix, POINTS, snapshot } from '../../eval/support/events.ts';

const draw = seeded(12);
const voltage = mainsCycle({ samples: POINTS });
const cycle = (kind: CurrentKind, powerW: number) => currentShape(kind, powerW, { voltage, seed: 4 });

/** A home of a fridge and so much of a charger of 120 W, and whatever else. */
function home(atMs: number, part: number, ...more: Float64Array[]): View {
  const currentA = mix([
    { currentA: cycle('motor', 90), factor: 1 },
    { currentA: cycle('charger', 120), factor: part },
    ...more.map((other) => ({ currentA: other, factor: 1 })),
  ]);
  return viewOfWaveform(snapshot(currentA, FRONTS['1.6 kHz / 12 bit'], draw, voltage), atMs)!;
}

describe('the presence of a load', () => {
  it('is how much of its harmonics is left, within 3 %', () => {
    const presence = presenceOf(home(1, 1), home(0, 0), 120);
    expect(look(presence, home(2, 1))).toBeCloseTo(0, 1);
    expect(Math.abs(look(presence, home(3, 0.4)) + 0.6)).toBeLessThan(0.03);
    expect(Math.abs(presence.sum - 0.4)).toBeLessThan(0.03);
    look(presence, home(4, 0));
    expect(Math.abs(presence.sum)).toBeLessThan(0.03);
  });

  it('does not change with loads that follow the voltage', () => {
    const presence = presenceOf(home(1, 1), home(0, 0), 120);
    look(presence, home(2, 1, cycle('motor', 150), cycle('corrected', 100)));
    expect(Math.abs(presence.sum - 1)).toBeLessThan(0.1);
  });

  it('of a soft start is its two parts together', () => {
    const first = presenceOf(home(1, 0.5), home(0, 0), 60);
    const whole = joined(first, presenceOf(home(2, 1), home(1, 0.5), 60), 120);
    look(whole, home(3, 0));
    expect(Math.abs(whole.sum)).toBeLessThan(0.05);
  });
});

describe('a rectifier that goes while a motor comes', () => {
  it('is not taken for one that came', () => {
    const judged = judge(home(1, 0, cycle('motor', 225)), home(0, 1));
    expect(judged.grew && judged.probability >= 0.5).toBe(false);
  });
});

describe('a dimmer that goes while a fridge speeds up', () => {
  it('is not taken for a charger that came', () => {
    const view = (atMs: number, ...parts: Float64Array[]) => {
      const currentA = mix(parts.map((one) => ({ currentA: one, factor: 1 })));
      return viewOfWaveform(snapshot(currentA, FRONTS['6.4 kHz / 16 bit'], draw, voltage), atMs)!;
    };
    const of = (kind: CurrentKind, powerW: number, seed: number) => currentShape(kind, powerW, { voltage, seed });
    const computer = of('corrected', 96, 42756);
    const before = view(
      0,
      computer,
      of('inverter-compressor', 42, 37426),
      of('phase-cut', 57, 73905),
      of('corrected', 68, 89453),
    );
    const judged = judge(view(1, computer, of('inverter-compressor', 71, 37426)), before);
    expect(judged.grew && judged.probability >= 0.5).toBe(false);
  });
});
