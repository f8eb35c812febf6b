/** The local page in a real browser: a phone and a laptop, both languages, every tab; no serious accessibility fault. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, chromium, type Page as Tab } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { siteOf } from '../../firmware/cli/sim-site.ts';
import { type Started, start } from '../../firmware/cli/start.ts';
import { loadSite } from '../../firmware/config/load.ts';
import { openLog } from '../../firmware/log.ts';
import { hashPassword } from '../../firmware/page/session.ts';
import { type RunningSim, startSim } from '../../sim/street.ts';

const CHROMIUM = '/usr/bin/chromium';
const ARTIFACTS = 'tests/artifacts/page';
const PASSWORD = 'on-the-label';

describe.skipIf(!existsSync(CHROMIUM))('the page in Chromium (needs /usr/bin/chromium)', () => {
  let browser: Browser;
  let sim: RunningSim;
  let started: Started;
  let directory: string;
  const stop = new AbortController();

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'page-'));
    mkdirSync(ARTIFACTS, { recursive: true });
    sim = await startSim('demo');
    const siteFile = join(directory, 'site.yaml');
    const text = stringify({ ...siteOf(sim, 'mqtt://127.0.0.1:9', 3), store: { directory: join(directory, 'state') } });
    writeFileSync(siteFile, text);
    const { site } = loadSite(text, siteFile);
    if (site === undefined) throw new Error('the site file is wrong');
    const passwordHash = await hashPassword(PASSWORD);
    const page = async () => ({ listen: '127.0.0.1:0', passwordHash });
    started = await start({ site, siteFile, signal: stop.signal, page, log: openLog('silent'), curveSpacingMs: 500 });
    browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    });
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    stop.abort();
    await started?.stopped;
    await sim?.stop();
    rmSync(directory, { recursive: true, force: true });
  }, 60_000);

  async function open(width: number, height: number, locale: string): Promise<{ tab: Tab; faults: string[] }> {
    const context = await browser.newContext({ viewport: { width, height }, locale });
    const tab = await context.newPage();
    const faults: string[] = [];
    tab.on('pageerror', (error) => faults.push(error.message));
    tab.on('console', (message) => {
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
        faults.push(message.text());
    });
    await tab.goto(started.page?.page?.url ?? '');
    return { tab, faults };
  }

  async function login(tab: Tab, password: string): Promise<void> {
    await tab.fill('input[type=password]', password);
    await tab.click('form button');
  }

  /** Serious and critical faults that axe finds in what is on the screen. */
  async function accessibilityFaults(tab: Tab): Promise<string[]> {
    const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
    await tab.evaluate(source);
    return tab.evaluate(async () => {
      const { axe } = globalThis as unknown as {
        axe: { run(): Promise<{ violations: { id: string; impact: string; nodes: { html: string }[] }[] }> };
      };
      const { violations } = await axe.run();
      return violations
        .filter(({ impact }) => impact === 'serious' || impact === 'critical')
        .map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
    });
  }

  it('refuses a wrong password and shows every meter after the right one', { timeout: 60_000 }, async () => {
    const { tab, faults } = await open(1280, 800, 'en-GB');
    await login(tab, 'guess');
    await expect.poll(() => tab.textContent('[role=alert]')).toBe('Wrong password');
    await login(tab, PASSWORD);
    await tab.waitForSelector('[data-meter]');
    expect(await tab.locator('[data-meter]').count()).toBe(sim.source.meters.length);
    await expect.poll(() => tab.locator('.good:has-text("answering")').count(), { timeout: 30_000 }).toBeGreaterThan(8);
    await tab.screenshot({ path: `${ARTIFACTS}/meters-laptop-en.png` });
    expect(faults).toEqual([]);
    await tab.context().close();
  });

  it('shows an alert with the cycle of what was switched on, its harmonics, and what was done', {
    timeout: 240_000,
  }, async () => {
    const charging = async () =>
      (await started.gateway.outbox.pending(0, 1_000)).some(
        ({ message }) => message.type === 'alert' && message.alert.kind === 'illegal-charging',
      );
    await expect.poll(charging, { timeout: 180_000 }).toBe(true);
    for (const [locale, tabName, evidence] of [
      ['en-GB', 'Alerts', 'Evidence'],
      ['zh-CN', '告警', '证据'],
    ] as const) {
      const { tab, faults } = await open(1280, 800, locale);
      await login(tab, PASSWORD);
      await tab.waitForSelector('[data-meter]');
      await tab.screenshot({ path: `${ARTIFACTS}/meters-laptop-${locale}.png` });
      await tab.click(`nav button:has-text("${tabName}")`);
      const card = tab.locator('[data-alert]:has-text("harmonic3Share")').first();
      await card.locator(`button:has-text("${evidence}")`).click();
      await expect.poll(() => tab.locator('.uplot canvas').count()).toBe(4);
      expect(await tab.locator('ol li').count()).toBeGreaterThan(0);
      expect(await accessibilityFaults(tab)).toEqual([]);
      await tab.screenshot({ path: `${ARTIFACTS}/alert-laptop-${locale}.png`, fullPage: true });
      expect(faults).toEqual([]);
      await tab.context().close();
    }
  });

  it('draws no late answer over the view that was opened since, and keeps what was typed', {
    timeout: 60_000,
  }, async () => {
    const { tab, faults } = await open(1280, 800, 'en-GB');
    await login(tab, PASSWORD);
    await tab.waitForSelector('[data-meter]');
    const held = Promise.withResolvers<void>();
    const answered = Promise.withResolvers<void>();
    await tab.route('**/api/status', async (route) => {
      await held.promise;
      await route.continue();
      answered.resolve();
    });
    await tab.click('nav button:has-text("Meters")');
    await tab.click('nav button:has-text("Tools")');
    await tab.waitForSelector('form button:has-text("Read")');
    const late = tab.waitForResponse('**/api/status');
    held.resolve();
    await Promise.all([answered.promise, late]);
    await tab.waitForTimeout(300);
    expect(await tab.locator('form button:has-text("Read")').count()).toBe(1);
    expect(await tab.locator('[data-meter]').count()).toBe(0);

    await tab.click('nav button:has-text("Site file")');
    await tab.fill('textarea', '# typed by somebody');
    await tab.route('**/api/site', (route) => route.abort());
    await tab.click('form button:has-text("Check and save")');
    await expect.poll(() => tab.textContent('pre[role=status]')).toMatch(/fetch/);
    expect(await tab.inputValue('textarea')).toBe('# typed by somebody');
    expect(faults).toEqual([]);
    await tab.context().close();
  });

  it('works on a phone in Chinese: tabs, curve, read, bad site file', { timeout: 120_000 }, async () => {
    const { tab, faults } = await open(390, 844, 'zh-CN');
    const begun = performance.now();
    await login(tab, PASSWORD);
    await tab.waitForSelector('[data-meter]');
    expect(performance.now() - begun).toBeLessThan(5_000);
    expect(await tab.locator('nav button').allTextContents()).toEqual([
      '电表',
      '告警',
      '总线',
      '工具',
      '站点文件',
      '日志',
    ]);
    const shot = (name: string) => tab.screenshot({ path: `${ARTIFACTS}/${name}-phone-zh.png` });
    await shot('meters');
    await tab.locator('[data-meter] button').first().click();
    await tab.waitForSelector('.uplot canvas');
    await shot('curve');
    const faultsOf: Record<string, string[]> = {};
    for (const name of ['告警', '总线', '工具', '站点文件', '日志', '电表']) {
      await tab.click(`nav button:has-text("${name}")`);
      await tab.waitForTimeout(300);
      faultsOf[name] = await accessibilityFaults(tab);
      await shot(name);
      const overflow = await tab.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
      expect(overflow, `${name} is wider than a phone`).toBeLessThanOrEqual(0);
    }
    expect(Object.values(faultsOf).flat()).toEqual([]);

    await tab.click('nav button:has-text("工具")');
    await tab.locator('form button:has-text("读取")').click();
    await expect.poll(() => tab.textContent('pre'), { timeout: 20_000 }).toContain('"values"');
    await tab.click('nav button:has-text("站点文件")');
    await tab.waitForSelector('textarea');
    const text = await tab.inputValue('textarea');
    expect(text).toContain('buses:');
    await tab.fill('textarea', text.replace('gw-demo', 'gw/demo'));
    await tab.click('form button:has-text("检查并保存")');
    await expect.poll(() => tab.textContent('pre[role=status]')).toMatch(/site\.yaml:\d+:\d+: gateway\.id/);
    expect(faults).toEqual([]);
    await tab.context().close();
  });
});
