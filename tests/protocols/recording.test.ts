import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { METER_EVENTS, type MeterInfo, PREMISES, type Sample } from '../../protocols/reading.ts';
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

  it('knows every figure of a reading, and writes the keys in one order', () => {
    const reading = {
      ...{ activePowerW: 1, reactivePowerVar: 2, voltageV: [3, 3.5], currentA: [4], neutralCurrentA: 5 },
      ...{ residualCurrentA: 6, powerFactor: [0.7], frequencyHz: 50, importWh: 8, exportWh: 9, balanceYuan: 10 },
      ...{ temperatureC: 11, ambientC: 12, currentThd: [0.13], harmonicsA: [[1, 0.1], [2]] },
    };
    const line = encodeRecord({ atMs: 5, meter: 'a', reading });
    expect(line.startsWith('{"t":5,"m":"a","r":{"activePowerW":1,')).toBe(true);
    expect(parseRecord(line)).toEqual({ ok: true, unknown: [], value: [{ atMs: 5, meter: 'a', reading }] });
    expect(encodeRecord({ atMs: 5, meter: 'a', event: 'power-off' })).toBe('{"t":5,"m":"a","e":{"event":"power-off"}}');
  });

  const wave = '{"scale":1,"samples":"AQACAA=="}';
  const record = (fields: string) => `{"t":1,"m":"a",${fields}}`;
  const waveform = (fields: string) => record(`"w":{${fields}}`);
  const events = METER_EVENTS.join(', ');
  it.each([
    ['[]', 'expected a JSON object'],
    ['null', 'expected a JSON object'],
    ['5', 'expected a JSON object'],
    ['{', 'not JSON'],
    ['{"m":"a","r":{}}', 't: expected epoch milliseconds'],
    ['{"t":-1,"m":"a","r":{}}', 't: expected epoch milliseconds'],
    ['{"t":4102444800001,"m":"a","r":{}}', 't: expected epoch milliseconds'],
    ['{"t":1,"r":{}}', "m: expected the meter's id"],
    ['{"t":1,"m":"","r":{}}', "m: expected the meter's id"],
    ['{"t":1,"m":5,"r":{}}', "m: expected the meter's id"],
    [record('"x":1'), 'expected one of r, w, e'],
    [record('"r":[]'), 'r: expected an object'],
    [record('"r":null'), 'r: expected an object'],
    [record('"r":{"importWh":null}'), 'r.importWh: expected a number'],
    [record('"r":{"importWh":1e999}'), 'r.importWh: expected a number'],
    [record('"r":{"voltageV":230}'), 'r.voltageV: expected one number per phase'],
    [record('"r":{"voltageV":[230,"1"]}'), 'r.voltageV: expected one number per phase'],
    [record('"r":{"currentA":[1,2,3,4]}'), 'r.currentA: expected one number per phase'],
    [record('"r":{"harmonicsA":[1]}'), 'r.harmonicsA: expected a list of numbers per phase'],
    [record('"r":{"harmonicsA":5}'), 'r.harmonicsA: expected a list of numbers per phase'],
    [record('"r":{"harmonicsA":[[],[],[],[]]}'), 'r.harmonicsA: expected a list of numbers per phase'],
    [record('"e":"power-off"'), `e.event: expected one of ${events}`],
    [record('"e":{}'), `e.event: expected one of ${events}`],
    [record('"w":5'), 'w: expected an object'],
    [waveform('"rateHz":799,"phase":1'), 'w.rateHz: expected 800 Hz or more'],
    [waveform('"phase":1'), 'w.rateHz: expected 800 Hz or more'],
    [waveform('"rateHz":800,"phase":4'), 'w.phase: expected 1, 2 or 3'],
    [waveform('"rateHz":800,"phase":1'), 'w.voltage: expected scale and base64 int16 samples'],
    [waveform(`"rateHz":800,"phase":2,"voltage":${wave}`), 'w.current: expected scale and base64 int16 samples'],
    [
      waveform(`"rateHz":800,"phase":3,"voltage":${wave},"current":{"scale":1,"samples":""}`),
      'w.current: expected scale and base64 int16 samples',
    ],
    [
      waveform(`"rateHz":800,"phase":3,"voltage":{"scale":"1","samples":"AQA="},"current":${wave}`),
      'w.voltage: expected scale and base64 int16 samples',
    ],
    [
      waveform(`"rateHz":800,"phase":3,"voltage":{"scale":1,"samples":5},"current":${wave}`),
      'w.voltage: expected scale and base64 int16 samples',
    ],
    [
      waveform(`"rateHz":800,"phase":3,"voltage":{"scale":1,"samples":"AQA="},"current":${wave}`),
      'w: voltage and current differ in length',
    ],
  ])('says of %s: %s', (line, problem) => {
    expect(parseRecord(line)).toEqual({ ok: false, problem });
  });

  it('takes the limits themselves, and names every key that it passed over', () => {
    expect(parseRecord('{"t":0,"m":"a","r":{}}').ok).toBe(true);
    expect(parseRecord('{"t":4102444800000,"m":"a","r":{}}').ok).toBe(true);
    expect(parseRecord(record('"r":{"voltageV":[1,2,3],"harmonicsA":[[1],[2],[3]]}')).ok).toBe(true);
    const line = record(
      `"z":0,"r":{"mood":1},"w":{"rateHz":800,"phase":1,"voltage":${wave},"current":${wave},"gain":1},"e":{"event":"power-on","why":""}`,
    );
    expect(parseRecord(line)).toMatchObject({ ok: true, unknown: ['z', 'r.mood', 'w.gain', 'e.why'] });
  });

  const header = (meters: string) => `{"recording":1,"timezone":"UTC","meters":${meters}}`;
  it.each([
    ['[]', 'expected a JSON object'],
    ['{"timezone":"UTC","meters":[]}', 'expected "recording":1 in the first line'],
    ['{"recording":1,"meters":[]}', 'timezone: expected an IANA name such as Asia/Shanghai'],
    ['{"recording":1,"timezone":"","meters":[]}', 'timezone: expected an IANA name such as Asia/Shanghai'],
    [header('{}'), 'meters: expected a list'],
    [header('[5]'), 'meters[0]. expected an object'],
    [header('[{"id":"a"},{"grid":"g"}]'), 'meters[1].id: missing'],
    [header('[{"id":""}]'), 'meters[0].id: expected a text'],
    [header('[{"id":5}]'), 'meters[0].id: expected a text'],
    [header('[{"id":"a","premises":"castle"}]'), `meters[0].premises: expected one of ${PREMISES.join(', ')}`],
    [header('[{"id":"a","phases":2}]'), 'meters[0].phases: expected 1 or 3'],
    [header('[{"id":"a","phase":4}]'), 'meters[0].phase: expected 1, 2 or 3'],
    [header('[{"id":"a","ratedCurrentA":"5"}]'), 'meters[0].ratedCurrentA: expected a number'],
    [header('[{"id":"a","watch":["elderly",5]}]'), 'meters[0].watch: expected a list of texts'],
    [header('[{"id":"a","watch":"elderly"}]'), 'meters[0].watch: expected a list of texts'],
    [header('[{"id":"a","charging":true}]'), 'meters[0].charging: expected "allowed"'],
    [header('[{"id":"a","grid":5}]'), 'meters[0].grid: expected a text'],
    [header('[{"id":"a","tariff":{}}]'), 'meters[0].tariff: expected {"tiersKwhPerMonth":[…]}'],
    [header('[{"id":"a","tariff":5}]'), 'meters[0].tariff: expected {"tiersKwhPerMonth":[…]}'],
    [header('[{"id":"a","thermal":{"x":"1"}}]'), 'meters[0].thermal: expected numbers by name'],
    [header('[{"id":"a","thermal":5}]'), 'meters[0].thermal: expected numbers by name'],
  ])('says of the header %s: %s', (line, problem) => {
    expect(parseHeader(line)).toEqual({ ok: false, problem });
  });

  it('reads back the header it writes, with everything that a meter may have', () => {
    const whole = {
      ...{ id: 'a', premises: 'house', phases: 3, phase: 2, ratedCurrentA: 60, fuseA: 63, watch: ['elderly'] },
      ...{ charging: 'allowed', grid: 'g', feeder: 'F', box: 'B', tariff: { tiersKwhPerMonth: [1, 2] } },
      ...{ contract: 'c', ratedKva: 100, thermal: { tauOilMin: 180 } },
    } as const satisfies MeterInfo;
    const given = { timezone: 'Asia/Shanghai', meters: [whole, { id: 'b', phases: 1 as const, phase: 1 as const }] };
    expect(parseHeader(encodeHeader(given as never))).toEqual({ ok: true, value: given, unknown: [] });
    expect(parseHeader('{"recording":1,"timezone":"UTC","meters":[],"by":"x"}')).toMatchObject({ unknown: ['by'] });
  });

  it('bounds what it says of a long broken file, and counts all of it', () => {
    const warnings: string[] = [];
    const reader = new RecordingReader((warning) => warnings.push(warning));
    reader.take(encodeHeader({ timezone: 'UTC', meters: [{ id: 'a' }] }));
    for (let i = 0; i < 150; i++) reader.take('broken');
    expect(reader.count).toEqual({ records: 0, broken: 150 });
    expect([warnings.length, warnings.at(-1)]).toEqual([100, 'line 101: not JSON; skipped']);
    for (let i = 0; i < 1100; i++) reader.take(`{"t":1,"m":"a","r":{"k${i}":1}}`);
    expect(warnings).toHaveLength(100 + 1000);
    expect(reader.count.records).toBe(1100);
    reader.take('   ');
    expect(reader.count).toEqual({ records: 1100, broken: 150 });
  });
});
