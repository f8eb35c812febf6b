/** `gridwarden scan`: which meters hang on a bus, and how the line is set; `--write` makes a site file of it. */
import { writeFileSync } from 'node:fs';
import type { Protocol } from '../bus/plan.ts';
import { systemClock } from '../clock.ts';
import { openPort } from '../open-port.ts';
import type { LineSettings } from '../port.ts';
import { formatTarget, parsePortAddress } from '../port-address.ts';
import { type Found, type ScanOptions, scan as scanLine } from '../scan.ts';
import { BadInput, expectWritable, Failed, many, print, say, untilStopped } from './io.ts';
import { progress } from './progress.ts';
import { siteOfFound } from './scan-site.ts';

export interface ScanVerbOptions {
  port: string;
  protocol?: string;
  /** Rates to try; the usual ones where not given. */
  baud?: string[];
  thorough?: boolean;
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
  const voices: string[] = [];
  let asked = 0;
  const onProgress: ScanOptions['onProgress'] = ({ doing, asked: done, most }) => {
    asked++;
    bar.update(done, most, doing);
  };
  const onVoices: ScanOptions['onVoices'] = ({ baud, parity }) => voices.push(`${baud} ${parity}`);
  const { thorough = false } = options;
  try {
    const ways = { lines, openPort, clock: systemClock, protocols, thorough, onProgress, onVoices, signal };
    for await (const meter of scanLine(ways)) {
      found.push(meter);
      print(meter);
    }
  } catch (error) {
    throw new Failed(`${options.port}: ${(error as Error).message}`);
  } finally {
    bar.stop();
  }
  // Nobody was asked whether the rest of the bus is empty.
  const stopped = signal.aborted ? `${options.port}: stopped after ${many(asked, 'question')}` : undefined;
  if (found.length === 0) {
    if (stopped !== undefined) throw new Failed(`${stopped}, none of them answered yet`);
    throw new Failed(`${options.port}: ${nobody(voices, thorough)}`);
  }
  if (stopped !== undefined) say(`${stopped}: there may be more meters than the ${found.length} found`);
  else if (!thorough) say(`${options.port}: ${found.length} found; ${unasked(found, lines.length)}`);
  if (options.write !== undefined) write(options.write, settings, found);
}

function nobody(voices: readonly string[], thorough: boolean): string {
  if (voices.length > 0)
    return `somebody speaks at ${voices.join(' and ')} and no meter can be made of it: noise, two meters with the same number, or another parity`;
  const more = thorough ? '' : '; Modbus units above 10 are asked with --thorough';
  return `no meter answers: check power, wiring A/B (try them swapped) and that nobody else has the port${more}`;
}

/** What a quick scan leaves out, so that nobody takes its silence for an answer. */
function unasked(found: readonly Found[], settings: number): string {
  const units = found.some(({ protocol }) => protocol === 'modbus') ? '' : 'Modbus units above 10';
  const others = settings > 1 ? 'other rates and parities' : '';
  const left = [units, others].filter((text) => text !== '').join(' and ');
  return left === '' ? 'every unit was asked' : `not asked: ${left}: --thorough does`;
}

/** @throws Failed where nothing was found that can stand in a site file */
function write(file: string, settings: LineSettings, found: readonly Found[]): void {
  const { text, written, left } = siteOfFound(settings, found);
  for (const line of left) say(`left out: ${line}`);
  if (text === undefined) throw new Failed(`${file}: not written: none of the ${found.length} found can be read yet`);
  writeFileSync(file, text);
  say(
    `${file}: ${many(written, 'meter')}; fill in premises, fuses and the broker, then gridwarden check --config ${file}`,
  );
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
