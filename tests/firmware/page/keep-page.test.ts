import { expect, it } from 'vitest';
import { silentLog } from '../../../firmware/log.ts';
import type { OwnAlerts } from '../../../firmware/own-alerts.ts';
import { keepPage } from '../../../firmware/page/keep-page.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

it('tries again until the page stands, under one alert, and closes what stands', async () => {
  const clock = new VirtualClock();
  const stop = new AbortController();
  const told: string[] = [];
  const own: OwnAlerts = {
    raise: (key, _severity, { reason }) => void told.push(`${key}: ${reason}`),
    clear: (key) => void told.push(`${key} over`),
    standing: () => [],
    settled: async () => {},
  };
  let tries = 0;
  let closed = 0;
  const open = async () => {
    if (++tries < 3) throw new Error('taken');
    return { url: 'http://here/', close: async () => void closed++ };
  };
  const kept = await keepPage({ open, clock, log: silentLog, own, signal: stop.signal });
  expect(kept.page).toBeUndefined();
  await clock.run(120_000);
  expect(kept.page?.url).toBe('http://here/');
  expect(tries).toBe(3);
  expect(told).toEqual(['page-away: taken', 'page-away: taken', 'page-away over']);
  stop.abort();
  await kept.close();
  expect(closed).toBe(1);
});
