/**
 * `gridwarden demo`: a broker, a simulated street on real pseudo-terminals, the firmware and a platform in one process.
 * Nothing is faked on the way: every alert went meter → bus bytes → detector → disk → broker → subscriber.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pc from 'picocolors';
import { stringify } from 'yaml';
import type { Alert } from '../../detectors/alert.ts';
import { type RunningSim, startSim } from '../../sim/street.ts';
import { loadSite } from '../config/load.ts';
import type { Site } from '../config/site.ts';
import type { Gateway } from '../gateway.ts';
import { openLog } from '../log.ts';
import { listenAsPlatform } from '../uplink/platform.ts';
import { startDemoBroker } from './demo-broker.ts';
import { aborted, Failed, many, print, say, untilStopped } from './io.ts';
import { siteOf } from './sim-site.ts';
import { start } from './start.ts';

export interface DemoOptions {
  for?: number;
  speed: number;
  json?: boolean;
}

/** As often as eight DL/T 645 meters on one 9600-baud line can be read. */
const PERIOD_S = 3;
const STATUS_EVERY_MS = 5_000;
const DRAIN_MS = 5_000;
/** Hold times of hours are right for a street and wrong for a minute's visit. */
const DEMO_DETECTORS = { overload: { raiseHoldMs: 10_000, clearHoldMs: 10_000 } };

export async function demo(options: DemoOptions): Promise<void> {
  const machine = options.json === true || process.stdout.isTTY !== true;
  const stop = new AbortController();
  const ended = untilStopped(options.for);
  const directory = mkdtempSync(join(tmpdir(), 'gridwarden-demo-'));
  const broker = await startDemoBroker();
  const sim = await startSim('demo', { speed: options.speed });
  try {
    const arrived: Alert[] = [];
    const stored: Alert[] = [];
    const platform = await listenAsPlatform(
      { broker: broker.url },
      {
        onMessage(_gateway, message) {
          if (message.type !== 'alert') return;
          arrived.push(message.alert);
          if (machine) print(message.alert);
          else process.stdout.write(`${describe(message.alert)}\n`);
        },
        onProblem: (topic, problem) => say(`${topic}: ${problem}`),
      },
    );
    const siteFile = join(directory, 'site.yaml');
    const site = demoSite(sim, broker.url, directory, siteFile);
    const { gateway, page, stopped } = await start({
      site,
      siteFile,
      signal: stop.signal,
      page: async () => ({ listen: '127.0.0.1:0' }),
      log: openLog(process.env.GRIDWARDEN_LOG ?? 'silent'),
      onAlerts: (alerts) => stored.push(...alerts),
      curveSpacingMs: 1_000,
    });
    const buses = many(gateway.buses.length, 'bus', 'buses');
    say(`${buses} on ${sim.ports.map(({ name }) => name).join(', ')}; the page: ${page?.page?.url}`);
    say(`the broker: ${broker.url} (in another terminal: npx gridwarden watch --broker ${broker.url})`);
    say(options.for === undefined ? 'Ctrl-C ends it' : `ends after ${many(options.for, 'second')}, or with Ctrl-C`);
    const status = setInterval(() => say(pc.dim(summary(gateway, arrived.length))), STATUS_EVERY_MS);
    await aborted(ended);
    clearInterval(status);
    await drained(gateway);
    const last = gateway.buses.map((bus) => bus.status());
    stop.abort();
    await stopped;
    await platform.close();
    const lost = stored.filter((alert) => !arrived.some((other) => sameStep(other, alert)));
    const meters = last.flatMap((bus) => bus.meters).length;
    const result = {
      meters,
      readings: gateway.pipeline.readings,
      busUtilisation: Math.round((last.reduce((sum, bus) => sum + bus.utilisation, 0) / last.length) * 1000) / 1000,
      alerts: arrived.length,
      lost: lost.length,
    };
    if (machine) print({ summary: result });
    say(
      `${many(meters, 'meter')}, ${many(result.readings, 'reading')}, bus ${percent(result.busUtilisation)} in use, ${many(result.alerts, 'alert')}, ${lost.length === 0 ? 'none lost' : `${lost.length} lost`}`,
    );
    if (lost.length > 0) throw new Failed(`${many(lost.length, 'alert')} did not reach the platform`);
  } finally {
    stop.abort();
    await sim.stop();
    await broker.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

function demoSite(sim: RunningSim, broker: string, directory: string, siteFile: string): Site {
  const site = {
    ...siteOf(sim, broker, PERIOD_S),
    store: { directory: join(directory, 'state') },
    detectors: DEMO_DETECTORS,
  };
  const text = `# The street of the demo, as a site file.\n${stringify(site)}`;
  writeFileSync(siteFile, text);
  const loaded = loadSite(text, siteFile);
  if (loaded.site === undefined)
    throw new Failed(`the demo's own site file is wrong: ${JSON.stringify(loaded.problems[0])}`);
  return loaded.site;
}

/** Gives the last alerts their way to the platform; what has not arrived then counts as lost. */
async function drained(gateway: Gateway): Promise<void> {
  const until = performance.now() + DRAIN_MS;
  while (performance.now() < until && (await gateway.outbox.depth()).alerts > 0) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const sameStep = (a: Alert, b: Alert) => a.id === b.id && a.state === b.state && a.at === b.at;
const percent = (share: number) => `${Math.round(share * 100)} %`;

function summary(gateway: Gateway, alerts: number): string {
  const buses = gateway.buses.map((bus) => bus.status());
  const answering = buses.flatMap((bus) => bus.meters).filter((meter) => meter.state === 'answering').length;
  const use = buses.map((bus) => percent(bus.utilisation)).join(' / ');
  return `${many(answering, 'meter')} answering · ${many(gateway.pipeline.readings, 'reading')} · bus ${use} · ${many(alerts, 'alert')} · platform ${gateway.uplink.up ? 'reached' : 'not reached'}`;
}

/** One line for people: when, how bad, what, where, and the figures that let them believe it. */
function describe(alert: Alert): string {
  const colour =
    alert.state === 'cleared'
      ? pc.green
      : alert.severity === 'critical'
        ? pc.red
        : alert.severity === 'warning'
          ? pc.yellow
          : pc.cyan;
  const figures = Object.entries(alert.evidence)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');
  const time = new Date(alert.at).toLocaleTimeString('en-GB');
  return `${time}  ${colour(`● ${alert.kind} ${alert.state}`)}  ${alert.severity}  ${alert.meter}  ${pc.dim(figures)}`;
}
