/** Prometheus' text format (version 0.0.4) of the figures that the page shows. */
import type { StatusView } from './source.ts';

interface Family {
  name: string;
  type: 'gauge' | 'counter';
  help: string;
  of(status: StatusView): [labels: Record<string, string>, value: number][];
}

const plain = (value: number): [Record<string, string>, number][] => [[{}, value]];

const FAMILIES: Family[] = [
  { name: 'gridwarden_readings_total', type: 'counter', help: 'Readings taken', of: (s) => plain(s.readings) },
  { name: 'gridwarden_alerts_total', type: 'counter', help: 'Alerts decided', of: (s) => plain(s.alerts) },
  { name: 'gridwarden_uplink_up', type: 'gauge', help: 'Broker reached', of: (s) => plain(Number(s.uplink.up)) },
  {
    name: 'gridwarden_outbox_waiting',
    type: 'gauge',
    help: 'Alerts without a receipt',
    of: (s) => plain(s.uplink.waiting),
  },
  {
    name: 'gridwarden_bus_utilisation',
    type: 'gauge',
    help: 'Share of the line in use',
    of: (s) => s.buses.map((bus) => [{ port: bus.port }, bus.utilisation]),
  },
  {
    name: 'gridwarden_bus_plan_load',
    type: 'gauge',
    help: 'Share of the line that the plan asks for',
    of: (s) => s.buses.map((bus) => [{ port: bus.port }, bus.planLoad]),
  },
  {
    name: 'gridwarden_meters',
    type: 'gauge',
    help: 'Meters by state',
    of: (s) => {
      const counts = new Map<string, number>();
      for (const meter of s.buses.flatMap((bus) => bus.meters))
        counts.set(meter.state, (counts.get(meter.state) ?? 0) + 1);
      return [...counts].map(([state, count]) => [{ state }, count]);
    },
  },
  {
    name: 'gridwarden_start_time_seconds',
    type: 'gauge',
    help: 'Start of this run, Unix time',
    of: (s) => plain(s.startedAtMs / 1000),
  },
];

export function prometheus(status: StatusView): string {
  return FAMILIES.map(({ name, type, help, of }) => {
    const rows = of(status).map(([labels, value]) => `${name}${formatLabels(labels)} ${value}`);
    return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...rows].join('\n');
  })
    .join('\n')
    .concat('\n');
}

function formatLabels(labels: Record<string, string>): string {
  const entries = Object.entries(labels);
  if (entries.length === 0) return '';
  const escaped = (text: string) => text.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n');
  return `{${entries.map(([key, value]) => `${key}="${escaped(value)}"`).join(',')}}`;
}
