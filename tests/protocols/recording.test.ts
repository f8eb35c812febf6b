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
        expect(parseRecord(encodeRecord(sample))).toEqual({ ok: true, unknown: [], value: [sample] });
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
    expect(reader.take('{"t":1,"m":"a","r":{"activePowerW":5,"mood":1}}')).toHaveLength(1);
    expect(reader.take('{"t":2,"m":"a",')).toEqual([]);
    expect(reader.take('')).toEqual([]);
    expect(reader.take('{"t":3,"m":"a","r":{"activePowerW":6,"mood":2}}')).toEqual([
      { atMs: 3, meter: 'a', reading: { activePowerW: 6 } },
    ]);
    expect(reader.count).toEqual({ records: 2, broken: 1 });
    expect(warnings).toEqual(['line 2: unknown key r.mood; ignored here and further on', 'line 3: not JSON; skipped']);
  });

  it('takes reading, waveform and event of one line for three samples', () => {
    const wave = '{"scale":1,"samples":"AQACAA=="}';
    const w = `{"rateHz":6400,"phase":1,"voltage":${wave},"current":${wave}}`;
    const line = `{"t":1.4,"m":"a","r":{"activePowerW":5},"w":${w},"e":{"event":"relay-open"}}`;
    const parsed = parseRecord(line);
    expect(parsed).toMatchObject({
      ok: true,
      value: [{ atMs: 1, reading: { activePowerW: 5 } }, { waveform: { rateHz: 6400 } }, { event: 'relay-open' }],
    });
  });

  it('refuses a time that no clock can mean', () => {
    for (const t of [-1, 4.2e12, 9e15]) expect(parseRecord(`{"t":${t},"m":"a","r":{}}`).ok).toBe(false);
  });

  it('reads nothing after a first line that is no header, and says why', () => {
    const reader = new RecordingReader(() => {});
    expect(reader.take('{"recording":1,"timezone":"Mars/Olympus","meters":[]}')).toEqual([]);
    expect(reader.take(encodeHeader({ timezone: 'UTC', meters: [] }))).toEqual([]);
    expect(reader.header).toBeUndefined();
    expect(reader.problem).toContain('line 1: timezone: expected an IANA name');
  });

  it('reads past a byte order mark and warns once of a meter that the header does not name', () => {
    const warnings: string[] = [];
    const reader = new RecordingReader((warning) => warnings.push(warning));
    reader.take(`\uFEFF${encodeHeader({ timezone: 'UTC', meters: [{ id: 'a' }] })}`);
    for (const t of [1, 2]) expect(reader.take(`{"t":${t},"m":"b","r":{"activePowerW":1}}`)).toHaveLength(1);
    expect(warnings).toEqual(['line 2: meter b is not in the header; nothing watches it']);
  });

  it('refuses a header without what it must have', () => {
    const twice = parseHeader('{"recording":1,"timezone":"UTC","meters":[{"id":"a"},{"id":"a"}]}');
    expect(twice).toEqual({ ok: false, problem: 'meters[1].id: a stands twice' });
    expect(parseHeader('{"recording":2}').ok).toBe(false);
    expect(parseHeader('{"recording":1,"timezone":"UTC","meters":[{"premises":"flat"}]}').ok).toBe(false);
    const wrong = parseHeader('{"recording":1,"timezone":"UTC","meters":[{"id":"a","fuseA":"40"}]}');
    expect(wrong).toEqual({ ok: false, problem: 'meters[0].fuseA: expected a number' });
    const extra = parseHeader('{"recording":1,"timezone":"UTC","meters":[{"id":"a","colour":"red"}]}');
    expect(extra).toMatchObject({ ok: true, unknown: ['meters[].colour'] });
  });
});
