import { describe, expect, it } from 'vitest';
import { poisson, type ScoredAlert, score, wilson } from '../../sim/score.ts';
import { scoreHtml, scoreText } from '../../sim/score-report.ts';
import { encodeTruth, parseTruth, type Truth, type TruthHeader, within } from '../../sim/truth.ts';

const HOUR = 3_600_000;
const header: TruthHeader = { truth: 1, scenario: 'made up', meters: 10, from: 0, to: 30.44 * 24 * HOUR };
const happened = (meter: string, kind: string, from: number, to: number): Truth => ({
  meter,
  kind,
  from,
  to,
  what: kind,
});
const alert = (id: string, meter: string, kind: string, at: number, more: Partial<ScoredAlert> = {}): ScoredAlert => ({
  id,
  meter,
  kind,
  state: 'raised',
  at,
  since: at - 60_000,
  confidence: 0.9,
  ...more,
});
const kindOf = (result: ReturnType<typeof score>, kind: string) => result.kinds.find((it) => it.kind === kind)!;

describe('score', () => {
  it('counts only what a recording could show', () => {
    const truths = [
      happened('a', 'overload', 0, 2 * HOUR),
      happened('a', 'leakage', 3 * HOUR, 4 * HOUR),
      happened('b', 'overload', 0, 2 * HOUR),
    ];
    const seen = within({ header, truths }, { meters: ['a', 'c'], from: HOUR, to: 2.5 * HOUR });
    expect(seen.truths).toEqual([happened('a', 'overload', HOUR, 2 * HOUR)]);
    expect(seen.header).toMatchObject({ meters: 2, from: HOUR, to: 2.5 * HOUR });
  });

  it('counts found, missed and false ones, with the delay of the found', () => {
    const truths = [10, 20, 30, 40].map((h) => happened('a', 'overload', h * HOUR, (h + 2) * HOUR));
    const alerts = [
      alert('1', 'a', 'overload', 10.5 * HOUR),
      alert('2', 'a', 'overload', 21 * HOUR),
      alert('3', 'b', 'overload', 30 * HOUR),
    ];
    const overload = kindOf(score(truths, alerts, header), 'overload');
    expect(overload).toMatchObject({ truths: 4, found: 2, alerts: 3, right: 2, recall: 0.5 });
    expect(overload.precision).toBeCloseTo(2 / 3);
    expect(overload.f1).toBeCloseTo(4 / 7);
    expect(overload.falsePerMeterMonth).toBeCloseTo(0.1);
    expect(overload.delayP50Min).toBeCloseTo(45);
    expect(overload.brier).toBeCloseTo((0.01 + 0.01 + 0.81) / 3);
  });

  it('counts one id once, a suspicion not at all, and not what only clears', () => {
    const alerts = [
      alert('1', 'a', 'illegal-charging', HOUR, { evidence: { stage: 'suspected' } }),
      alert('2', 'a', 'illegal-charging', 2 * HOUR, { evidence: { stage: 'suspected' } }),
      alert('2', 'a', 'illegal-charging', 3 * HOUR, { state: 'updated', evidence: { stage: 'confirmed' } }),
      alert('2', 'a', 'illegal-charging', 4 * HOUR, { state: 'updated', evidence: { stage: 'confirmed' } }),
      alert('3', 'a', 'illegal-charging', 5 * HOUR, { state: 'cleared' }),
    ];
    const result = score([happened('a', 'illegal-charging', 2 * HOUR, 6 * HOUR)], alerts, header);
    expect(kindOf(result, 'illegal-charging')).toMatchObject({ alerts: 1, right: 1, found: 1, delayP50Min: 60 });
  });

  it('takes what begins under an alert that stands for known, and not for a reason of that alert', () => {
    const again = (kind: string) => {
      const truths = [happened('a', kind, 10 * HOUR, 12 * HOUR), happened('a', kind, 15 * HOUR, 16 * HOUR)];
      const standing = (at: number, until: number) => [
        alert('1', 'a', kind, at),
        alert('1', 'a', kind, until, { state: 'cleared' }),
      ];
      return [standing(10.5 * HOUR, 15.5 * HOUR), standing(10.5 * HOUR, 14 * HOUR), standing(5 * HOUR, 17 * HOUR)].map(
        (alerts) => kindOf(score(truths, alerts, header), kind),
      );
    };
    expect(again('imbalance')).toMatchObject([
      { found: 2, right: 1, delaysMin: [30] },
      { found: 1, right: 1 },
      { found: 2, right: 0, delaysMin: [] },
    ]);
    expect(again('illegal-charging').map(({ found }) => found)).toEqual([1, 1, 0]);
  });

  it('takes an outage of many meters for one thing', () => {
    const truths = ['a', 'b', 'c'].map((meter) => happened(meter, 'outage', HOUR, 2 * HOUR));
    const result = score(truths, [alert('1', 'feeder-1', 'outage', HOUR + 60_000)], header);
    expect(kindOf(result, 'outage')).toMatchObject({ truths: 1, found: 1, right: 1 });
  });

  it('says what a false alarm fell for', () => {
    const truths = [{ ...happened('a', 'none', 0, 100 * HOUR), what: 'a holiday' }];
    const result = score(truths, [alert('1', 'a', 'inactivity', 50 * HOUR)], header);
    expect(kindOf(result, 'inactivity')).toMatchObject({ truths: 0, recall: null, right: 0, precision: 0 });
    expect(result.decisions[0]?.fooledBy).toBe('a holiday');
  });

  it('holds a forecast against the overload that came, or did not', () => {
    const truths = [happened('t', 'overload', 10 * HOUR, 12 * HOUR)];
    const alerts = [
      alert('1', 't', 'overload-forecast', 8 * HOUR),
      alert('2', 't', 'overload-forecast', 20 * HOUR),
      alert('3', 't', 'overload', 9 * HOUR, { evidence: { level: 'heavy' } }),
    ];
    const result = score(truths, alerts, header);
    expect(kindOf(result, 'overload-forecast')).toMatchObject({ alerts: 2, right: 1, recall: null, delayP50Min: null });
    expect(kindOf(result, 'overload')).toMatchObject({ alerts: 0, found: 0 });
  });

  it('gives known intervals', () => {
    // Wilson 8 of 10: 0.490 to 0.943; Garwood for 3 events: 0.619 to 8.767.
    expect(wilson(8, 10)?.low).toBeCloseTo(0.49, 2);
    expect(wilson(8, 10)?.high).toBeCloseTo(0.943, 2);
    expect(poisson(3, 1).low).toBeCloseTo(0.62, 1);
    expect(poisson(3, 1).high).toBeCloseTo(8.77, 1);
    expect(poisson(0, 1).high).toBeCloseTo(3.69, 0);
  });

  it('is read by people: a table, and a page that loads nothing', () => {
    const truths = [happened('a', 'overload', HOUR, 2 * HOUR), happened('<b>', 'outage', HOUR, 2 * HOUR)];
    const result = score(truths, [alert('1', 'a', 'overload', HOUR + 1)], header);
    expect(scoreText(result)).toContain('overload');
    const html = scoreHtml(result);
    expect(html).not.toMatch(/<script|src=|href=/);
    expect(html).not.toContain('<b>');
    expect(html.match(/<svg/g)).toHaveLength(4);
  });

  it('works on nothing at all', () => {
    expect(score([], []).kinds).toEqual([]);
    expect(scoreText(score([], [], header))).toContain('made up');
  });

  it('reads the truth it writes', () => {
    const truths = [happened('a', 'overload', 1, 2)];
    expect(parseTruth(encodeTruth(header, truths))).toEqual({ header, truths });
    expect(() => parseTruth('{"meter":1}')).toThrow('line 1');
  });
});
