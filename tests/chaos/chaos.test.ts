import { describe, expect, it } from 'vitest';
import { MOSQUITTO } from '../system/mosquitto.ts';
import { runKills } from './kills.ts';
import { hasStrace, runPowerCuts } from './power-cut.ts';

describe.skipIf(MOSQUITTO === undefined)('killed gateway and broker (needs mosquitto)', () => {
  it('lose nothing that was acknowledged', async () => {
    const report = await runKills({ gatewayKills: 6, brokerKills: 3, deadlineMs: 20_000 });
    expect(report.gatewayKills).toBeGreaterThan(3);
    expect(report.acknowledged).toBeGreaterThan(20);
    expect(report).toMatchObject({ lost: 0, duplicated: 0, disordered: 0 });
  }, 90_000);
});

describe.skipIf(!hasStrace())('power cuts rebuilt from the system calls (needs strace)', () => {
  it('lose nothing that was acknowledged, and the store starts', async () => {
    const report = await runPowerCuts(20, 400, Math.random);
    expect(report).toEqual({ images: 20, lost: 0, failedStarts: 0 });
  }, 60_000);
});
