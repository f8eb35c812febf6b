/** The part of `doctor` that asks the meters: every bus at the same time, all under one deadline. */
import { type BusState, startBus } from '../bus/bus.ts';
import { type Clock, sleep } from '../clock.ts';
import type { Site, SiteBus } from '../config/site.ts';
import { type BusPlan, busMeters, busPlans, lineSettings } from '../meters.ts';
import type { OpenPort } from '../port.ts';

/** One finding. `todo` stands where `ok` is false: what a person can do about it. */
export interface Finding {
  part: 'bus' | 'clock' | 'disk' | 'broker' | 'certificate' | 'file';
  what: string;
  ok: boolean;
  detail: string;
  todo?: string;
}

export interface BusExamination {
  openPort: OpenPort;
  clock: Clock;
  /** How long the meters of all buses together have to be heard. */
  patienceMs: number;
}

/** What the meters of one bus said, or why not. */
interface Heard {
  meters: readonly string[];
  heard: ReadonlySet<string>;
  /** Why a meter is silent or faulty. */
  reasons: ReadonlyMap<string, string>;
  /** Why the port is of no use; empty where it is. */
  port: string;
}

const NAMED_MAX = 5;

/** Reads from every meter once; one finding per bus in the order of the site file, each as soon as its bus is judged. */
export function examineBuses(site: Site, options: BusExamination): Promise<Finding>[] {
  const plans = busPlans(site);
  return site.buses.map(async (bus, i) => judge(bus.port, await listen(bus, options), plans[i]));
}

async function listen(bus: SiteBus, { openPort, clock, patienceMs }: BusExamination): Promise<Heard> {
  const stop = new AbortController();
  const judged = new AbortController();
  const meters = busMeters(bus);
  const heard = new Set<string>();
  const reasons = new Map<string, string>();
  let port = '';
  const look = () => {
    if (meters.every(({ id }) => heard.has(id) || reasons.has(id))) judged.abort();
  };
  const onPortState = (state: BusState) => {
    port = 'reason' in state ? state.reason : '';
    if (state.state === 'lost' || state.state === 'stuck') judged.abort();
  };
  const { stopped } = startBus({
    settings: lineSettings(bus),
    openPort,
    clock,
    meters,
    onReading: (meter) => {
      heard.add(meter);
      look();
    },
    onMeterState: (meter, { state, reason }) => {
      if (state === 'silent' || state === 'faulty') reasons.set(meter, reason);
      look();
    },
    onPortState,
    log: { info: () => {}, warn: () => {} },
    signal: stop.signal,
  });
  await sleep(clock, patienceMs, judged.signal);
  const found: Heard = { meters: meters.map(({ id }) => id), heard: new Set(heard), reasons: new Map(reasons), port };
  stop.abort();
  await stopped;
  return found;
}

function judge(what: string, { meters, heard, reasons, port }: Heard, plan: BusPlan | undefined): Finding {
  const load = `plan ${Math.round((plan?.load ?? 0) * 100)} %`;
  const bad = (detail: string, todo: string): Finding => ({ part: 'bus', what, ok: false, detail, todo });
  const missing = meters.filter((id) => !heard.has(id));
  const [first] = missing;
  if (first !== undefined) {
    const named = `${missing.slice(0, NAMED_MAX).join(', ')}${missing.length > NAMED_MAX ? ' …' : ''}`;
    const why = reasons.get(first) ?? (port === '' ? 'no answer' : port);
    return bad(`${heard.size} of ${meters.length} meters answer, ${load}; not: ${named}`, why);
  }
  const all = `${meters.length === 1 ? 'its one meter answers' : `all ${meters.length} meters answer`}, ${load}`;
  return (plan?.load ?? 0) > 1
    ? bad(all, 'the plan is longer than the line: fewer meters, a higher baud rate or a longer periodS')
    : { part: 'bus', what, ok: true, detail: all };
}
