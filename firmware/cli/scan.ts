/** `gridwarden scan`: which meters hang on a bus, and how the line is set; `--write` makes a site file of it. */
import { writeFileSync } from 'node:fs';
import { stringify } from 'yaml';
import type { Protocol } from '../bus/plan.ts';
import { systemClock } from '../clock.ts';
import { openPort } from '../open-port.ts';
import type { LineSettings } from '../port.ts';
import { formatTarget, parsePortAddress } from '../port-address.ts';
import { type Found, scan as scanLine } from '../scan.ts';
import { BadInput, Failed, print, say, untilStopped } from './io.ts';
import { progress } from './progress.ts';

export interface ScanVerbOptions {
  port: string;
  protocol?: string;
  baud: string[];
  write?: string;
}

export async function scan(options: ScanVerbOptions): Promise<void> {
  const settings = parsePortAddress(options.port);
  if ('problem' in settings) throw new BadInput(`--port ${settings.problem}`);
  const { protocol } = options;
  if (protocol !== undefined && protocol !== 'dlt645' && protocol !== 'modbus') {
    throw new BadInput(`--protocol ${protocol}: expected dlt645 or modbus`);
  }
  const signal = untilStopped();
  const bar = progress('scan');
  const found: Found[] = [];
  const lines = linesToTry(settings, options);
  const protocols: readonly Protocol[] = protocol === undefined ? ['dlt645', 'modbus'] : [protocol];
  try {
    for await (const meter of scanLine({
      lines,
      openPort,
      clock: systemClock,
      protocols,
      onProgress: bar.update,
      signal,
    })) {
      found.push(meter);
      print(meter);
    }
  } catch (error) {
    throw new Failed(`${options.port}: ${(error as Error).message}`);
  } finally {
    bar.stop();
  }
  if (found.length === 0) {
    throw new Failed(
      `${options.port}: no meter answers: check power, wiring A/B (try them swapped) and that nobody else has the port`,
    );
  }
  if (options.write !== undefined) {
    writeFileSync(options.write, siteText(settings, found));
    say(
      `${options.write}: ${found.length} meters; fill in premises, fuses and the broker, then gridwarden check --config ${options.write}`,
    );
  }
}

/** What the address itself says is tried alone; otherwise every rate with even parity, then without. */
function linesToTry(settings: LineSettings, options: ScanVerbOptions): LineSettings[] {
  if (settings.target.kind === 'tcp' || options.port.includes('baud=')) return [settings];
  const rates = options.baud.map((text) => {
    const baud = Number(text);
    if (!Number.isInteger(baud) || baud < 300 || baud > 921_600)
      throw new BadInput(`--baud ${text}: expected 300 to 921600`);
    return baud;
  });
  return (['even', 'none'] as const).flatMap((parity) => rates.map((baud) => ({ ...settings, baud, parity })));
}

/** One bus per line setting: a bus has one rate, and meters at two rates on one wire must first be set alike. */
function siteText(settings: LineSettings, found: readonly Found[]): string {
  const byLine = Map.groupBy(
    found,
    ({ baud, parity }) => `${formatTarget(settings.target)}?baud=${baud}&parity=${parity}`,
  );
  const buses = [...byLine].map(([port, meters]) => ({
    port,
    meters: meters.map(entryOf),
  }));
  const site = {
    gateway: { id: 'gw-change-me', timezone: 'Asia/Shanghai' },
    buses,
    uplink: { brokers: ['mqtt://127.0.0.1:1883'] },
  };
  return `# Written by gridwarden scan. Each meter: premises, phases, fuseA, grid … as in deploy/site.example.yaml\n${stringify(site)}`;
}

function entryOf(meter: Found): object {
  if (meter.protocol === 'dlt645') {
    const { protocol, standard, address } = meter;
    return { protocol, standard, address };
  }
  const { protocol, unit, profile } = meter;
  // A map that could not be told is for a person to fill in; `check` stops at it until then.
  return { protocol, unit, profile: profile ?? 'change-me', id: `modbus-${unit}` };
}
