import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { METER_EVENTS, type Sample } from '../../protocols/reading.ts';
import { encodeHeader, encodeRecord, parseHeader, parseRecord, RecordingReader } from '../../protocols/recording.ts';

const figure = fc.double({ noNaN: true, noDefaultInfinity: true }).map((x) => x + 0);
const meter = fc.string({ minLength: 1, maxLength: 12 });
const atMs = fc.integer({ min: 0, max: 4e12 });
const samples = fc.array(fc.integer({ min: -32768, max: 32767 }), { minLength: 1, maxLength: 300 });
const anySample: fc.Arbitrary<Sample> = fc.oneof(
  fc.record({
    atMs,
    meter,
    reading: fc.record(
      { activePowerW: figure, voltageV: fc.array(figure, { maxLength: 3 }), importWh: figure },
      { requiredKeys: [] },
    ),
  }),
  fc.record({ atMs, meter, event: fc.constantFrom(...METER_EVENTS) }),
  fc.record({ atMs, meter, samples, phase: fc.constantFrom(1, 2, 3) }).map((w) => ({
    atMs: w.atMs,
    meter: w.meter,
    waveform: {
      rateHz: 6400,
      phase: w.phase,
      voltage: { scale: 0.02, samples: Int16Array.from(w.samples) },
      current: { scale: 0.001, samples: Int16Array.from(w.samples, (x) => -x / 2) },
    },
  })),
);

describe('recording', () => {
  it('reads back every record it writes', () => {
    fc.assert(
      fc.property(anySample, (sample) => {
        expect(parseRecord(encodeRecord(sample))).toEqual({ ok: true, unknown: [], value: sample });
      }),
    );
  });

  it('carries samples as the same base64 that everybody else writes', () => {
    const wave = { scale: 1, samples: Int16Array.of(1, -2, 300) };
    const line = encodeRecord({
      atMs: 1,
      meter: 'a',
      waveform: { rateHz: 800, phase: 1, voltage: wave, current: wave },
    });
    expect(JSON.parse(line).w.voltage.samples).toBe(Buffer.from(wave.samples.buffer).toString('base64'));
  });

  it('throws on no line whatsoever', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (line) => {
        parseHeader(line);
        parseRecord(line);
      }),
    );
  });

  it('names what is wrong with a line', () => {
    const problem = (line: string) => {
      const parsed = parseRecord(line);
      return parsed.ok ? '' : parsed.problem;
    };
    expect(problem('{"t":1,"m":"a","r":{"activePowerW":"5"}}')).toContain('r.activePowerW');
    expect(problem('{"t":"1","m":"a","r":{}}')).toContain('t:');
    expect(problem('{"t":1,"m":"a","e":{"event":"on-fire"}}')).toContain('power-off');
    expect(problem('{"t":1,"m":"a"}')).toContain('r, w, e');
    expect(problem('{"t":1,"m":"a","w":{"rateHz":50,"phase":1}}')).toContain('rateHz');
    const odd = '{"t":1,"m":"a","w":{"rateHz":6400,"phase":1,"voltage":{"scale":1,"samples":"AAA="},"current":{}}}';
    expect(problem(odd)).toContain('w.current');
  });

  it('warns once about an unknown key, counts broken lines with their number and goes on', () => {
    const warnings: string[] = [];
    const reader = new RecordingReader((warning) => warnings.push(warning));
    reader.take(encodeHeader({ timezone: 'Asia/Shanghai', meters: [{ id: 'a', premises: 'flat', fuseA: 40 }] }));
    expect(reader.header?.meters[0]).toEqual({ id: 'a', premises: 'flat', fuseA: 40 });
    expect(reader.take('{"t":1,"m":"a","r":{"activePowerW":5,"mood":1}}')).toBeDefined();
    expect(reader.take('{"t":2,"m":"a",')).toBeUndefined();
    expect(reader.take('')).toBeUndefined();
    expect(reader.take('{"t":3,"m":"a","r":{"activePowerW":6,"mood":2}}')).toEqual({
      atMs: 3,
      meter: 'a',
      reading: { activePowerW: 6 },
    });
    expect(reader.count).toEqual({ records: 2, broken: 1 });
    expect(warnings).toEqual(['line 2: unknown key r.mood; ignored here and further on', 'line 3: not JSON; skipped']);
  });

  it('refuses a header without what it must have', () => {
    expect(parseHeader('{"recording":2}').ok).toBe(false);
    expect(parseHeader('{"recording":1,"timezone":"UTC","meters":[{"premises":"flat"}]}').ok).toBe(false);
    const wrong = parseHeader('{"recording":1,"timezone":"UTC","meters":[{"id":"a","fuseA":"40"}]}');
    expect(wrong).toEqual({ ok: false, problem: 'meters[0].fuseA: not as the format says' });
    const extra = parseHeader('{"recording":1,"timezone":"UTC","meters":[{"id":"a","colour":"red"}]}');
    expect(extra).toMatchObject({ ok: true, unknown: ['meters[].colour'] });
  });
});
