import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type SimPage, startPage } from '../../sim/page.ts';
import { type RunningSim, startSim } from '../../sim/street.ts';

describe('page of the simulated street', () => {
  let sim: RunningSim;
  let page: SimPage;
  beforeAll(async () => {
    sim = await startSim('demo', { ports: 'tcp' });
    page = await startPage(sim);
  });
  afterAll(async () => {
    await page.close();
    await sim.stop();
  });
  const post = (body: unknown, type = 'application/json') =>
    fetch(`${page.url}api/switch`, { method: 'POST', headers: { 'content-type': type }, body: JSON.stringify(body) });
  const power = () => sim.source.readingAt('000100000202', sim.streetMs()).activePowerW ?? 0;

  it('plugs in the charger in 202 and takes it out again, and writes the truth down', async () => {
    const before = power();
    expect((await post({ switch: 'charger', target: '202', on: true })).status).toBe(200);
    expect(power() - before).toBeGreaterThan(150);
    const told = sim.truths.find((it) => it.meter === '000100000202');
    expect(told).toMatchObject({ kind: 'illegal-charging', to: Number.MAX_SAFE_INTEGER });
    const street = await (await fetch(`${page.url}api/street`)).json();
    expect(JSON.stringify(street)).toContain('"on":["charger"]');
    expect((await post({ switch: 'charger', target: '202', on: false })).status).toBe(200);
    expect(Math.abs(power() - before)).toBeLessThan(30);
    expect(told?.to).toBeLessThan(Number.MAX_SAFE_INTEGER);
  });

  it('silences a meter and pulls an adapter', async () => {
    expect((await post({ switch: 'silent', target: '000100000101', on: true })).status).toBe(200);
    expect(sim.faults('000100000101')?.silent).toBe(1);
    expect((await post({ switch: 'pull', target: 'shop-1', on: true })).status).toBe(200);
    expect((await post({ switch: 'pull', target: 'shop-1', on: false })).status).toBe(200);
  });

  it('says what it was asked wrongly', async () => {
    expect((await post({ switch: 'fire', target: '202', on: true })).status).toBe(400);
    expect((await post({ switch: 'charger', target: 'nobody', on: true })).status).toBe(404);
    expect((await post('x'.repeat(5000))).status).toBe(413);
    expect((await post({ switch: 'charger', target: '202', on: true }, 'text/plain')).status).toBe(415);
    expect((await fetch(`${page.url}elsewhere`)).status).toBe(404);
  });

  it('tells the street every second, and shows a page without outside help', async () => {
    const reader = (await fetch(`${page.url}api/events`)).body!.getReader();
    let heard = '';
    while (!heard.includes('data: ')) heard += new TextDecoder().decode((await reader.read()).value);
    await reader.cancel();
    expect(heard).toContain('"lines"');
    expect(await (await fetch(page.url)).text()).not.toMatch(/https?:\/\//);
  });
});
