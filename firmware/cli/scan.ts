/** `gridwarden scan`: which meters hang on a bus, and how the line is set; `--write` makes a site file of it. */
import { writeFileSync } from 'node:fs';
import { stringify } from 'yaml';
import type { Protocol } from '../bus/plan.ts';
import { systemClock } from '../clock.ts';
import { openPort } from '../open-port.ts';
import type { LineSettings } from '../port.ts';
import { formatTarget, parsePortAddress } from '../port-address.ts';
import { type Found, scan as scanLine } from '../scan.ts';
import { BadInput, expectWritable, Failed, many, print, say, untilStopped } from './io.ts';
import { progress } from './progress.ts';

export interface ScanVerbOptions {
  port: string;
  protocol?: string;
  /** Rates to try; the usual ones where not given. */
  baud?: string[];
  write?: string;
}

/** In the order of how many meters come with them. */
const USUAL_RATES = ['2400', '9600', '1200', '4800'];

export async function scan(options: ScanVerbOptions): Promise<void> {
  const settings = parsePortAddress(options.port);
  if ('problem' in settings) throw new BadInput(`--port ${settings.problem}`);
  const { protocol } = options;
  if (protocol !== undefined && protocol !== 'dlt645' && protocol !== 'modbus') {
    throw new BadInput(`--protocol ${protocol}: expected dlt645 or modbus`);
  }
  const lines = linesToTry(settings, options);
  expectWritable(options.write);
  const protocols: readonly Protocol[] = protocol === undefined ? ['dlt645', 'modbus'] : [protocol];
  if (settings.target.kind === 'tcp') say(converterNote(lines[0] ?? settings));
  const signal = untilStopped();
  const bar = progress('scan');
  const found: Found[] = [];
  let progressed = '';
  const onProgress = (asked: number, most: number) => {
    progressed = `${asked} of ${most} questions`;
    bar.update(asked, most);
  };
  try {
    for await (const meter of scanLine({ lines, openPort, clock: systemClock, protocols, onProgress, signal })) {
      found.push(meter);
      print(meter);
    }
  } catch (error) {
    throw new Failed(`${options.port}: ${(error as Error).message}`);
  } finally {
    bar.stop();
  }
  // Nobody was asked whether the rest of the bus is empty.
  const stopped = signal.aborted ? `${options.port}: stopped after ${progressed || 'no question'}` : undefined;
  if (found.length === 0) {
    throw new Failed(
      stopped === undefined
        ? `${options.port}: no meter answers: check power, wiring A/B (try them swapped) and that nobody else has the port`
        : `${stopped}, none of them answered yet`,
    );
  }
  if (stopped !== undefined) say(`${stopped}: there may be more meters than the ${found.length} found`);
  if (options.write !== undefined) {
    writeFileSync(options.write, siteText(settings, found));
    say(
      `${options.write}: ${many(found.length, 'meter')}; fill in premises, fuses and the broker, then gridwarden check --config ${options.write}`,
    );
  }
}

/**
 * What the address itself says is tried alone; otherwise every rate with even parity, then without. A line behind a
 * converter is set there and nowhere else, so it has one setting to try.
 * @throws BadInput where `--baud` could have no effect
 */
function linesToTry(settings: LineSettings, { port, baud: given }: ScanVerbOptions): LineSettings[] {
  const says = (key: string) => port.slice(port.indexOf('?') + 1).includes(`${key}=`);
  const rates = (given ?? USUAL_RATES).map(rateOf);
  const { kind } = settings.target;
  if (given !== undefined) {
    if (kind === 'modbus-tcp') throw new BadInput(`--baud: ${port} has no line with a rate: leave it out`);
    if (says('baud')) throw new BadInput(`--baud: ${port} already says its rate: expected one of the two`);
    if (kind === 'tcp' && rates.length > 1)
      throw new BadInput(`--baud: the converter behind ${port} sets the rate: expected the one it is set to`);
  }
  if (kind === 'modbus-tcp' || says('baud')) return [settings];
  if (kind === 'tcp') return [{ ...settings, baud: given === undefined ? settings.baud : (rates[0] ?? settings.baud) }];
  const parities = says('parity') ? [settings.parity] : (['even', 'none'] as const);
  return parities.flatMap((parity) => rates.map((baud) => ({ ...settings, baud, parity })));
}

function rateOf(text: string): number {
  const baud = Number(text);
  if (!Number.isInteger(baud) || baud < 300 || baud > 921_600)
    throw new BadInput(`--baud ${text}: expected 300 to 921600`);
  return baud;
}

function converterNote({ target, baud, parity }: LineSettings): string {
  return `${formatTarget(target)}: the converter sets the line, so baud ${baud} and parity ${parity} are taken for its own and not found out: if it is set otherwise, say so with ?baud=…&parity=…`;
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
