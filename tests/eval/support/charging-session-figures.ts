/** The session figures: whole months through the engine, alerts against what was planted. */
import type { Alert } from '../../../detectors/alert.ts';
import { charging } from '../../../detectors/charging/charging.ts';
import { Engine } from '../../../detectors/engine.ts';
import type { Sample } from '../../../protocols/reading.ts';
import { seeded } from '../../../sim/currents/seeded.ts';
import { type DeviceDay, HOUSE_MONTHS, type HouseMonth, loadDeviceDays, loadHouse } from './charging-data.ts';
import { homeSamples, type Planted, plant, replayed } from './charging-homes.ts';
import { drawSession } from './charging-sessions.ts';
import { type Device, FRONTS, measuredDevices } from './events.ts';
import { bootstrap, quantile, wilson } from './statistics.ts';

/** An alert may be dated a reading early, and no later than the session's end. */
const EARLY_MS = 120_000;
const METER = 'm';

/** Alerts of a stream of samples, whose maker may look whether the detector has asked for a snapshot meanwhile. */
export function alertsOf(samples: (asked: () => boolean) => Iterable<Sample>): Alert[] {
  const engine = new Engine({ timezone: 'Europe/London', meters: [{ id: METER, premises: 'flat' }] }, [charging()]);
  const alerts: Alert[] = [];
  let wanted = false;
  const asked = () => {
    const was = wanted;
    wanted = false;
    return was;
  };
  for (const sample of samples(asked)) {
    const taken = engine.take(sample);
    alerts.push(...taken.alerts);
    wanted ||= taken.asks.some(({ type }) => type === 'capture');
  }
  return alerts;
}

interface Month {
  home: string;
  planted: Planted[];
  suspected: Alert[];
  confirmed: Alert[];
}

const belongs = (alert: Alert, { startMs, endMs }: Planted) =>
  alert.since >= startMs - EARLY_MS && alert.since <= endMs;
const first = (alerts: Alert[], one: Planted) => alerts.find((alert) => belongs(alert, one));
const strays = (alerts: Alert[], planted: Planted[]) =>
  alerts.filter((alert) => !planted.some((one) => belongs(alert, one)));

/** A notebook of the measured days lies in every home: an uncorrected load that comes daily. */
function notebook(days: readonly DeviceDay[], house: HouseMonth, seed: number) {
  const kinds = days.filter(({ kind }) => kind === 'PC-Laptop' || kind === 'MacBookPro_13in');
  const devices = [...Map.groupBy(kinds, ({ device }) => device.slice(0, 10)).values()];
  const own = devices[seed % devices.length]!;
  return replayed(
    own.map(({ powerW }) => powerW),
    house.startMs,
    seed + 1,
  );
}

function runMonth(
  house: HouseMonth,
  seed: number,
  withSessions: boolean,
  answers: boolean,
  devices: readonly Device[],
  days: readonly DeviceDay[],
): Month {
  const draw = seeded(1000 + seed);
  const planted = withSessions
    ? plant(
        house,
        Array.from({ length: 40 }, () => drawSession(draw)),
        draw,
      )
    : [];
  const front = seed % 2 === 0 ? FRONTS['1.6 kHz / 12 bit'] : FRONTS['6.4 kHz / 16 bit'];
  const further = [notebook(days, house, seed)];
  const options = { meter: METER, seed, front, devices, planted, further };
  const alerts = alertsOf((asked) => homeSamples(house, answers ? { ...options, asked } : options));
  return {
    home: house.house,
    planted,
    suspected: alerts.filter(({ state }) => state === 'raised'),
    confirmed: alerts.filter(({ state, evidence }) => state === 'updated' && evidence.stage === 'confirmed'),
  };
}

/**
 * @param every takes one month in so many, to be quick
 * @param answers whether the meter gives the snapshots that it is asked for, as the gateway's do; else only with steps
 */
export function sessionFigures(every = 1, answers = true) {
  const devices = measuredDevices();
  const days = loadDeviceDays();
  const months: Month[] = [];
  const quiet: Month[] = [];
  let seed = 0;
  for (const [house, names] of Object.entries(HOUSE_MONTHS) as [keyof typeof HOUSE_MONTHS, readonly string[]][]) {
    for (const name of names) {
      seed++;
      if (seed % every !== 0) continue;
      const loaded = loadHouse(house, name);
      months.push(runMonth(loaded, seed, true, answers, devices, days));
      quiet.push(runMonth(loaded, seed + 100, false, answers, devices, days));
    }
  }
  return { ...summary(months), quiet: quietSummary(quiet), months: months.length };
}

function summary(months: readonly Month[]) {
  const tally = (some: readonly Month[]) => {
    const planted = some.flatMap((month) => month.planted.map((one) => ({ one, month })));
    const confirmed = planted.filter(({ one, month }) => first(month.confirmed, one) !== undefined);
    const suspected = planted.filter(({ one, month }) => first(month.suspected, one) !== undefined);
    const falseAlarms = some.reduce((sum, month) => sum + strays(month.confirmed, month.planted).length, 0);
    const alarms = some.reduce((sum, month) => sum + month.confirmed.length, 0);
    const duplicates = alarms - falseAlarms - confirmed.length;
    return { planted, confirmed, suspected, falseAlarms, duplicates };
  };
  const { planted, confirmed, suspected, falseAlarms, duplicates } = tally(months);
  const recallOf = (some: readonly Month[]) => {
    const own = tally(some);
    return own.confirmed.length / Math.max(1, own.planted.length);
  };
  const delays = (found: typeof confirmed, stage: 'confirmed' | 'suspected') =>
    found.map(({ one, month }) => (first(month[stage], one)!.at - one.startMs) / 1000);
  const suspectedS = delays(suspected, 'suspected');
  const confirmedS = delays(confirmed, 'confirmed');
  const peakOf = ({ one }: (typeof planted)[number]) => Math.max(...one.session.powerW);
  const bands = [
    [60, 100],
    [100, 200],
    [200, 500],
  ] as const;
  return {
    sessions: planted.length,
    recall: confirmed.length / planted.length,
    recallInterval: wilson(confirmed.length, planted.length),
    recallOverMonths: bootstrap(months, recallOf, seeded(5).unit, 200),
    suspectedRecall: suspected.length / planted.length,
    precision: confirmed.length / (confirmed.length + falseAlarms),
    precisionWithDuplicates: confirmed.length / (confirmed.length + falseAlarms + duplicates),
    falseAlarms,
    duplicates,
    suspectedDelayS: { p50: quantile(suspectedS, 0.5), p90: quantile(suspectedS, 0.9) },
    confirmedDelayMin: { p50: quantile(confirmedS, 0.5) / 60, p90: quantile(confirmedS, 0.9) / 60 },
    byBand: bands.map(([low, high]) => {
      const own = planted.filter((entry) => peakOf(entry) >= low && peakOf(entry) < high);
      const hits = own.filter((entry) => confirmed.includes(entry));
      const delaysS = delays(hits, 'confirmed');
      return {
        band: `${low}-${high} W`,
        n: own.length,
        recall: hits.length / Math.max(1, own.length),
        confirmedP90Min: quantile(delaysS, 0.9) / 60,
      };
    }),
    byKind: ['full', 'partial', 'interrupted', 'measured'].map((kind) => {
      const own = planted.filter(({ one }) => one.session.kind === kind);
      return {
        kind,
        n: own.length,
        recall: own.filter((entry) => confirmed.includes(entry)).length / Math.max(1, own.length),
      };
    }),
    calibration: calibration(months),
  };
}

/** Confidence said at each stage, and how often a session was there. */
function calibration(months: readonly Month[]) {
  return (['suspected', 'confirmed'] as const).map((stage) => {
    const all = months.flatMap((month) => month[stage].map((alert) => ({ alert, month })));
    const came = all.filter(({ alert, month }) => month.planted.some((one) => belongs(alert, one))).length;
    const said = all.reduce((sum, { alert }) => sum + alert.confidence, 0);
    return { stage, n: all.length, said: said / Math.max(1, all.length), came: came / Math.max(1, all.length) };
  });
}

function quietSummary(months: readonly Month[]) {
  const total = (stage: 'confirmed' | 'suspected') => months.reduce((sum, month) => sum + month[stage].length, 0);
  const homes = Map.groupBy(months, ({ home }) => home);
  return {
    months: months.length,
    falseAlarmsPerMonth: total('confirmed') / months.length,
    suspectedPerMonth: total('suspected') / months.length,
    perHome: [...homes].map(([home, some]) => ({
      home,
      months: some.length,
      confirmed: some.reduce((sum, { confirmed }) => sum + confirmed.length, 0),
    })),
  };
}
