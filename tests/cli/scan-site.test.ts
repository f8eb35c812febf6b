import { describe, expect, it } from 'vitest';
import { siteOfFound } from '../../firmware/cli/scan-site.ts';
import { loadSite } from '../../firmware/config/load.ts';
import { busPlans } from '../../firmware/meters.ts';
import { parsePortAddress } from '../../firmware/port-address.ts';
import type { Found } from '../../firmware/scan.ts';

const PORT = parsePortAddress('/dev/ttyUSB0?stop=2');
if ('problem' in PORT) throw new Error(PORT.problem);
const port = PORT;

type Line = Pick<Found, 'baud' | 'parity'>;
const EVEN: Line = { baud: 2400, parity: 'even' };
const NONE: Line = { baud: 2400, parity: 'none' };
const dlt645 = (number: number, line = EVEN): Found => ({
  protocol: 'dlt645',
  standard: '2007',
  address: String(number).padStart(12, '0'),
  ...line,
});
const modbus = (unit: number, profile?: string, line = EVEN): Found => ({
  protocol: 'modbus',
  unit,
  ...(profile === undefined ? {} : { profile }),
  ...line,
});

/** What `check` makes of the text. */
function checked(text = '') {
  const { site, problems } = loadSite(text, 'site.yaml');
  expect(problems).toEqual([]);
  if (site === undefined) throw new Error('no site');
  for (const { load } of busPlans(site)) expect(load).toBeLessThanOrEqual(1);
  return site;
}

describe('the site file of a scan', () => {
  it('passes check with both protocols on one bus', () => {
    const { text, written, left } = siteOfFound(port, [dlt645(161), modbus(1, 'sdm630')]);
    expect([written, left]).toEqual([2, []]);
    expect(checked(text).buses).toMatchObject([
      { port: '/dev/ttyUSB0?baud=2400&parity=even&stop=2', meters: [{ address: '000000000161' }, { unit: 1 }] },
    ]);
  });

  it('has one bus per port, at the setting of the most meters, and says who is left out', () => {
    const { text, left } = siteOfFound(port, [
      modbus(1, 'sdm630', NONE),
      dlt645(1),
      dlt645(2),
      dlt645(3),
      dlt645(1, NONE),
    ]);
    const [bus, ...more] = checked(text).buses;
    expect(more).toEqual([]);
    expect(bus?.meters).toHaveLength(3);
    expect(left).toEqual([
      'Modbus unit 1: speaks 2400 none, the others 2400 even: set it like them',
      '000000000001: speaks 2400 none, the others 2400 even: set it like them',
    ]);
    for (const line of left) expect(text).toContain(`# Left out: ${line}`);
  });

  it('leaves a unit without a register map in a comment, for a person', () => {
    const { text, left } = siteOfFound(port, [modbus(7), modbus(8, 'sdm120')]);
    expect(checked(text).buses[0]?.meters).toMatchObject([{ unit: 8 }]);
    expect(left).toEqual([expect.stringMatching(/^Modbus unit 7: no register map fits .*unit: 7, profile/)]);
  });

  it('is none where nothing in it could be read', () => {
    expect(siteOfFound(port, [modbus(7)])).toMatchObject({ written: 0, left: [expect.stringContaining('unit 7')] });
    expect(siteOfFound(port, [modbus(7)])).not.toHaveProperty('text');
  });

  it('asks a crowded line more seldom, and takes no more meters than a bus has', () => {
    const { text, written, left } = siteOfFound(
      port,
      Array.from({ length: 70 }, (_, i) => dlt645(i + 1)),
    );
    expect([written, left.length]).toEqual([64, 6]);
    const site = checked(text);
    expect(site.buses[0]?.periodS).toBeGreaterThan(5);
    expect(busPlans(site)[0]?.load).toBeLessThanOrEqual(0.8);
  });
});
