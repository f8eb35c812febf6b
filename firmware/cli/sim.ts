/** `gridwarden sim`: simulated meters on pseudo-terminals, TCP ports or a real adapter, until stopped. */
import { writeFileSync } from 'node:fs';
import { type SimPage, startPage } from '../../sim/page.ts';
import { type RunningSim, type SimMeterAddress, type SimOptions, startSim } from '../../sim/street.ts';
import { encodeTruth } from '../../sim/truth.ts';
import { aborted, BadInput, print, say, untilStopped } from './io.ts';

export interface SimVerbOptions {
  speed?: number;
  tcp?: boolean;
  port?: string;
  truth?: string;
  page?: boolean;
  for?: number;
}

export async function sim(scenarios: string[], options: SimVerbOptions): Promise<void> {
  const signal = untilStopped(options.for);
  const how: SimOptions = {
    ports: options.tcp === true ? 'tcp' : 'pty',
    warn: say,
    ...(options.speed === undefined ? {} : { speed: options.speed }),
    ...(options.port === undefined ? {} : { adapter: options.port }),
  };
  const running: RunningSim[] = [];
  const pages: SimPage[] = [];
  try {
    for (const scenario of scenarios) {
      running.push(
        await startSim(scenario, how).catch((error: Error) => {
          throw new BadInput(`${scenario}: ${error.message}`);
        }),
      );
    }
    const ports = running.flatMap((street) => street.ports.map(({ port, meters }) => ({ port, meters })));
    if (options.page === true) {
      for (const street of running) pages.push(await startPage(street));
      for (const { url } of pages) say(`the street: ${url}`);
    }
    print({ ready: true, ports: ports.map(({ port, meters }) => ({ port, meters: meters.map(withAddress) })) });
    await aborted(signal);
    if (options.truth !== undefined) writeTruth(options.truth, scenarios, running);
  } finally {
    await Promise.all(pages.map((page) => page.close()));
    await Promise.all(running.map((street) => street.stop()));
  }
}

/** What happened while the street ran: its own time, so that a recording of the same run can be held against it. */
function writeTruth(file: string, scenarios: string[], running: RunningSim[]): void {
  const from = Math.min(...running.map(({ source }) => source.startMs));
  const to = Math.max(...running.map((street) => street.streetMs()));
  const meters = running.flatMap(({ source }) => source.meters).length;
  const truths = running.flatMap((street) => street.truths.filter((truth) => truth.from <= to));
  writeFileSync(file, encodeTruth({ truth: 1, scenario: scenarios.join(' '), meters, from, to }, truths));
}

/** Every meter has an `address` that `read --meter` takes, a Modbus one its unit. */
function withAddress(meter: SimMeterAddress): object {
  return 'address' in meter ? meter : { ...meter, address: String(meter.unit) };
}
