/** `gridwarden run`: the firmware itself, until it is told to stop. */
import { readFile } from 'node:fs/promises';
import type { Site } from '../config/site.ts';
import type { Gateway } from '../gateway.ts';
import { openLog } from '../log.ts';
import { areaOf } from '../meters.ts';
import type { PageSettings } from '../page/server.ts';
import { type Health, supervise } from '../supervisor.ts';
import { readSite, untilStopped } from './io.ts';
import { writeRecording } from './recording-file.ts';
import { start } from './start.ts';

export interface RunOptions {
  config: string;
  record?: string;
  for?: number;
}

export async function run(options: RunOptions): Promise<void> {
  const site = await readSite(options.config);
  const recording = options.record === undefined ? undefined : writeRecording(options.record, areaOf(site));
  const signal = untilStopped(options.for);
  const log = openLog();
  const { gateway, stopped } = await start({
    site,
    siteFile: options.config,
    signal,
    log,
    ...(site.page === undefined ? {} : { page: await pageSettings(site.page) }),
    ...(recording === undefined ? {} : { record: recording.write }),
  });
  await supervise({ signal, log, health: () => healthOf(gateway) });
  await stopped;
  await recording?.close();
}

function healthOf({ buses, uplink }: Gateway): Health {
  const meters = buses.flatMap((bus) => bus.status().meters);
  const answering = meters.filter(({ state }) => state === 'answering').length;
  return { answering, meters: meters.length, brokerReached: uplink.up };
}

async function pageSettings({ listen, passwordFile, tls, metrics }: NonNullable<Site['page']>): Promise<PageSettings> {
  const text = (file: string) => readFile(file, 'utf8');
  return {
    listen,
    metrics,
    ...(passwordFile === undefined ? {} : { passwordHash: await text(passwordFile) }),
    ...(tls === undefined ? {} : { tls: { cert: await text(tls.certFile), key: await text(tls.keyFile) } }),
  };
}
