/** `gridwarden sim`: simulated meters on pseudo-terminals, TCP ports or a real adapter, until stopped. */
import { writeFileSync } from 'node:fs';
import { type SimPage, startPage } from '../../sim/page.ts';
import { answerPromptly } from '../../sim/promptly.ts';
import { type RunningSim, type SimMeterAddress, type SimOptions, startSim } from '../../sim/street.ts';
import { encodeTruth } from '../../sim/truth.ts';
import { aborted, BadInput, expectWritable, print, say, untilStopped } from './io.ts';
import { siteFileOf } from './sim-site.ts';

export interface SimVerbOptions {
  speed?: number;
  tcp?: boolean;
  port?: string;
  truth?: string;
  site?: string;
  broker: string;
  page?: boolean;
  for?: number;
}

export async function sim(scenarios: string[], options: SimVerbOptions): Promise<void> {
  expectWritable(options.truth, options.site);
  answerPromptly();
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
          // Some say the file themselves.
          throw new BadInput(`${scenario}: ${error.message.replace(`${scenario}: `, '')}`);
        }),
      );
    }
    if (options.site !== undefined) {
      writeFileSync(options.site, siteFileOf(running, options.broker, options.site));
      say(`the site file: gridwarden run --config ${options.site}`);
    }
    const ports = running.flatMap((street) => street.ports.map(({ port, meters }) => ({ port, meters })));
    if (options.page === true) {
      for (const street of running) pages.push(await startPage(street));
      for (const { url } of pages) say(`the street: ${url}`);
    }
    print({ ready: true, ports: ports.map(({ port, meters }) => ({ port, meters: meters.map(withAddress) })) });
    await aborted(signal);
    if (options.truth !== undefined) writeTruth(options.truth, scenarios, running, options.speed ?? 1);
  } finally {
    await Promise.all(pages.map((page) => page.close()));
    await Promise.all(running.map((street) => street.stop()));
  }
}

/** What happened while the street ran, in wall time: the time that a gateway stamps what it reads with. */
function writeTruth(file: string, scenarios: string[], running: RunningSim[], speed: number): void {
  const nowMs = Date.now();
  const streets = running.map((street) => {
    const streetNowMs = street.streetMs();
    const wallMs = (atMs: number) => Math.round(nowMs - (streetNowMs - atMs) / speed);
    // What still goes on has no other end than that of the watch.
    const endMs = (atMs: number) => Math.min(nowMs, wallMs(atMs));
    const truths = street.happened().map((truth) => ({ ...truth, from: wallMs(truth.from), to: endMs(truth.to) }));
    return { from: wallMs(street.source.startMs), truths };
  });
  const meters = running.flatMap(({ source }) => source.meters).length;
  const header = {
    truth: 1,
    scenario: scenarios.join(' '),
    meters,
    from: Math.min(...streets.map(({ from }) => from)),
    to: nowMs,
  } as const;
  writeFileSync(
    file,
    encodeTruth(
      header,
      streets.flatMap(({ truths }) => truths),
    ),
  );
}

/** Every meter has an `address` that `read --meter` takes, a Modbus one its unit. */
function withAddress(meter: SimMeterAddress): object {
  return 'address' in meter ? meter : { ...meter, address: String(meter.unit) };
}
