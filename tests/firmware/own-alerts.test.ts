import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Alert } from '../../detectors/alert.ts';
import { openOwnAlerts } from '../../firmware/own-alerts.ts';
import { openStore } from '../../firmware/store/store.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

describe("the gateway's own alerts", () => {
  it('raise once, and are cleared after a restart when the fault is over', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'own-')), 'outbox.db');
    const clock = new VirtualClock();
    const stored: Alert[] = [];
    const open = async () => {
      const outbox = openStore(file);
      return { outbox, own: await openOwnAlerts('gw-1', outbox, clock, (alerts) => stored.push(...alerts)) };
    };

    const first = await open();
    first.own.raise('port-lost:/dev/ttyS1', 'warning', { port: '/dev/ttyS1' });
    first.own.raise('port-lost:/dev/ttyS1', 'warning', { port: '/dev/ttyS1' });
    await first.own.settled();
    expect(stored).toHaveLength(1);
    expect(stored[0]).toMatchObject({ kind: 'gateway', meter: 'gw-1', state: 'raised', recipients: ['dispatch'] });
    await first.outbox.close();

    const second = await open();
    expect(second.own.standing()).toEqual(['port-lost:/dev/ttyS1']);
    second.own.clear('port-lost:/dev/ttyS1');
    second.own.clear('never-raised');
    await second.own.settled();
    expect(stored).toHaveLength(2);
    expect(stored[1]).toMatchObject({ id: stored[0]?.id, state: 'cleared', since: stored[0]?.since });
    expect((await second.outbox.pending(0, 10)).map(({ message }) => message)).toEqual(
      stored.map((alert) => ({ type: 'alert', alert })),
    );
    await second.outbox.close();
  });
});
