/** Makes what a scenario says happen: loads, absences and effects on meters, with the truth of each written down. */
import type { Area, AreaMeter, MeterEffect } from './area.ts';
import { DAY_MS, type Overlay } from './household.ts';
import type { LineFaults } from './line.ts';
import { createRandom } from './random.ts';
import type { Happening } from './scenario.ts';
import type { Truth } from './truth.ts';

/** What happens on a wire or beyond the gateway: nothing a reading can show, so the street carries it out. */
export interface WireHappening {
  fromMs: number;
  toMs: number;
  line: string;
  how: 'unplugged' | Partial<LineFaults>;
}

export interface Played {
  truths: Truth[];
  wires: WireHappening[];
}

/** Who is away for a day and a night is not gone; from here on an alert about an empty home is right. */
const EMPTY_H = 48;
const isHome = ({ info }: AreaMeter) => info.premises === 'flat' || info.premises === 'house';

/** @throws RangeError when a happening names a meter that is not there */
export function playHappenings(area: Area): Played {
  const played: Played = { truths: [], wires: [] };
  for (const happening of area.scenario.happenings) {
    const times =
      'every' in happening && happening.every !== undefined ? repeats(area, happening.day, happening.every) : [0];
    for (const extraDays of times) play(area, { ...happening, day: happening.day + extraDays }, played);
  }
  played.truths.sort((a, b) => a.from - b.from || (a.meter < b.meter ? -1 : 1));
  return played;
}

/** Days after the first on which something happens again, each with its own chance of a day's shift. */
function repeats(area: Area, day: number, every: number): number[] {
  const days: number[] = [];
  for (let extra = 0; day + extra < area.scenario.days; extra += every) days.push(Math.round(extra));
  return days;
}

function play(area: Area, it: Happening, played: Played): void {
  const fromMs = startOf(area, it.day, it.at);
  const toMs = fromMs + it.hours * 3_600_000;
  const span = { fromMs: area.localMs(fromMs), toMs: area.localMs(toMs) };
  const told = (meter: string, kind: string, what: string, from = fromMs, to = toMs) =>
    played.truths.push({ meter, kind, from, to, what });
  const each = (name: string, act: (meter: AreaMeter) => void): void => {
    const meters = area.named(name);
    if (meters.length === 0) throw new RangeError(`${it.what}: no meter is called ${name}`);
    for (const meter of meters) act(meter);
  };
  const effect = (meter: AreaMeter, what: Omit<MeterEffect, 'fromMs' | 'toMs'>) =>
    meter.effects.push({ fromMs, toMs, ...what });
  const supplied = (by: { feeder?: string | undefined; box?: string | undefined }) =>
    area.all.filter(
      ({ info }) =>
        (by.feeder === undefined || info.feeder === by.feeder) && (by.box === undefined || info.box === by.box),
    );

  switch (it.what) {
    case 'charging':
      each(it.meter, (meter) => {
        meter.home.add(charging(span, it.powerW, meter.home.spec.seed + it.day));
        const allowed = meter.info.charging === 'allowed';
        told(meter.info.id, allowed ? 'none' : 'illegal-charging', `a charger of ${it.powerW} W`);
      });
      return;
    case 'overload':
      each(it.meter, (meter) => {
        const load = { powerW: it.powerW, powerFactor: 0.98, current: 'resistive', name: 'too-much' } as const;
        meter.home.add({ ...span, load });
        told(meter.info.id, 'overload', `${it.powerW} W more`);
      });
      return;
    case 'imbalance':
      each(it.meter, (meter) => {
        const load = {
          powerW: it.powerW,
          powerFactor: 0.95,
          current: 'resistive',
          name: 'one-phase',
          phase: it.phase - 1,
        } as const;
        meter.home.add({ ...span, load });
        const told3 = area.all.find(({ info }) => info.premises === 'transformer')?.info.id ?? meter.info.id;
        told(told3, 'imbalance', `${it.powerW} W on phase ${it.phase}`);
      });
      return;
    case 'stop':
      each(it.meter, (meter) => {
        meter.home.add({ ...span, away: { leftOn: it.leftOn } });
        told(meter.info.id, 'inactivity', it.leftOn ? 'the resident stops, things left on' : 'the resident stops');
      });
      return;
    case 'away':
      each(it.meter, (meter) => {
        meter.home.add({ ...span, away: { leftOn: false } });
        told(meter.info.id, 'none', 'away on a journey');
        // A flat whose people travel is as empty as one that they left.
        if (it.hours >= EMPTY_H && isHome(meter)) told(meter.info.id, 'occupancy', 'nobody is there');
      });
      return;
    case 'vacant':
      each(it.meter, (meter) => {
        meter.home.add({ ...span, away: { leftOn: false } });
        told(meter.info.id, 'occupancy', 'moved out');
      });
      return;
    case 'sleeper':
      each(it.meter, (meter) => {
        meter.home.add({ ...span, rhythm: 'shop-sleeper' });
        told(meter.info.id, 'night-residence', 'somebody sleeps in the shop');
      });
      return;
    case 'leakage':
      each(it.meter, (meter) => {
        effect(meter, { leakA: it.milliamps / 1000 });
        told(meter.info.id, 'leakage', `${it.milliamps} mA to earth`);
      });
      return;
    case 'bypass':
      each(it.meter, (meter) => {
        effect(meter, { measures: it.factor });
        told(meter.info.id, 'abnormal-use', `the meter is bypassed, it sees ${Math.round(100 * it.factor)} %`);
      });
      return;
    case 'event':
      each(it.meter, (meter) => {
        meter.events.push({ atMs: fromMs, event: it.event });
        const tamper = it.event === 'cover-open' || it.event === 'terminal-open';
        told(meter.info.id, tamper ? 'tamper' : it.event === 'clock-fault' ? 'meter-fault' : 'none', it.event);
      });
      return;
    case 'stuck':
      each(it.meter, (meter) => {
        effect(meter, { stuck: true });
        told(meter.info.id, 'meter-fault', 'values stand still');
      });
      return;
    case 'exchanged':
      each(it.meter, (meter) => {
        meter.effects.push({ fromMs, toMs: Number.MAX_SAFE_INTEGER, exchanged: true });
        told(meter.info.id, 'meter-fault', 'exchanged: the register begins at nought');
      });
      return;
    case 'rolled-back':
      each(it.meter, (meter) => {
        effect(meter, { lessWh: it.kwh * 1000 });
        told(meter.info.id, 'meter-fault', `the register goes back by ${it.kwh} kWh`);
      });
      return;
    case 'clock-off':
      each(it.meter, (meter) => {
        meter.faults = { ...meter.faults, clockOffMs: it.minutes * 60_000 };
        meter.events.push({ atMs: fromMs, event: 'clock-fault' });
        told(meter.info.id, 'meter-fault', `the clock is ${it.minutes} minutes off`);
      });
      return;
    case 'silent':
      each(it.meter, (meter) => {
        effect(meter, { dark: true });
        meter.events.push({ atMs: fromMs + 5 * 60_000, event: 'no-answer' });
        told(meter.info.id, 'meter-fault', 'does not answer');
      });
      return;
    case 'reboot':
      each(it.meter, (meter) => {
        meter.effects.push({ fromMs, toMs: fromMs + 90_000, dark: true });
        told(meter.info.id, 'none', 'the meter restarts', fromMs, fromMs + 90_000);
      });
      return;
    case 'outage':
      for (const meter of supplied(it)) outage(meter, it.phase, fromMs, toMs, told);
      return;
    case 'voltage':
      for (const meter of supplied(it)) {
        if (it.phase !== undefined && meter.info.phases !== 3 && meter.info.phase !== it.phase) continue;
        effect(meter, {
          voltageFactor: it.factor,
          ...(meter.info.phases === 3 && it.phase ? { phase: it.phase } : {}),
        });
        told(meter.info.id, 'voltage', `the voltage is ${Math.round(100 * it.factor)} %`);
      }
      return;
    case 'line':
      played.wires.push({ fromMs, toMs, line: it.line, how: defined(it.faults) });
      return;
    case 'unplugged':
      played.wires.push({ fromMs, toMs, line: it.line, how: 'unplugged' });
      told(it.line, 'gateway', 'the adapter is pulled');
      return;
    case 'gateway':
      told('gateway', 'gateway', it.how);
      return;
    default:
      it satisfies never;
  }
}

type Told = (meter: string, kind: string, what: string) => void;

function outage(meter: AreaMeter, phase: number | undefined, fromMs: number, toMs: number, told: Told): void {
  const { info } = meter;
  if (phase !== undefined && info.phases === 3) {
    meter.effects.push({ fromMs, toMs, lostPhase: phase });
    told(info.id, 'outage', `phase ${phase} is lost`);
    return;
  }
  if (phase !== undefined && info.phase !== phase) return;
  meter.effects.push({ fromMs, toMs, dark: true });
  // The last gasp: a meter's capacitor lasts for one message.
  meter.events.push({ atMs: fromMs, event: 'power-off' }, { atMs: toMs, event: 'power-on' });
  told(info.id, 'outage', 'no voltage');
}

/** A charge: constant current for most of it, then less and less. */
export function charging(span: { fromMs: number; toMs: number }, powerW: number, seed: number): Overlay {
  const random = createRandom(seed);
  const hours = (span.toMs - span.fromMs) / 3_600_000;
  const load = {
    powerW,
    powerFactor: 0.6,
    current: 'charger',
    tailH: hours * random.between(0.2, 0.4),
    name: 'charger',
  } as const;
  return { ...span, load };
}

function startOf(area: Area, day: number, at: string): number {
  const first = Math.floor(area.localMs(area.startMs) / DAY_MS) * DAY_MS;
  const [hours, minutes] = at.split(':').map(Number);
  return first - area.offsetMs + day * DAY_MS + ((hours ?? 0) * 60 + (minutes ?? 0)) * 60_000;
}

function defined(faults: Record<string, number | undefined>): Partial<LineFaults> {
  return Object.fromEntries(Object.entries(faults).filter(([, value]) => value !== undefined));
}
