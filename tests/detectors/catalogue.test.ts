import { describe, expect, it } from 'vitest';
import { allDetectors, settingProblem } from '../../detectors/catalogue.ts';
import { Engine } from '../../detectors/engine.ts';

const T0 = Date.UTC(2024, 4, 1);
const DAY_MS = 86_400_000;

describe('settings of a detector', () => {
  it('lie over its defaults one by one: the others stay as they are', () => {
    const meter = { id: 'm', premises: 'flat' as const };
    const raised = (settings: Record<string, number>) => {
      const engine = new Engine({ timezone: 'UTC', meters: [meter] }, allDetectors({ 'meter-fault': settings }));
      const kinds: string[] = [];
      for (let atMs = T0; atMs < T0 + 3 * DAY_MS; atMs += 900_000) {
        // The register stands still while a kilowatt flows.
        const powerW = 1000 + ((atMs / 900_000) % 7);
        const { alerts } = engine.take({ atMs, meter: 'm', reading: { activePowerW: powerW, importWh: 5000 } });
        kinds.push(...alerts.map((alert) => `${alert.kind} ${alert.evidence.fault}`));
      }
      return kinds;
    };
    expect(raised({})).toContain('meter-fault stuck');
    expect(raised({ frozenH: 12 })).toContain('meter-fault stuck');
    expect(raised({ owedWh: 1e9 })).not.toContain('meter-fault stuck');
  });

  it('are known by name and kind, and named where they are not', () => {
    expect(settingProblem('voltage')).toBeUndefined();
    expect(settingProblem('voltage', 'holdMs', 5)).toBeUndefined();
    expect(settingProblem('overload', 'tripClass', 'D')).toBeUndefined();
    expect(settingProblem('voltage', 'holdMs', '5')).toBe('expected a number, such as 600000');
    expect(settingProblem('overload', 'tripClass', 5)).toBe('expected a string, such as C');
    expect(settingProblem('relay', 'flows')).toBe('unknown setting: expected one of flowsW, flowsMin');
    expect(settingProblem('volts')).toMatch(
      /^unknown detector: expected one of illegal-charging, inactivity, .*, voltage$/,
    );
    expect(settingProblem('toString')).toContain('unknown detector');
    // A table within a setting belongs to a meter's own entry.
    expect(settingProblem('overload', 'thermal', {})).not.toContain('thermal');
    expect(settingProblem('overload', 'thermal', {})).toContain('unknown setting');
  });

  it('belong to detectors of which no two keep their state under one name', () => {
    const names = allDetectors().map((detector) => detector.name);
    expect(new Set(names).size).toBe(names.length);
    expect(names.length).toBeGreaterThan(15);
  });
});
