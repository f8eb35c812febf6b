/** The site file that `scan --write` makes of what it found: one that `check` takes as it stands. */
import { stringify } from 'yaml';
import { siteSchema } from '../config/site.ts';
import { busPlans } from '../meters.ts';
import type { LineSettings } from '../port.ts';
import { formatPortAddress } from '../port-address.ts';
import type { Found } from '../scan.ts';

export interface WrittenSite {
  /** Undefined where no meter can stand in a site file yet. */
  text?: string;
  written: number;
  /** What was found and stands in the file as a comment only, with the reason; one line each. */
  left: string[];
}

/** What the schema allows on one bus. */
const METERS_MAX = 64;
/** Of the line: what is left lets a person ask a meter something. */
const LOAD_MAX = 0.8;
const PERIOD_MAX_S = 3600;
const HEAD = `# Written by gridwarden scan. Each meter: premises, phases, fuseA, grid … as in deploy/site.example.yaml`;

/** A port has one bus and a bus has one setting: that at which most meters answered. The others must be set like them. */
export function siteOfFound(port: LineSettings, found: readonly Found[]): WrittenSite {
  const bySetting = Map.groupBy(found, ({ baud, parity }) => `${baud} ${parity}`);
  const [most = []] = [...bySetting.values()].sort((a, b) => usable(b).length - usable(a).length);
  const kept = usable(most).slice(0, METERS_MAX);
  const left = found.filter((meter) => !kept.includes(meter)).map((meter) => whyLeft(meter, kept[0]));
  const [first] = kept;
  if (first === undefined) return { written: 0, left };
  const bus = {
    port: formatPortAddress({ ...port, baud: first.baud, parity: first.parity }),
    meters: kept.map(entryOf),
  };
  const text = stringify({
    gateway: { id: 'gw-change-me', timezone: 'Asia/Shanghai' },
    buses: [{ ...bus, ...periodFor(bus) }],
    uplink: { brokers: ['mqtt://127.0.0.1:1883'] },
  });
  return { text: [HEAD, ...left.map((line) => `# Left out: ${line}`), text].join('\n'), written: kept.length, left };
}

const usable = (meters: readonly Found[]) => meters.filter((meter) => entryOf(meter) !== undefined);

/** The meter as the site file has it; a unit whose register map nobody knows cannot be read. */
function entryOf(meter: Found): object | undefined {
  if (meter.protocol === 'dlt645') {
    const { protocol, standard, address } = meter;
    return { protocol, standard, address };
  }
  const { protocol, unit, profile } = meter;
  return profile === undefined ? undefined : { protocol, unit, profile, id: `modbus-${unit}` };
}

function whyLeft(meter: Found, first: Found | undefined): string {
  const name = meter.protocol === 'dlt645' ? meter.address : `Modbus unit ${meter.unit}`;
  if (entryOf(meter) === undefined)
    return `${name}: no register map fits what it says: add it with its profile, \`- { protocol: modbus, unit: ${'unit' in meter ? meter.unit : ''}, profile: … }\``;
  if (first !== undefined && (meter.baud !== first.baud || meter.parity !== first.parity))
    return `${name}: speaks ${meter.baud} ${meter.parity}, the others ${first.baud} ${first.parity}: set it like them`;
  return `${name}: a bus has ${METERS_MAX} meters at most`;
}

/** More meters than the line can serve at the usual pace are asked more seldom. */
function periodFor(bus: object): { periodS?: number } {
  const loadAt = (periodS?: number) => {
    const site = siteSchema.parse({
      gateway: { id: 'x' },
      buses: [periodS === undefined ? bus : { ...bus, periodS }],
      uplink: { brokers: ['mqtt://x'] },
    });
    return busPlans(site)[0]?.load ?? 0;
  };
  if (loadAt() <= 1) return {};
  for (let periodS = 5; periodS < PERIOD_MAX_S; periodS += 5) if (loadAt(periodS) <= LOAD_MAX) return { periodS };
  return { periodS: PERIOD_MAX_S };
}
