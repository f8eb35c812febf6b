import { describe, expect, it } from 'vitest';
import { type View, viewBefore } from '../../../detectors/charging/view.ts';

const viewOf = (inputs: View['inputs'], atMs: number, phase = 1): View => ({
  ...{ atMs, phase, inputs, re: [1], im: [0], voltageV: 230, powerW: 200 },
  ...{ highestOrder: 15, frequencyHz: 50, rectifierW: 0 },
});

describe('the view before a step', () => {
  it('is the newest of its phase before it', () => {
    const [old, fresh] = [viewOf('waveform', 1), viewOf('waveform', 2)];
    const views = [old, fresh, viewOf('waveform', 3, 2), viewOf('waveform', 9)];
    expect(viewBefore(views, viewOf('waveform', 5), undefined)).toBe(fresh);
  });

  it.each([
    ['waveform', 'distortion'],
    ['waveform', 'harmonics'],
    ['harmonics', 'waveform'],
  ] as const)('of a %s is none of %s: magnitudes have no phases to subtract', (now, before) => {
    expect(viewBefore([viewOf(before, 1)], viewOf(now, 5), undefined)).toBeUndefined();
  });

  it('may be a figure of distortion where harmonics come only now and then', () => {
    const thd = viewOf('distortion', 1);
    expect(viewBefore([thd], viewOf('harmonics', 5), undefined)).toBe(thd);
  });
});
